"""`tpukit profile --trace`: the file, what is said of a long one, and what it refuses."""

from __future__ import annotations

from pathlib import Path

from tests.runtime.helpers import Cli, Tiny
from tests.runtime.traces.trace_events import read_trace


def test_trace(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json.gz"
    report = cli("profile", tiny.file, "--json", "--trace", trace)
    assert report.stderr == ""
    other, _ = read_trace(trace)
    assert other["counters"] == report.json["counters"] and other["cycles"] == report.json["total"]["cycles"]
    assert other["total"]["causes"] == report.json["total"]["causes"]


def test_a_short_trace_says_what_was_left_out(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    trace = tmp_path / "trace.json"
    done = cli("profile", tiny.file, "--csv", "-", "--trace", trace, "--trace-events", 100)
    assert done.code == 0 and done.stderr.startswith("trace: states of the same kind are one slice within windows")
    assert tuple(done.stderr.splitlines()) == tuple(f"trace: {note}" for note in read_trace(trace)[0]["notes"])


def test_what_is_refused(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    cli("profile", tiny.file, "--trace", tmp_path / "no" / "t.json").refuses("no' does not exist")
    cli("profile", tiny.file, "--trace", tmp_path).refuses("it is a folder")
    cli("profile", tiny.file, "--trace", "-").refuses("--trace needs a file")
