"""`tpukit compile`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from accel_sim.time import simulate_time
from compiler.pipeline import STAGES
from machine.program import load_program, parse_program
from tests.runtime.helpers import CONFIGURATIONS, Cli, Tiny, samples, tiny_model


def test_compile_writes_a_program_and_prints_its_layers(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    output = tmp_path / "out.tpu"
    done = cli("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", output)
    assert (done.code, done.stderr) == (0, "")
    assert "conv" in done.text and "accelerator" in done.text and "softmax" in done.text and "host" in done.text
    assert f"{output}: " in done.text and "bound" in done.text and "utilization" in done.text
    conv = next(line for line in done.text.splitlines() if "conv2d" in line)
    record = next(node for node in tiny.program.nodes if node.name == "conv")
    tile = " x ".join(str(extent) for extent in record.tile)
    for cell in (f"{record.tiles} of {tile}", f"{record.bound_cycles:,} {record.bound}", f"{record.expected_cycles:,}"):
        assert cell in conv
    assert output.read_bytes() == tiny.file.read_bytes()
    assert list(tmp_path.iterdir()) == [output]


def test_json(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    output = tmp_path / "out.tpu"
    report = cli("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", output,
                 "--json").json
    program = load_program(output)
    assert report["machine"] == "nano4" and report["output"] == str(output)
    assert report["macs"] == program.macs == 4 * 4 * 4 * 2 * 9
    assert report["bound_cycles"] == program.bound_cycles > 0
    assert report["instructions"] == len(program.instructions)
    nodes = {node["name"]: node for node in report["nodes"]}
    assert nodes["softmax"]["placement"] == "host" and nodes["softmax"]["expected_cycles"] > 0
    conv = nodes["conv"]
    assert (conv["operator"], conv["macs"], conv["parameters"]) == ("conv2d", 4 * 4 * 4 * 2 * 9, 4 * 2 * 9 + 4)
    assert conv["bound"] in ("matrix", "vector", "read", "write") and conv["kernel"] == "matrix"
    assert conv["bound_cycles"] == conv[f"{conv['bound']}_cycles"] <= conv["expected_cycles"]
    assert conv["tiles"] * math.prod(conv["tile"]) >= 4 * 4 and conv["write_bytes"] == 4 * 4 * 4
    for total in ("parameters", "read_bytes", "write_bytes"):
        assert report[total] == sum(node[total] for node in report["nodes"]) > 0
    assert report["expected_utilization"] == report["macs"] / (16 * report["expected_cycles"])


def test_bytes_are_those_that_the_bus_moves(cli: Cli, tiny: Tiny) -> None:
    """The simulator's beats are the report's bytes, but for beats that are used in part and the program's own."""
    program = tiny.program
    timing = simulate_time(program.machine, program.code(program.segments[0]), memory_limit=program.memory_bytes)
    own = len(program.code(program.segments[0])) // program.machine.bus_bytes
    read, written = (sum(getattr(node, name) for node in program.nodes) for name in ("read_bytes", "write_bytes"))
    assert read <= (timing.read_beats - own) * program.machine.bus_bytes <= read + 64
    assert written <= timing.write_beats * program.machine.bus_bytes <= written + 64


