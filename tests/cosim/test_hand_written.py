"""Each instruction, each stall, each contention and each ending: simulator and Verilated RTL agree, on nano4."""

from __future__ import annotations

import pytest

from accel_sim.time import simulate_time
from compiler.verify_program import verify_program
from machine.errors import ProgramError
from machine.isa import Engine
from machine.registers import ENGINE_STATES, EngineState, Status
from runtime.cosim import cosimulate
from runtime.session import Session
from tests.cosim.builders import MEMORY_BYTES, NANO4, Case, Ending, program_of
from tests.cosim.programs import CASES
from tests.cosim.table_programs import TABLE_CASES, TABLE_ENDINGS


@pytest.mark.parametrize("case", [*CASES, *TABLE_CASES], ids=lambda case: case.name)
def test_equal_on_both_machines(case: Case) -> None:
    program = program_of(case.instructions)
    timing = simulate_time(NANO4, program.code(program.segments[0]), memory_limit=MEMORY_BYTES)
    assert timing.status is Status.DONE
    assert timing.counters[case.engine, case.state] > 0, "the program does not show what it is there for"
    result = cosimulate(Session(program))
    legal = is_legal(case)
    assert [text for text in result.differences if legal or not text.startswith("byte")] == []
    assert result.mismatched_instructions == result.mismatched_counters == 0
    assert result.bytes_compared == MEMORY_BYTES


@pytest.mark.parametrize("case", TABLE_CASES, ids=lambda case: case.name)
def test_the_bytes_of_programs_with_tables_are_defined(case: Case) -> None:
    verify_program(NANO4, case.instructions, memory_bytes=MEMORY_BYTES)


@pytest.mark.parametrize("ending", TABLE_ENDINGS, ids=lambda ending: ending.name)
def test_equal_errors_on_both_machines(ending: Ending) -> None:
    program = program_of(ending.instructions)
    result = cosimulate(Session(program))
    assert result.status_sim == ending.status.name.lower()
    assert result.differences == []


def is_legal(case: Case) -> bool:
    """Whether the program is race-free: only then are its bytes defined."""
    try:
        verify_program(NANO4, case.instructions, memory_bytes=MEMORY_BYTES)
    except ProgramError:
        return False
    return True


def test_every_state_of_every_engine_is_shown() -> None:
    shown = {(case.engine, case.state) for case in CASES}
    total = sum(
        simulate_time(NANO4, list(case.instructions), memory_limit=MEMORY_BYTES).counters for case in CASES
    )
    for engine in Engine:
        for state in ENGINE_STATES[engine]:
            assert total[engine, state] > 0, f"{engine.name} is never in {state.name}"
            if state.name.startswith("WAIT"):
                assert (engine, state) in shown, f"no program is there for {engine.name} in {state.name}"
        for state in set(EngineState) - set(ENGINE_STATES[engine]):
            assert total[engine, state] == 0
