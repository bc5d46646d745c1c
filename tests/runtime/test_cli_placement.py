"""`tpukit compile --placement` and `--keep-float`: what is on the host, what is refused, and the cut in the dump."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from compiler.front import front
from compiler.graph import Op
from machine.program import load_program
from tests.e2e.host_models import attention, floats, gelu, normalized
from tests.runtime.helpers import Cli, Tiny, tiny_model


def affine() -> str:
    """Return the name of the model's first convolution or product in the fused graph."""
    graph = front(tiny_model(), None, until="fold_and_fuse")
    return next(node.name for node in graph.nodes() if node.op in (Op.CONV2D, Op.DENSE))


def test_a_node_is_kept_in_float_and_the_dump_shows_the_cut(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    name, programs = affine(), []
    for run in ("one", "two"):
        done = cli("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o",
                   tmp_path / run, "--keep-float", name, "--dump-stages", tmp_path / "stages")
        assert done.code == 0
        assert f"{name} (conv2d) is on the host: it is to be kept in float" in " ".join(done.text.split())
        programs.append((tmp_path / run).read_bytes())
    assert programs[0] == programs[1]
    placed = {node.name: (node.placement, node.reason) for node in load_program(tmp_path / "one").nodes}
    assert placed[name] == ("host", "it is to be kept in float")
    text = (tmp_path / "stages" / "04-place.txt").read_text()
    assert "it is to be kept in float" in text
    assert f"node '{name}': host" in text.partition("the cut:\n")[2].splitlines()


def test_names_and_policies_are_refused_in_one_line(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    name = affine()
    arguments = ("compile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "-o", tmp_path / "x")
    cli(*arguments, "--keep-float", f"{name}x").refuses(f"no node is called '{name}x'; close are '{name}'")
    cli(*arguments, "--placement", "accelerator-only", "--keep-float", name).refuses(
        "it is to be kept in float; the placement 'accelerator-only' allows nothing on the host"
    )


def write(folder: Path, model: onnx.ModelProto, shape: tuple[int, ...]) -> tuple[object, ...]:
    """Write a model and samples of its input `x`; returns the arguments that compile them to `m.tpu` for edge8."""
    (folder / "m.onnx").write_bytes(model.SerializeToString())
    np.savez(folder / "x.npz", x=floats(4, *shape))
    return ("compile", folder / "m.onnx", "--machine", "edge8", "--calibration", folder / "x.npz", "-o",
            folder / "m.tpu")


def ran(cli: Cli, folder: Path, *options: object) -> np.ndarray:
    """Return the output `y` of a run of `m.tpu` on the samples."""
    done = cli("run", folder / "m.tpu", "--input", folder / "x.npz", "-o", folder / "y.npz", *options)
    assert done.code == 0, done.stderr
    with np.load(folder / "y.npz") as arrays:
        return np.asarray(arrays["y"])


@pytest.mark.parametrize("name", ["normalized", "attention", "gelu"])
def test_every_host_node_of_a_model_is_printed_with_its_reason(cli: Cli, tmp_path: Path, name: str) -> None:
    network, shape = {"normalized": (normalized, (3, 6, 6)), "attention": (attention, (5, 8)), "gelu": (gelu, (10,))}[
        name]
    arguments = write(tmp_path, network(), shape)
    done = cli(*arguments)
    assert (done.code, done.stderr) == (0, "")
    program = load_program(tmp_path / "m.tpu")
    forced = [node for node in program.nodes if node.reason]
    assert forced and all(node.placement == "host" for node in forced)
    lines = [line for line in done.text.splitlines() if " is on the host: " in line]
    assert lines == [f"{node.name} ({node.operator}) is on the host: {node.reason}" for node in forced]
    others = {node.operator for node in program.nodes if node.placement == "host" and not node.reason}
    assert others <= {"quantize", "dequantize"}
    first = (tmp_path / "m.tpu").read_bytes()
    assert cli(*arguments).text == done.text
    assert (tmp_path / "m.tpu").read_bytes() == first, "the same model gives the same bytes"


def test_accelerator_only_names_the_operator_of_the_model_that_the_host_would_execute(cli: Cli, tmp_path: Path) -> None:
    arguments = write(tmp_path, normalized(), (3, 6, 6))
    done = cli(*arguments, "--placement", "accelerator-only")
    done.refuses("node 'normalize' (InstanceNormalization): ")
    assert done.stderr.endswith("; the placement 'accelerator-only' allows nothing on the host\n")
    assert not (tmp_path / "m.tpu").exists()
    cli(*arguments, "--placement", "cheapest").refuses("'cheapest' is not one of 'auto', 'accelerator-only'", code=2)


def test_what_is_kept_in_float_runs_and_is_checked(cli: Cli, tmp_path: Path) -> None:
    """With every node on the host a program is the float model; with one, it is nearer to it than with none."""
    arguments, errors, kept = write(tmp_path, normalized(), (3, 6, 6)), [], []
    for more in ((), ("--keep-float", "second"), ("--keep-float", "first", "--keep-float", "second")):
        assert cli(*arguments, *more).code == 0
        program = load_program(tmp_path / "m.tpu")
        kept.append([node.name for node in program.nodes if node.reason == "it is to be kept in float"])
        assert cli("run", tmp_path / "m.tpu", "--input", tmp_path / "x.npz").code == 0
        exact, reference, simulated = (
            ran(cli, tmp_path, "--backend", backend) for backend in ("cpu", "reference", "sim")
        )
        np.testing.assert_array_equal(simulated, reference)
        errors.append(float(np.square(simulated - exact).sum()))
        report = cli("check", tmp_path / "m.tpu", "--input", tmp_path / "x.npz", "--json").json
        assert report["equal"] is True
        ratio = report["outputs"][0]["sqnr_db"]
        assert ratio is None or ratio > 25
    assert kept == [[], ["second"], ["first", "second"]]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] == pytest.approx(0, abs=1e-6) and not program.segments
