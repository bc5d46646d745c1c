"""The history of every engine holds each cycle once, and its causes add up to counters and accounts."""

from __future__ import annotations

import numpy as np
import pytest

from accel_sim.time import ACCOUNTED, Cause, Clock, TimeResult, simulate_time
from accel_sim.timing import history as history_module
from machine.config import load_machine
from machine.isa import Engine
from machine.registers import STATE_COUNT, EngineState
from runtime.fuzz.differences import differences
from runtime.fuzz.random_machines import random_machine
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from tests.accel_sim.both_clocks import simulate_both

GROUPS = 3


def check_sums(result: TimeResult, groups: list[int]) -> None:
    """Compare the history with the counters, with the accounts, and with the issue cycles."""
    for engine in Engine:
        runs = result.history[engine]
        assert runs.cycles.min() > 0
        assert runs.start.tolist() == [1, *(np.cumsum(runs.cycles)[:-1] + 1)]
        assert runs.cycles.sum() == result.cycles
        change = (np.diff(runs.cause) != 0) | (np.diff(runs.place) != 0)
        assert change.all(), "neighbours are different"
        states = [int(Cause(c).state) for c in runs.cause] if engine in ACCOUNTED else runs.cause
        assert np.bincount(states, runs.cycles, STATE_COUNT).tolist() == result.counters[engine].tolist()
    for engine in ACCOUNTED:
        runs = result.history[engine]
        own = [groups[index] for index in result.indices[engine]]
        group = np.asarray([*(GROUPS if g < 0 else g for g in own), GROUPS])[runs.place]
        found = np.zeros_like(result.accounts[engine])
        np.add.at(found, (group, runs.cause), runs.cycles)
        assert found.tolist() == result.accounts[engine].tolist()


@pytest.mark.parametrize("part", range(4))
def test_sums_of_random_programs(part: int) -> None:
    for seed in range(40 * part, 40 * part + 40):
        machine = random_machine(seed, 32)
        program = random_program(machine, seed, 20)
        groups = [index % (GROUPS + 1) - 1 for index in range(len(program))]
        check_sums(simulate_both(machine, program, memory_limit=MEMORY_BYTES, groups=groups), groups)


def test_instructions_of_load_weights_and_store() -> None:
    """Their cycles belong to the instruction issued last, or while they idle or wait for a token to the next one."""
    machine = load_machine("nano4")
    result = simulate_both(machine, random_program(machine, 5, 40), memory_limit=MEMORY_BYTES)
    for engine in (Engine.LOAD, Engine.WEIGHTS, Engine.STORE):
        runs, issue = result.history[engine], result.issue[engine]
        for start, cycles, cause, place in zip(runs.start, runs.cycles, runs.cause, runs.place, strict=True):
            for cycle in (start, start + cycles - 1):
                issued = int((issue <= cycle).sum())
                assert place == (issued if EngineState(cause).name in ("IDLE", "WAIT_TOKEN") else issued - 1)


@pytest.mark.parametrize("clock", list(Clock))
def test_more_runs_than_there_was_room_for(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = load_machine("nano4")
    program = random_program(machine, 7, 40)
    whole = simulate_time(machine, program, memory_limit=MEMORY_BYTES, clock=clock, with_history=True)
    assert sum(len(runs.start) for runs in whole.history.values()) > 100
    monkeypatch.setattr("accel_sim.time.FIRST_CAPACITY", 10)
    again = simulate_time(machine, program, memory_limit=MEMORY_BYTES, clock=clock, with_history=True)
    assert not differences(again, whole)


def test_no_history_unless_asked_for() -> None:
    machine = load_machine("nano4")
    result = simulate_time(machine, random_program(machine, 7, 10), memory_limit=MEMORY_BYTES)
    assert result.history == {}
    assert history_module.open_runs(0).rows.size == 0
