"""Coverage: every goal is counted where it is reached, once, and listed where it is not."""

from __future__ import annotations

from accel_sim.time import simulate_time
from machine.config import load_machine
from machine.isa import FORMATS, Engine, Opcode, make
from runtime.fuzz.coverage import NOT_ENDED, UNKNOWN, Coverage
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program


def test_edges_of_fields() -> None:
    coverage = Coverage(illegal=True)
    coverage.add([
        make(Opcode.LOAD, wait=30, send=2, space=2, words=1 << 16, fill=-128, memory_address=5), None,
        make(Opcode.MATRIX, accumulate=1, wait=27),
    ], None)
    fields = coverage.counts["fields"]
    for goal in ("load.wait max", "load.send other", "load.space = 2", "load.words max", "load.fill min",
                 "load.memory_address other", "load.count1 min", "matrix.accumulate max", "matrix.wait max"):
        assert fields[goal] == 1, goal
    assert sum(fields.values()) == sum(len(FORMATS[opcode].fields) - 1 for opcode in (Opcode.LOAD, Opcode.MATRIX))
    assert coverage.counts["instructions"][UNKNOWN] == 1 and coverage.counts["endings"][NOT_ENDED] == 1
    assert "matrix.accumulate other" not in fields and "load.wait max" not in coverage.missing()["fields"]
    assert "load.send max" in coverage.missing()["fields"]


def test_goals_are_what_legal_programs_can_do() -> None:
    counts = Coverage(illegal=False).counts
    assert UNKNOWN not in counts["instructions"] and set(counts["endings"]) == {"done", NOT_ENDED}
    assert {"load.wait_memory", "matrix.token_vector", "vector.idle_fetch"} <= set(counts["stalls"])
    assert not {"matrix.token_matrix", "load.wait_shift", "weights.wait_bank"} & set(counts["stalls"])
    assert "matrix.wait_accumulator while vector works" in counts["contention"]


def test_stalls_are_the_counters_and_contention_is_within_them() -> None:
    machine = load_machine("nano4")
    program = random_program(machine, 3, 60)
    time = simulate_time(machine, program, memory_limit=MEMORY_BYTES, with_history=True)
    coverage = Coverage(illegal=False)
    coverage.add(program, time)
    stalls, contention = coverage.counts["stalls"], coverage.counts["contention"]
    for engine in Engine:
        own = {goal: cycles for goal, cycles in stalls.items() if goal.startswith(f"{engine.name.lower()}.")}
        assert sum(own.values()) == time.cycles
    assert stalls["load.wait_memory"] == time.counters[Engine.LOAD].tolist()[6] > 0
    assert all(cycles <= stalls[goal.split(" ")[0]] for goal, cycles in contention.items())
    assert any(contention.values())
