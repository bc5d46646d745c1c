"""A real build that counts: what its bench reaches, and what it would not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rtl.build import _identity
from rtl.coverage import collect
from rtl.coverage.points import Kind, merge
from rtl.run import RtlRun, _prepare
from tests.rtl.runner import RTL, run


def test_the_runner_collects_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file of counts, with every kind of point; the bench reaches every arm of this module."""
    monkeypatch.setenv(collect.VARIABLE, str(tmp_path))
    run("run_state", "tests.rtl.control.bench_run_state", [RTL / "control" / "run_state.sv"])
    (path,) = tmp_path.iterdir()
    assert path.suffix == collect.SUFFIX
    points = merge([path], RTL)
    assert {place.file for place in points} == {"control/run_state.sv"}
    assert {place.kind for place in points} == {Kind.LINE, Kind.BRANCH, Kind.TOGGLE}
    arms = [point.count for place, point in points.items() if place.is_arm]
    assert len(arms) >= 4 and all(arms)


def test_counting_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(collect.VARIABLE, raising=False)
    plain = _identity({}, None, "1")
    assert (collect.build_arguments(), collect.run_arguments()) == ((), ())
    monkeypatch.setenv(collect.VARIABLE, "/somewhere")
    assert _identity({}, None, "1") != plain, "a counting build is another build"
    first, second = collect.run_arguments(), collect.run_arguments()
    assert first != second, "each run writes a file of its own"
    assert first[0].startswith("+verilator+coverage+file+/somewhere/")


def test_each_run_of_the_machine_is_told_where_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`rtl/testbench/main.cpp` writes when a run has ended; without the plusarg all would go to one file."""
    program = RtlRun(np.zeros(64, dtype=np.uint8), 0, 1, 64)
    monkeypatch.delenv(collect.VARIABLE, raising=False)
    assert b"+verilator+coverage" not in _prepare(tmp_path / "plain", program, 4)
    monkeypatch.setenv(collect.VARIABLE, "/somewhere")
    entries = [_prepare(tmp_path / name, program, 4) for name in ("first", "second")]
    files = [part for entry in entries for part in entry.split(b"\0") if part.startswith(b"+verilator+coverage+file+")]
    assert len(set(files)) == 2 and all(file.startswith(b"+verilator+coverage+file+/somewhere/") for file in files)
