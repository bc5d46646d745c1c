"""Progress bars: on a terminal, on standard error only, and not with --json."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from machine.progress import steps
from runtime.cli.main import main
from runtime.cli.output import progress
from tests.runtime.helpers import Tiny


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def make_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Make standard error a terminal; within the test, since pytest puts its own in place before each phase."""
    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "400")  # wide enough for any path
    monkeypatch.setattr(sys, "stderr", stream)
    return stream


def compile_tiny(tiny: Tiny, folder: Path, *more: str) -> int:
    return main([
        "compile", str(tiny.model), "--machine", "nano4", "--calibration", str(tiny.calibration), "-o",
        str(folder / "out.tpu"), *more,
    ])


def test_a_terminal_sees_what_is_going_on(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    assert compile_tiny(tiny, tmp_path) == 0
    assert f"compiling {tiny.model}" in terminal.getvalue()


def test_activities_become_bars_and_go(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    with progress("outside"):
        for item in steps("inside", range(3), 3):
            assert item < 3
    assert "outside" in terminal.getvalue()


def test_json_is_silent(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = make_terminal(monkeypatch)
    assert compile_tiny(tiny, tmp_path, "--json") == 0
    assert terminal.getvalue() == ""