def test_standard_input_and_output(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    arguments = ("--machine", "nano4", "--calibration", tiny.calibration, "-o", "-")
    done = cli("compile", "-", *arguments, stdin=tiny.model.read_bytes())
    assert (done.code, done.stderr) == (0, "")
    assert parse_program(done.stdout).instructions == tiny.program.instructions
    done = cli("compile", tiny.model, "--machine", "nano4", "--calibration", "-", "-o", "-",
               stdin=tiny.calibration.read_bytes())
    assert done.stdout == tiny.file.read_bytes()
    cli("compile", "-", "--calibration", "-", "-o", tmp_path / "y.tpu").refuses("only one input can be '-'")
    cli("compile", tiny.model, *arguments, "--json").refuses("--json and --output - would both write to standard")


def test_stages_are_dumped_in_order_and_the_same_twice(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    for name in ("one", "two"):
        cli("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration,
            "-o", tmp_path / f"{name}.tpu", "--dump-stages", tmp_path / "stages" / name)
    files = sorted((tmp_path / "stages" / "one").iterdir())
    assert [file.name for file in files] == [f"{i:02}-{stage.name}.txt" for i, stage in enumerate(STAGES)]
    assert all(file.read_text() == (tmp_path / "stages" / "two" / file.name).read_text() for file in files)
    assert (tmp_path / "one.tpu").read_bytes() == (tmp_path / "two.tpu").read_bytes()


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES])
def test_stop_after_each_stage(cli: Cli, tiny: Tiny, tmp_path: Path, stage: str) -> None:
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration)
    folder, output = tmp_path / "stages", tmp_path / "stage.txt"
    done = cli(*arguments, "--stop-after", stage, "--dump-stages", folder)
    assert (done.code, done.stderr) == (0, "")
    names = [each.name for each in STAGES]
    files = sorted(folder.iterdir())
    assert [file.name for file in files] == [f"{i:02}-{name}.txt" for i, name in enumerate(names[: len(files)])]
    assert files[-1].name.endswith(f"-{stage}.txt") and files[-1].read_text() == done.text
    assert cli(*arguments, "--stop-after", stage, "-o", output).stdout == b""
    assert output.read_text() == done.text


def test_stop_after_refuses(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration)
    cli(*arguments, "--stop-after", "link").refuses("no stage is called 'link'; the stages are import, ")
    cli(*arguments, "--stop-after", "tile", "--json").refuses("it excludes --json and --sensitivity")
    cli(*arguments, "--stop-after", "tile", "--sensitivity").refuses("it excludes --json and --sensitivity")
    cli(*arguments).refuses("--output OUT.tpu is needed (or --stop-after STAGE)")
    text = " ".join(cli("compile", "--help").text.split())
    assert all(stage.name in text for stage in STAGES)


def test_stages_are_timed_on_standard_error(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration)
    done = cli(*arguments, "-o", tmp_path / "out.tpu", "--time-stages", "--json")
    lines = [line.split() for line in done.stderr.splitlines()]
    assert done.code == 0 and [line[1] for line in lines] == [*(stage.name for stage in STAGES), "all"]
    seconds = [float(line[-2]) for line in lines]
    assert seconds[-1] == pytest.approx(sum(seconds[:-1]), abs=0.01)
    done = cli(*arguments, "--stop-after", "lower", "--time-stages")
    assert "lower" in done.stderr and "tile" not in done.stderr and "kernel = matrix" in done.text


def test_dynamic_shapes(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    model, output = tmp_path / "dynamic.onnx", tmp_path / "out.tpu"
    model.write_bytes(tiny_model(("batch", 2, "height", 4)))
    arguments = ("compile", model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", output)
    cli(*arguments).refuses("input 'x' has a dynamic dimension, [batch, 2, height, 4]: "
                            "give its shape with --shape x=1,2,?,4")
    for wrong in ("x=1,2,4", "x=1,3,4,4"):
        cli(*arguments, "--shape", wrong).refuses("input 'x' is [batch, 2, height, 4]; the given shape")
    cli(*arguments, "--shape", "z=1,2,4,4").refuses("a shape is given for 'z', but the model's inputs are ['x']")
    for wrong in ("x", "=1,2", "x=", "x=1,a", "x=0,2,4,4"):
        cli(*arguments, "--shape", wrong).refuses(f"--shape '{wrong}' is not of the form name=1,3,224,224")
    assert not output.exists()
    assert cli(*arguments, "--shape", "x=1,2,4,4").code == 0
    assert load_program(output).instructions == tiny.program.instructions


def unknown_operator(folder: Path) -> None:
    (folder / "m.onnx").write_bytes(tiny_model(operator="Hardest"))


MODELS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda folder: None, "cannot read model '{model}': No such file or directory"),
    "empty": (lambda folder: (folder / "m.onnx").write_bytes(b""), "'{model}' is not an ONNX model"),
    "text": (lambda folder: (folder / "m.onnx").write_text("hello"), "'{model}' is not an ONNX model"),
    "truncated": (lambda folder: (folder / "m.onnx").write_bytes(tiny_model()[:200]), "'{model}' is not an ONNX model"),
    "folder": (lambda folder: (folder / "m.onnx").mkdir(), "cannot read model '{model}': Is a directory"),
    "operator": (unknown_operator, "node 'activation' (Hardest): not an operator of the standard ONNX domain"),
}


