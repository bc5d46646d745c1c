"""The comparison sees errors of one cycle, beat or place: sizes that the events kernel alone gets wrong.

Errors in the kernel's text need a compilation each: `python -m tests.accel_sim.events.mutants`.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from accel_sim import events
from runtime.fuzz.random_machines import random_machine
from runtime.fuzz.random_programs import random_program
from tests.accel_sim.events.test_random_programs import compare, encoded

PROGRAMS = 60


def add(part: str, field: str, amount: int) -> Callable[[Any], None]:
    def change(now: Any) -> None:
        now[part][field] += amount

    return change


def twice(field: str) -> Callable[[Any], None]:
    def change(now: Any) -> None:
        now.setup[field] *= 2

    return change


FAULTS = {
    "a read takes a cycle longer": add("setup", "read_latency", 1),
    "a write takes a cycle longer": add("setup", "write_latency", 1),
    "the array is a cycle longer": add("setup", "matrix_latency", 1),
    "a shift takes a cycle longer": add("setup", "rows", 1),
    "one more burst may be outstanding": add("setup", "outstanding", 1),
    "a queue holds one more": add("setup", "queue_depth", 1),
    "the bus is a little slower": add("setup", "rate_denominator", 1),
    "a row opens a cycle later": add("setup", "dram_activate", 1),
    "a row closes a cycle later": add("setup", "dram_precharge", 1),
    "there are twice the DRAM banks": twice("dram_banks"),
    "rows are twice as long": twice("dram_row_bytes"),
    "refreshes are half as frequent": twice("dram_refresh_interval"),
    "a refresh takes a cycle longer": add("setup", "dram_refresh", 1),
    "a bank holds one granule more": add("setup", "bank_granules", 1),
    "a half has one row less": add("setup", "half_rows", -1),
    "the scratchpad has one granule less": add("setup", "scratchpad_granules", -1),
    "the FIFO holds one beat less": add("weights", "free_beats", -1),
    "the read buffer holds one beat less": add("load", "free_beats", -1),
    "the fetch buffer holds one less": add("control", "fetch_free", -1),
    "no credit in the beginning": add("memory", "bus_credit", -(1 << 24)),
    "a token from nowhere": lambda now: now.control.token.__setitem__((0, 3), 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    right = events.initial_state

    def wrong(*arguments: Any) -> Any:
        state = right(*arguments)
        FAULTS[fault](state[0])
        return state

    monkeypatch.setattr(events, "initial_state", wrong)
    with pytest.raises(AssertionError, match="stepper"):
        for seed in range(PROGRAMS):
            random = Random(seed)
            machine = random_machine(seed, 32)
            compare(machine, encoded(random_program(machine, seed, random.choice([10, 30, 60]))), random)
