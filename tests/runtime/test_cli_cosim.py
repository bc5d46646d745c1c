"""`tpukit cosim` and `tpukit run --backend rtl`; the quick tests have software answer in place of the RTL."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from accel_sim.function import execute
from accel_sim.time import simulate_time
from machine.program import Program, Segment
from rtl.run import RtlResult
from tests.runtime.helpers import COPY, Cli, Tiny

KEYS = {
    "equal", "cycles_sim", "cycles_rtl", "status_sim", "status_rtl", "instructions", "mismatched_instructions",
    "bytes_compared", "mismatched_bytes", "counters_compared", "mismatched_counters", "seconds_sim", "seconds_rtl",
    "cycle_seconds_rtl", "differences",
}


def software(
    program: Program, segment: Segment, memory: npt.NDArray[np.uint8], waves: Path | None = None, **_: object
) -> RtlResult:
    """Answer as the RTL would if it were equal."""
    timing = simulate_time(program.machine, program.code(segment), memory_limit=program.memory_bytes)
    after = memory[None].copy()
    execute(program.machine, segment.instructions, after)
    if waves is not None:
        waves.write_text("$end\n")
    return RtlResult(timing.status, timing.cycles, timing.issue, timing.retire, timing.counters.copy(),
                     timing.read_beats, timing.write_beats, after[0], 0.5, 0.5)


@pytest.fixture
def equal_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.cosim.run_on_rtl", software)
    monkeypatch.setattr("runtime.rtl.run_on_rtl", software)


@pytest.mark.usefixtures("equal_machine")
def test_keys_and_text_of_equal_machines(cli: Cli, tiny: Tiny) -> None:
    report = cli("cosim", tiny.file, "--input", tiny.input, "--json").json
    assert set(report) == KEYS
    assert report["equal"] is True and report["differences"] == []
    assert report["cycles_sim"] == report["cycles_rtl"] > 0
    assert report["instructions"] == len(tiny.program.instructions)
    assert report["bytes_compared"] == tiny.program.memory_bytes
    assert report["counters_compared"] > 5
    assert report["mismatched_instructions"] == report["mismatched_bytes"] == report["mismatched_counters"] == 0
    assert cli("cosim", tiny.file, "--input", tiny.input).text.startswith("equal: ")
    assert cli("cosim", "-", "--input", tiny.input, stdin=tiny.file.read_bytes()).code == 0


def test_differences_are_shown_and_exit_with_1(cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def different(
        program: Program, segment: Segment, memory: npt.NDArray[np.uint8], *_: object, **__: object
    ) -> RtlResult:
        result = software(program, segment, memory)
        result.counters[1, 1] += 1
        result.memory[program.outputs[0].address] ^= 1
        return result

    monkeypatch.setattr("runtime.cosim.run_on_rtl", different)
    done = cli("cosim", tiny.file, "--input", tiny.input)
    assert done.code == 1 and done.stderr == ""
    assert done.text.startswith("DIFFERENT: ") and "counter weights.busy: simulator" in done.text
    assert f"byte {tiny.program.outputs[0].address:#x} (" in done.text
    assert "last written by instruction " in done.text and "of layer 'conv'" in done.text
    done = cli("cosim", tiny.file, "--input", tiny.input, "--json")
    assert done.code == 1 and '"mismatched_bytes": 1' in done.text and '"mismatched_counters": 1' in done.text


@pytest.mark.usefixtures("equal_machine")
def test_waves_and_what_cannot_be_written(cli: Cli, tmp_path: Path) -> None:
    cli("asm", COPY, "-o", tmp_path / "copy.tpu")
    waves = tmp_path / "waves.vcd"
    assert cli("cosim", tmp_path / "copy.tpu", "--waves", waves).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.tpu", "waves.vcd"]
    cli("cosim", tmp_path / "copy.tpu", "--waves", tmp_path / "no" / "w.vcd").refuses("no' does not exist")
    cli("cosim", tmp_path / "copy.tpu", "--waves", "-").refuses("--waves needs a file")


@pytest.mark.usefixtures("equal_machine")
def test_bad_input(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    cli("cosim", tiny.file).refuses("--input X.npz is needed: the program takes inputs")
    cli("cosim", tiny.file, "--input", tiny.input, "--machine", "edge16").refuses(
        f"'{tiny.file}' was compiled for nano4, asked to run on edge16")
    np.savez(tmp_path / "x.npz", y=np.zeros(3))
    cli("cosim", tiny.file, "--input", tmp_path / "x.npz").refuses("the model's inputs are 'x', received 'y'")
    cli("cosim", "-", "--input", "-").refuses("only one input can be '-'")


@pytest.mark.usefixtures("equal_machine")
def test_the_rtl_backend_gives_what_the_simulator_gives(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    reports = {}
    for backend in ("sim", "rtl"):
        output = tmp_path / f"{backend}.npz"
        reports[backend] = cli("run", tiny.file, "-i", tiny.input, "-o", output, "--backend", backend, "--json").json
    for key in ("cycles", "counters", "samples", "outputs", "utilization", "bound_cycles"):
        assert reports["sim"][key] == reports["rtl"][key]
    assert reports["rtl"]["simulation_seconds"] == 2.5
    assert (tmp_path / "sim.npz").read_bytes() == (tmp_path / "rtl.npz").read_bytes()
    assert cli("run", tiny.file, "--time-only", "--backend", "rtl", "--json").json["cycles"] > 0


@pytest.mark.usefixtures("equal_machine")
def test_a_kernel_on_the_rtl_backend(cli: Cli, tmp_path: Path) -> None:
    program = tmp_path / "copy.tpu"
    cli("asm", COPY, "-o", program)
    for backend in ("sim", "rtl"):
        assert cli("run", program, "--backend", backend, "-o", tmp_path / f"{backend}.npz").code == 0
    assert (tmp_path / "sim.npz").read_bytes() == (tmp_path / "rtl.npz").read_bytes()
    assert cli("run", program, "--backend", "rtl", "--time-only", "--json").json["outputs"] == {}


def test_no_compiler(cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("perl", "make", "sh", "env"):
        (tools / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("TPUKIT_CACHE", str(tmp_path / "cache"))
    for command in (["cosim", tiny.file], ["run", tiny.file, "--backend", "rtl"]):
        cli(*command, "--input", tiny.input).refuses("no C++ compiler (g++, c++, clang++) was found on PATH")


@pytest.mark.slow
def test_the_verilated_machine_is_equal(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    waves = tmp_path / "waves.vcd"
    report = cli("cosim", tiny.file, "--input", tiny.input, "--json").json
    assert report["equal"] is True
    outputs = [tmp_path / "sim.npz", tmp_path / "rtl.npz"]
    for output in outputs:
        assert cli("run", tiny.file, "-i", tiny.input, "-o", output, "--backend", output.stem).code == 0
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert cli("cosim", tiny.file, "--input", tiny.input, "--waves", waves).code == 0
    assert waves.read_text().startswith("$version")
