"""Many programs in one process: each result is that of its own program, whatever became of the others."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from machine.config import load_machine
from machine.errors import ToolError
from machine.isa import Engine
from rtl import run as run_module
from rtl.build import build
from rtl.run import RtlResult, RtlRun, RtlStopped, run_program, run_programs
from tests.rtl.tpu.programs import MEMORY_BYTES, SmallProgram, copy, halt_only, layer

NANO4 = load_machine("nano4")
PROGRAMS = [copy(NANO4, 1), halt_only(), layer(NANO4), copy(NANO4, 3), halt_only()]
LIMIT = 20_000

CRASHING = """
import pathlib, subprocess, sys
runs, *others = sys.argv[1:]
first = pathlib.Path(runs).read_bytes().split(b"\\0\\0")[:2]
pathlib.Path(runs + "2").write_bytes(b"".join(run + b"\\0\\0" for run in first if run))
subprocess.run([{real!r}, runs + "2", *others], check=True)
sys.exit("error: cannot go on")
"""


def run_of(program: SmallProgram, max_cycles: int = LIMIT) -> RtlRun:
    return RtlRun(program.memory, 0, len(program.instructions), MEMORY_BYTES, max_cycles)


def assert_same(one: RtlResult | ToolError, other: RtlResult) -> None:
    assert isinstance(one, RtlResult)
    assert (one.status, one.cycles, one.read_beats, one.write_beats) == (
        other.status, other.cycles, other.read_beats, other.write_beats)
    for name in ("counters", "memory"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name
    for engine in Engine:
        assert one.issue[engine].tolist() == other.issue[engine].tolist()
        assert one.retire[engine].tolist() == other.retire[engine].tolist()


def alone(program: SmallProgram) -> RtlResult:
    return run_program(NANO4, program.memory, 0, len(program.instructions), MEMORY_BYTES, max_cycles=LIMIT)


def test_each_begins_as_after_power_on() -> None:
    """The scratchpad, which a program leaves as it is, too: the layers are computed twice."""
    results = run_programs(NANO4, [run_of(program) for program in [*PROGRAMS, *reversed(PROGRAMS)]])
    for program, first, second in zip(PROGRAMS, results, reversed(results), strict=False):
        expected = alone(program)
        assert_same(first, expected)
        assert_same(second, expected)
        assert np.array_equal(expected.memory, program.expected)
    assert run_programs(NANO4, []) == []


def test_one_that_is_stopped_leaves_the_others() -> None:
    runs = [run_of(program) for program in PROGRAMS]
    runs[2] = run_of(PROGRAMS[2], max_cycles=150)
    stopped, expected = run_programs(NANO4, runs)[2], alone(PROGRAMS[2])
    assert isinstance(stopped, RtlStopped) and "did not end within 150 cycles" in str(stopped)
    for engine in Engine:
        happened = expected.issue[engine][expected.issue[engine] <= 150]
        assert [cycle for cycle in stopped.issue[engine] if cycle <= 150] == happened.tolist()
    for place in (0, 1, 3, 4):
        assert_same(run_programs(NANO4, runs)[place], alone(PROGRAMS[place]))


def test_a_crash_is_that_of_its_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends at every third program; the others run in the next process."""
    program = tmp_path / "testbench"
    program.write_text(f"#!{sys.executable}\n" + CRASHING.format(real=str(build(NANO4))))
    program.chmod(0o755)
    monkeypatch.setattr(run_module, "build", lambda *_: program)
    results = run_programs(NANO4, [run_of(one) for one in PROGRAMS])
    for place in (0, 1, 3):
        assert_same(results[place], alone_on_real(monkeypatch, PROGRAMS[place]))
    for place in (2, 4):  # it failed behind the last one, which is then not to be trusted
        assert str(results[place]) == "simulating the RTL failed: error: cannot go on"


def alone_on_real(monkeypatch: pytest.MonkeyPatch, program: SmallProgram) -> RtlResult:
    with monkeypatch.context() as patch:
        patch.setattr(run_module, "build", build)
        return alone(program)
