"""The DRAM law (docs/units/memory.md): its example and its edges on both models, and cycle counts derived by hand.

On nano4 with this DRAM, the first fetch burst (at address 0) is accepted in 2 and opens row 0 of bank 0: its first beat
arrives 10 cycles later than without, in 112; instruction i is dispatched in 128 + 16 i and can issue in 129 + 16 i.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numba
import pytest

import accel_sim.events.dram
import accel_sim.events.state
import accel_sim.stepper.dram
import accel_sim.stepper.state
from accel_sim.time import TimeResult
from machine.config import Machine
from machine.isa import Engine, Instruction, Opcode, make
from machine.registers import EngineState
from tests.accel_sim.time.test_hand_counts import HALT, NANO, WORD, run, times

DRAM = {
    "dram_banks": 2, "dram_row_bytes": 1024, "dram_activate_cycles": 10, "dram_precharge_cycles": 5,
    "dram_refresh_interval_cycles": 0, "dram_refresh_cycles": 0,
}
MACHINE = replace(NANO, **DRAM)


@numba.njit
def stepper_access(state: Any, accepted: int, address: int, beats: int) -> int:
    return int(accel_sim.stepper.dram.access(accepted, state[0].setup, state[0].dram, address, beats))


@numba.njit
def events_access(state: Any, accepted: int, address: int, beats: int) -> int:
    return int(accel_sim.events.dram.columns_at(accepted, state[0], address, beats))


MODELS = {
    "stepper": (accel_sim.stepper.state.initial_state, stepper_access),
    "events": (accel_sim.events.state.initial_state, events_access),
}
Access = tuple[int, int, int, int, int]
"""Cycle of acceptance, byte address, beats; cycle of the first column, and from which on the bank is free."""


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("refresh", "accesses"),
    [
        pytest.param(  # the page's example: due 112, 128, 114, 159 at a latency of 100
            (0, 0), [(2, 0, 16, 12, 28), (3, 256, 16, 28, 44), (4, 1024, 16, 14, 30), (5, 2048, 16, 59, 75)],
            id="example of the page",
        ),
        pytest.param(
            (100, 20),
            [
                (2, 0, 16, 12, 28),  # no refresh in the beginning
                (99, 256, 16, 99, 115),  # the last cycle before a refresh: what has begun is finished
                (100, 512, 16, 130, 146),  # free in 115, in the refresh to 119: begins in 120, opens the row again
                (119, 1024, 16, 130, 146),  # the last cycle of the refresh
                (150, 2048, 16, 165, 181),  # another row of this period
                (199, 2304, 16, 199, 215),
                (200, 1024, 16, 230, 246),  # the first cycle of the next refresh
                (220, 2048, 16, 230, 246),  # the first cycle after it: the row was opened in the period before
                (298, 4096, 16, 313, 329),  # begins in 298, its columns lie in the next period
                (340, 4096, 16, 350, 366),  # so its row is not open in that
            ],
            id="refresh",
        ),
        pytest.param(
            (100, 0), [(2, 0, 4, 12, 16), (99, 0, 1, 99, 100), (99, 0, 1, 110, 111), (111, 0, 1, 111, 112)],
            id="refresh of no cycles closes rows",
        ),
        pytest.param(
            (2, 1), [(1, 0, 3, 11, 14), (1, 0, 3, 25, 28), (13, 1024, 2, 23, 25)],
            id="every other cycle is a refresh",
        ),
    ],
)
def test_accesses(model: str, refresh: tuple[int, int], accesses: list[Access]) -> None:
    initial_state, access = MODELS[model]
    interval, cycles = refresh
    machine = replace(MACHINE, dram_refresh_interval_cycles=interval, dram_refresh_cycles=cycles)
    state = initial_state(machine, 0, 4, 1 << 16)
    for accepted, address, beats, first, free in accesses:
        assert access(state, accepted, address, beats) == first, accepted
        assert state[0].dram.free[address // 1024 % 2] == free, accepted


@pytest.mark.parametrize("model", MODELS)
def test_without_dram_nothing_is_late(model: str) -> None:
    initial_state, access = MODELS[model]
    state = initial_state(replace(MACHINE, dram_banks=0), 0, 4, 1 << 16)
    assert [access(state, accepted, 2048 * accepted, 16) for accepted in (2, 3, 4)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("address", "opening"),
    [(512, 0), (4096, 15), (5120, 10)],  # the row that the fetch opened, another of its bank, one of the other bank
)
def test_load_of_one_word(address: int, opening: int) -> None:
    # Issue 129, burst granted 130, on the bus 131, beat 231 or later, visible and granted in the next cycle, written.
    load = make(Opcode.LOAD, **{**WORD, "memory_address": address})
    result = run(load, HALT, machine=MACHINE)
    assert times(result, Engine.LOAD) == [(129, 233 + opening)]
    assert result.counters[Engine.LOAD, EngineState.WAIT_MEMORY] == 102 + opening  # 130 to the beat


def store_of(words: int, **fields: int) -> Instruction:
    spans = {"words": words, "word_stride": 1, "source_span": words - 1, "window_bytes": 4}
    return make(Opcode.STORE, **{"memory_address": 4096, **spans, **fields})


def test_store_of_one_burst() -> None:
    # Issue 129, granted 130, 4 reads 131 to 134, complete and sent 136, on the bus 137. Another row of bank 0: its
    # columns are in 152 to 155, the response in 255.
    result = run(store_of(4), HALT, machine=MACHINE)
    assert times(result, Engine.STORE) == [(129, 255)]
    assert (result.cycles, result.write_beats) == (256, 4)


def test_responses_come_in_order() -> None:
    # Two bursts of a word each, granted 130 and 131, on the bus in 134 and 135. The first closes a row of bank 0:
    # response 134 + 15 + 100 = 249. The second opens one of bank 1 and would be answered in 245: it is in 250.
    result = run(store_of(1, count1=2, memory_stride1=1024), HALT, machine=MACHINE)
    assert times(result, Engine.STORE) == [(129, 250)]


def test_reads_and_writes_meet_in_the_banks() -> None:
    # Both are for bank 0, each for another row. The load (issue 145, granted 146) is on the bus in 147; a store of w
    # words (granted 130) in 130 + w + 3.
    load = make(Opcode.LOAD, **{**WORD, "memory_address": 2048})

    def ends(words: int) -> tuple[int, int]:
        result = run(store_of(words), load, HALT, machine=MACHINE)
        return times(result, Engine.LOAD)[0][1], times(result, Engine.STORE)[0][1]

    # In one cycle: the read first, its column in 162. The bank is free in 163, so the write's columns are in 178 to
    # 191, the response in 291. The beat comes in 262, the word is written in 264.
    assert ends(14) == (264, 291)
    # The write a cycle before, 146: columns 161 to 173, response 273. The read begins in 174: beat 289, written 291.
    assert ends(13) == (291, 273)
    # The write a cycle after: it waits for the same cycle, 163, with a beat more.
    assert ends(15) == (264, 292)


def test_the_fifth_burst_waits_for_a_buffer() -> None:
    # As without DRAM, ten cycles later: five lines of 4 bytes that straddle two beats are sent in 133, 135, ... 141.
    # Their columns in bank 0, of which the first closes a row: 134 + 15 = 149 and 150, then two cycles each to 158, so
    # the last response is in 258.
    store = make(Opcode.STORE, memory_address=4098, window_bytes=4, count1=5, memory_stride1=16)
    result = run(store, HALT, machine=MACHINE)
    assert times(result, Engine.STORE) == [(129, 258)]
    assert result.counters[Engine.STORE, EngineState.WAIT_ROOM] == 1


def test_load_in_a_refresh() -> None:
    # The banks refresh in 120 to 149 and are closed then. The address is on the bus in 131, the access begins in 150:
    # beat 260, written 262.
    machine: Machine = replace(MACHINE, dram_refresh_interval_cycles=120, dram_refresh_cycles=30)
    assert times(run(make(Opcode.LOAD, **WORD), HALT, machine=machine), Engine.LOAD) == [(129, 262)]


def test_fields_of_a_dram_that_is_off_do_not_matter() -> None:
    fields: dict[str, int] = {**DRAM, "dram_banks": 0, "dram_activate_cycles": 4096}
    results: list[TimeResult] = [run(store_of(4), HALT, machine=each) for each in (NANO, replace(NANO, **fields))]
    assert results[0].cycles == results[1].cycles == 231
