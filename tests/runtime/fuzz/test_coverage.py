"""Coverage: every goal is counted where it is reached, once, and listed where it is not."""

from __future__ import annotations

import numpy as np

from accel_sim.time import Program, TimeResult, decode_program, start_of, time_decoded
from machine.config import load_machine
from machine.isa import FORMATS, Engine, Instruction, Opcode, encode, make
from runtime.fuzz.coverage import NOT_ENDED, REFUSED, Coverage
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program

NANO = load_machine("nano4")


def timed(code: bytes, max_cycles: int = 30_000) -> tuple[Program, TimeResult]:
    program = decode_program(NANO, code)
    start = start_of(len(code) // 64, 0, MEMORY_BYTES, max_cycles)
    return program, time_decoded(NANO, program, start, with_history=True)


def encoded(*instructions: Instruction) -> bytes:
    return b"".join(map(encode, instructions))


def test_edges_of_fields() -> None:
    coverage = Coverage(illegal=True)
    load = make(Opcode.LOAD, send=30, words=1 << 16, fill=-128, memory_address=5, window_bytes=1)
    tables = make(Opcode.LOAD, space=2, window_bytes=4)
    matrix = make(Opcode.MATRIX, accumulate=1)
    never = make(Opcode.VECTOR, wait=2)
    coverage.add(*timed(encoded(load, tables, matrix, never) + b"\xff" * 64, max_cycles=250))
    fields = coverage.counts["fields"]
    for goal in ("load.send max", "load.space = 2", "load.words max", "load.fill min", "load.memory_address other",
                 "matrix.accumulate max", "matrix.wait min"):
        assert fields[goal] == 1, goal
    assert fields["load.count1 min"] == 2
    assert sum(fields.values()) == 2 * (len(FORMATS[Opcode.LOAD].fields) - 1) + len(FORMATS[Opcode.MATRIX].fields) - 1
    assert coverage.counts["instructions"]["vector"] == 0, "it was not issued"
    assert coverage.counts["instructions"][REFUSED] == 1
    missing = coverage.missing({"load.wait max": "why"})["fields"]
    assert "matrix.accumulate other" not in fields and "load.send max" not in missing
    assert "load.wait max" not in missing and "matrix.wait max" in missing


def test_programs_that_are_given_up() -> None:
    coverage = Coverage(illegal=False)
    coverage.add(*timed(encoded(make(Opcode.HALT)), max_cycles=10))
    assert coverage.counts["endings"] == {"done": 0, NOT_ENDED: 1}
    assert coverage.counts["stalls"]["load.idle"] == 10


def test_coverage_of_two_rows_is_their_sum() -> None:
    codes = [encoded(*random_program(NANO, seed, 20)) for seed in range(4)]
    both, first, second = (Coverage(illegal=False) for _ in range(3))
    for part, code in zip((first, first, second, second), codes, strict=True):
        part.add(*timed(code))
        both.add(*timed(code))
    first.merge(second)
    assert first.counts == both.counts != second.counts


def test_goals_are_what_legal_programs_can_do() -> None:
    counts = Coverage(illegal=False).counts
    assert REFUSED not in counts["instructions"] and set(counts["endings"]) == {"done", NOT_ENDED}
    assert {"load.wait_memory", "matrix.token_vector", "vector.idle_fetch"} <= set(counts["stalls"])
    assert not {"matrix.token_matrix", "load.wait_shift", "weights.wait_bank"} & set(counts["stalls"])
    assert "matrix.wait_accumulator while vector works" in counts["contention"]


def test_stalls_are_the_counters_and_contention_is_within_them() -> None:
    program, time = timed(encoded(*random_program(NANO, 3, 60)))
    coverage = Coverage(illegal=False)
    coverage.add(program, time)
    stalls, contention = coverage.counts["stalls"], coverage.counts["contention"]
    for engine in Engine:
        own = {goal: cycles for goal, cycles in stalls.items() if goal.startswith(f"{engine.name.lower()}.")}
        assert sum(own.values()) == time.cycles
    assert stalls["load.wait_memory"] == time.counters[Engine.LOAD].tolist()[6] > 0
    causes = [np.repeat(runs.cause, runs.cycles) for runs in time.history.values()]
    works = ~np.isin(causes[Engine.WEIGHTS], (0, 3))  # neither idle nor waiting for a token
    waits = int(((causes[Engine.LOAD] == 6) & works).sum())
    assert contention["load.wait_memory while weights works"] == waits > 0
    assert all(cycles <= stalls[goal.split(" ")[0]] for goal, cycles in contention.items())
    assert any(contention.values())