@pytest.mark.parametrize(("make", "message"), MODELS.values(), ids=MODELS)
def test_bad_models(
    cli: Cli, tiny: Tiny, tmp_path: Path, make: Callable[[Path], object], message: str
) -> None:
    make(tmp_path)
    model = tmp_path / "m.onnx"
    before = set(tmp_path.iterdir())
    cli("compile", model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", tmp_path / "out.tpu").refuses(
        message.format(model=model))
    assert set(tmp_path.iterdir()) == before


def nan() -> np.ndarray:
    array = samples(2)
    array[1, 1, 2, 3] = np.nan
    return array


CALIBRATION = {
    "names": ({"z": samples(2)}, "calibration data must hold the model's inputs ['x'], got ['z']"),
    "shape": ({"x": samples(2)[:, :1]}, "calibration input 'x' must have shape [samples, 2, 4, 4], got [2, 1, 4, 4]"),
    "type": ({"x": samples(2).astype(complex)}, "calibration input 'x' must be float32, got complex128"),
    "nan": ({"x": nan()}, "calibration input 'x' holds NaN or infinity"),
    "none": ({"x": samples(0)}, "calibration data needs the same number of samples for every input, got {'x': 0}"),
}


@pytest.mark.parametrize(("arrays", "message"), CALIBRATION.values(), ids=CALIBRATION)
def test_bad_calibration(
    cli: Cli, tiny: Tiny, tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    np.savez(tmp_path / "bad.npz", **arrays)
    output = tmp_path / "out.tpu"
    cli("compile", tiny.model, "--machine", "nano4", "--calibration", tmp_path / "bad.npz", "-o", output).refuses(
        message)
    assert not output.exists()


def test_calibration_that_is_no_npz_file(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    arguments = ("compile", tiny.model, "--machine", "nano4", "-o", tmp_path / "out.tpu", "--calibration")
    cli(*arguments, tmp_path / "no.npz").refuses(f"cannot read '{tmp_path / 'no.npz'}': No such file or directory")
    cli(*arguments, tiny.model).refuses(f"'{tiny.model}' is not an .npz file")


def test_bad_machines(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    arguments = ("compile", tiny.model, "--calibration", tiny.calibration, "-o", tmp_path / "out.tpu", "--machine")
    machine = tmp_path / "m.toml"
    cli(*arguments, "nano5").refuses("no machine 'nano5'; legal are edge16, edge32, ")
    cli(*arguments, machine).refuses(f"cannot read machine file '{machine}'")
    machine.write_text("rows = = 3")
    cli(*arguments, machine).refuses(f"machine file '{machine}' is not TOML")
    legal = (CONFIGURATIONS / "nano4.toml").read_text()
    machine.write_text(legal.replace("rows = 4", "rows = 5"))
    cli(*arguments, machine).refuses("rows = 5: must be a power of two from 4 to 256")
    machine.write_text(legal + "colour = 3\n")
    cli(*arguments, machine).refuses("unknown field 'colour'; legal fields are name, rows")
    assert not (tmp_path / "out.tpu").exists()


def test_places_that_cannot_be_written(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o")
    missing = tmp_path / "no" / "out.tpu"
    cli(*arguments, missing).refuses(f"cannot write '{missing}': the folder '{missing.parent}' does not exist")
    cli(*arguments, tmp_path).refuses(f"cannot write '{tmp_path}': it is a folder")
    assert list(tmp_path.iterdir()) == []
    taken = tmp_path / "taken"
    taken.touch()
    cli(*arguments, tmp_path / "out.tpu", "--dump-stages", taken).refuses(f"cannot write stages to '{taken}': File exi")
    assert list(tmp_path.iterdir()) == [taken]


def test_a_device_is_written_and_not_replaced(cli: Cli, tiny: Tiny) -> None:
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", "/dev/null")
    assert cli(*arguments).code == 0
    assert Path("/dev/null").is_char_device()
