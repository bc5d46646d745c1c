"""The random programs are worth comparing: a machine that computes wrongly gives other bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from accel_sim.function import execute
from machine import numerics
from machine.config import load_machine
from machine.isa import Instruction
from runtime.fuzz.random_images import random_image
from runtime.fuzz.random_programs import random_program

NANO = load_machine("nano4")
SEEDS = range(40)
"""Those of the co-simulation on nano4 (tests/cosim/test_random_programs.py)."""

add, finish = numerics.add, numerics.finish
FAULTS: dict[str, tuple[str, Callable[..., Any]]] = {
    "no look-up": ("look_up", lambda values, table: values),
    "entries in the order of values": ("look_up", lambda values, table: table[values.astype(np.int16) + 128]),
    "no subtraction": ("add", lambda *given, subtract: add(*given)),
    "no addition": ("add", lambda *given, subtract: add(*given, subtract=True)),
    "negated difference": ("add", lambda a, za, b, zb, *rest, subtract: add(
        *((b, zb, a, za) if subtract else (a, za, b, zb)), *rest, subtract=subtract)),
    "no zero point": ("finish", lambda *given: finish(*given[:5], 0, *given[6:])),
}


def bytes_after(instructions: list[Instruction], seed: int) -> bytes:
    memory = random_image(NANO, instructions, seed)[None]
    execute(NANO, instructions, memory)
    return memory.tobytes()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_shows_in_memory(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [random_program(NANO, seed, 30) for seed in SEEDS]
    right = [bytes_after(program, seed) for seed, program in enumerate(programs)]
    monkeypatch.setattr(numerics, *FAULTS[fault])
    wrong = [bytes_after(program, seed) for seed, program in enumerate(programs)]
    assert sum(one != other for one, other in zip(right, wrong, strict=True)) >= 3
