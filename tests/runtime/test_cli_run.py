"""`tpukit run`: results, cycles and counters, and what it refuses."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest

from machine.registers import ENGINE_STATES
from tests.runtime.helpers import CONFIGURATIONS, COPY, Cli, Tiny, samples

KEYS = {
    "backend", "samples", "batch", "cycles", "cycles_per_sample", "bound_cycles", "utilization", "counters", "accounts",
    "segments", "simulation_seconds", "outputs",
}


def arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_json_and_outputs(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    output = tmp_path / "y.npz"
    report = cli("run", tiny.file, "--input", tiny.input, "-o", output, "--json").json
    assert set(report) == KEYS
    assert (report["backend"], report["samples"]) == ("sim", 5)
    assert report["bound_cycles"] == tiny.program.bound_cycles <= report["cycles"]
    assert report["utilization"] == tiny.program.macs / (16 * report["cycles"])
    assert report["simulation_seconds"] > 0
    assert set(report["counters"]) == {engine.name.lower() for engine in ENGINE_STATES}
    for engine, states in ENGINE_STATES.items():
        counts = report["counters"][engine.name.lower()]
        assert list(counts) == [state.name.lower() for state in states]
        assert sum(counts.values()) == report["cycles"]
    results = arrays(output)
    assert {name: (array.shape, array.dtype) for name, array in results.items()} == {
        "y": ((5, 4, 4, 4), np.float32), "p": ((5, 4, 4, 4), np.float32)}
    assert report["outputs"] == {name: {"shape": [5, 4, 4, 4], "dtype": "float32"} for name in ("y", "p")}


def test_text(cli: Cli, tiny: Tiny) -> None:
    done = cli("run", tiny.file, "--input", tiny.input)
    assert (done.code, done.stderr) == (0, "")
    assert "5 sample(s) on sim: y [5, 4, 4, 4], p [5, 4, 4, 4]" in done.text
    assert "cycles a sample on nano4" in done.text and "utilization" in done.text and "wait_token" in done.text


def test_backends_agree(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    results = {}
    for backend in ("sim", "reference", "cpu"):
        output = tmp_path / f"{backend}.npz"
        report = cli("run", tiny.file, "-i", tiny.calibration, "-o", output, "--backend", backend, "--json").json
        assert set(report) == KEYS and report["backend"] == backend
        assert (report["cycles"] is None) == (backend != "sim")
        results[backend] = arrays(output)
    for name in ("y", "p"):
        np.testing.assert_array_equal(results["sim"][name], results["reference"][name])
        np.testing.assert_allclose(results["sim"][name], results["cpu"][name], atol=0.1)


def test_stacked_samples_are_run_one_after_another(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    output = tmp_path / "y.npz"
    assert cli("run", tiny.file, "--input", tiny.input, "-o", output, "--function-only").code == 0
    together = arrays(output)
    for index, sample in enumerate(arrays(tiny.input)["x"]):
        np.savez(tmp_path / "one.npz", x=sample[None])
        assert cli("run", tiny.file, "--input", tmp_path / "one.npz", "-o", output, "--function-only").code == 0
        for name, array in arrays(output).items():
            np.testing.assert_array_equal(array[0], together[name][index])


def test_time_only_and_function_only(cli: Cli, tiny: Tiny) -> None:
    timed = cli("run", tiny.file, "--time-only", "--json").json
    assert (timed["samples"], timed["outputs"]) == (0, {}) and timed["cycles"] > 0
    values = cli("run", tiny.file, "--function-only", "--input", tiny.input, "--json").json
    assert values["cycles"] is None and values["counters"] == {} and values["samples"] == 5
    both = cli("run", tiny.file, "--input", tiny.input, "--json").json
    assert both["cycles"] == timed["cycles"] and both["counters"] == timed["counters"]


def test_standard_input_and_output(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    output = tmp_path / "y.npz"
    cli("run", tiny.file, "--input", tiny.input, "-o", output)
    piped = cli("run", tiny.file, "--input", "-", "-o", "-", stdin=tiny.input.read_bytes())
    assert (piped.code, piped.stderr, piped.stdout) == (0, "", output.read_bytes())
    assert np.load(io.BytesIO(piped.stdout))["y"].shape == (5, 4, 4, 4)
    assert cli("run", "-", "--time-only", "--json", stdin=tiny.file.read_bytes()).json["cycles"] > 0
    cli("run", "-", "--input", "-").refuses("only one input can be '-' (standard input)")


def test_options_that_exclude_each_other(cli: Cli, tiny: Tiny) -> None:
    cli("run", tiny.file).refuses("--input X.npz is needed (or --time-only)")
    cli("run", tiny.file, "--time-only", "--function-only").refuses("exclude each other")
    cli("run", tiny.file, "--time-only", "--input", tiny.input).refuses("--time-only takes no --input")
    cli("run", tiny.file, "--time-only", "--backend", "cpu").refuses("the cpu backend has no clock")
    cli("run", tiny.file, "--input", tiny.input, "-o", "-", "--json").refuses("would both write to standard output")
    cli("run", tiny.file, "--input", tiny.input, "--function-only", "--backend", "rtl").refuses(
        "the rtl backend always has time; --function-only goes with the other backends")
    cli("run", tiny.file, "--backend", "gpu3").refuses("'gpu3' is not one of", code=2)


BAD = {
    "names": ({"z": samples(1)}, "the model's inputs are 'x', received 'z'"),
    "more": ({"x": samples(1), "z": samples(1)}, "the model's inputs are 'x', received 'x', 'z'"),
    "type": ({"x": samples(1).astype(np.float64)}, "input 'x' must be float32, received float64"),
    "shape": ({"x": samples(1)[:, :, :3]}, "input 'x' must have shape [samples, 2, 4, 4], got [1, 2, 3, 4]"),
    "rank": ({"x": samples(1)[0]}, "input 'x' must have shape [samples, 2, 4, 4], got [2, 4, 4]"),
    "nan": ({"x": np.full((1, 2, 4, 4), np.nan, np.float32)}, "input 'x' holds NaN or infinite values"),
    "infinite": ({"x": np.full((1, 2, 4, 4), -np.inf, np.float32)}, "input 'x' holds NaN or infinite values"),
    "none": ({"x": samples(0)}, "the same number of samples, at least one; received [0]"),
    "objects": ({"x": np.array([{}])}, "its member 'x.npy' holds Python objects; only numbers are read"),
}


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_bad_inputs(cli: Cli, tiny: Tiny, tmp_path: Path, given: dict[str, np.ndarray], message: str) -> None:
    np.savez(tmp_path / "x.npz", **given)
    for backend in ("sim", "reference", "cpu"):
        cli("run", tiny.file, "--input", tmp_path / "x.npz", "-o", tmp_path / "y.npz", "--backend", backend).refuses(
            message)
    assert [path.name for path in tmp_path.iterdir()] == ["x.npz"]


def test_input_files_that_are_none(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    cli("run", tiny.file, "--input", path).refuses(f"cannot read '{path}': No such file or directory")
    path.write_bytes(tiny.input.read_bytes()[:-30])
    cli("run", tiny.file, "--input", path).refuses(f"'{path}' is not a readable .npz file")
    cli("run", tiny.file, "--input", "-", stdin=b"").refuses("standard input is not an .npz file")
    np.save(tmp_path / "x.npy", samples(1))
    cli("run", tiny.file, "--input", tmp_path / "x.npy").refuses("is a single array (.npy), not an .npz file")


def test_places_that_cannot_be_written(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    output = tmp_path / "no" / "y.npz"
    cli("run", tiny.file, "--input", tiny.input, "-o", output).refuses(
        f"cannot write '{output}': the folder '{output.parent}' does not exist")


def test_the_machine_asked_for(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    assert cli("run", tiny.file, "--time-only", "--machine", "nano4").code == 0
    cli("run", tiny.file, "--time-only", "--machine", "edge8").refuses(
        f"'{tiny.file}' was compiled for nano4, asked to run on edge8")
    cli("run", tiny.file, "--time-only", "--machine", "none").refuses("no machine 'none'")
    other = tmp_path / "other.toml"
    text = (CONFIGURATIONS / "nano4.toml").read_text()
    other.write_text(text + "queue_depth = 4\n")
    cli("run", tiny.file, "--time-only", "--machine", other).refuses(
        "compiled for nano4, asked to run on nano4: queue_depth is 8 there and 4 here")


@pytest.mark.parametrize(("cut", "message"), [
    (0, "is not a tpukit program file: 0 bytes"),
    (20, "is truncated: 20 bytes"),
    (-1, "is truncated or corrupt: its contents do not match its checksum"),
])
@pytest.mark.parametrize("command", ["run", "cosim", "disasm", "inspect"])
def test_truncated_programs(cli: Cli, tiny: Tiny, tmp_path: Path, command: str, cut: int, message: str) -> None:
    path = tmp_path / "cut.tpu"
    path.write_bytes(tiny.file.read_bytes()[:cut])
    cli(command, path, *(["--time-only"] if command == "run" else [])).refuses(f"'{path}' {message}")


def test_corrupt_missing_and_foreign_programs(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    path = tmp_path / "bad.tpu"
    cli("run", path, "--time-only").refuses(f"cannot read program '{path}': No such file or directory")
    data = bytearray(tiny.file.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    cli("run", path, "--time-only").refuses("truncated or corrupt")
    data = bytearray(tiny.file.read_bytes())
    data[8] = 9
    path.write_bytes(data)
    cli("run", path, "--time-only").refuses("has format version 9; this tpukit reads 3")
    cli("run", tiny.input, "--time-only").refuses("is not a tpukit program file")


def test_a_machine_that_halts_with_an_error(cli: Cli, tmp_path: Path) -> None:
    source, program = tmp_path / "stuck.s", tmp_path / "stuck.tpu"
    source.write_text("load wait=store window_bytes=4\nhalt\n")
    assert cli("asm", source, "-o", program, "--unverified").code == 0
    cli("run", program, "--time-only").refuses("the program halted with deadlock in cycle")
    cli("run", program, "--input", tmp_path / "x.npz").refuses("cannot read")


def test_a_kernel_takes_no_inputs(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    program = tmp_path / "copy.tpu"
    cli("asm", COPY, "-o", program)
    assert cli("run", program, "--time-only", "--json").json["cycles"] > 0
    for backend in ("sim", "rtl"):
        cli("run", program, "--input", tiny.input, "--backend", backend).refuses(
            "this program is a kernel: it holds no model and takes no inputs")


def test_a_kernel_gives_cycles_and_its_memory(cli: Cli, tmp_path: Path) -> None:
    program, output = tmp_path / "copy.tpu", tmp_path / "y.npz"
    cli("asm", COPY, "-o", program)
    report = cli("run", program, "-o", output, "--json").json
    assert set(report) == KEYS and (report["samples"], report["bound_cycles"]) == (1, 16) and report["cycles"] > 0
    assert report["outputs"] == {"memory": {"shape": [4096], "dtype": "uint8"}}
    memory = arrays(output)["memory"]
    assert memory.dtype == np.uint8 and memory[0x400:0x440].any()
    np.testing.assert_array_equal(memory[0x800:0x840], memory[0x400:0x440])
    values = cli("run", program, "-o", "-", "--function-only")
    assert (values.code, values.stdout) == (0, output.read_bytes())
    text = cli("run", program).text
    assert "1 sample(s) on sim: memory [4096]" in text and "bound 16, utilization 0.0%" in text
    for backend in ("reference", "cpu"):
        cli("run", program, "--backend", backend).refuses(
            f"the {backend} backend runs models and this program is a kernel; sim and rtl run kernels")


def test_equal_runs_print_equal_json(cli: Cli, tiny: Tiny) -> None:
    one, two = (cli("run", tiny.file, "--input", tiny.input, "--json").json for _ in range(2))
    assert one.pop("simulation_seconds") > 0 and two.pop("simulation_seconds") > 0
    assert json.dumps(one) == json.dumps(two)
