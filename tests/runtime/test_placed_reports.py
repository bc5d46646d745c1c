"""`--sensitivity` and `tpukit check` speak of the graph that was compiled: the same nodes are on the host."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx.helper import make_node

from compiler.front import front
from compiler.graph import is_on_host
from compiler.placement.place import PlacementOptions
from compiler.quantizer.options import QuantizationOptions
from compiler.quantizer.sensitivity import measure_sensitivity
from machine.config import load_machine
from machine.errors import CompileError
from runtime.check import check_program, float_graph
from runtime.compile import compile_program, layer_sensitivity
from runtime.session import Session
from tests.e2e.host_models import floats, model, normalized
from tests.runtime.helpers import Cli

EDGE8 = load_machine("edge8")
NAMES = ("one", "two", "three", "four")
KEPT = PlacementOptions(keep_float=("one",))


def convolutions() -> onnx.ModelProto:
    """Four convolutions, their channels so unlike that equalisation changes every tensor between two of them."""
    tensors = ["x", "a", "b", "c", "y"]
    nodes = [make_node("Conv", [tensors[i], f"w{i}"], [tensors[i + 1]], name) for i, name in enumerate(NAMES)]
    spread = np.float32([1, 4, 16, 64]).reshape(4, 1, 1, 1)
    constants = {f"w{index}": floats(4, 4, 1, 1, seed=index) * spread for index in range(4)}
    return model(nodes, {"x": (TensorProto.FLOAT, [1, 4, 5, 5])}, {"y": (TensorProto.FLOAT, 4)}, constants)


SAMPLES = {"x": floats(6, 4, 5, 5, seed=9)}


def test_check_compares_with_the_float_graph_that_was_quantized() -> None:
    """Equalised without the host's node, the float graph has other tensors: those after a kept one are not scaled."""
    program = compile_program(
        convolutions().SerializeToString(), EDGE8, SAMPLES, options=QuantizationOptions(equalize=True), placement=KEPT
    )
    session = Session(program)
    assert [node.name for node in float_graph(session).nodes() if is_on_host(node)] == ["one"]
    result = check_program(session, SAMPLES)
    assert result.equal
    assert [(row.layer, row.tensor) for row in result.layers] == [
        ("quantize_a", "a"), ("two", "b_equalized"), ("three", "c_equalized"), ("four", "y")
    ]
    assert all(row.ratio.decibels > 25 for row in result.layers)


def test_check_finds_what_was_placed_by_cost() -> None:
    """What could be on the accelerator is on the host where the program's graph says so."""
    nodes = [
        make_node("Softmax", ["x"], ["a"], "before", axis=1), make_node("Mul", ["a", "w"], ["b"], "scale"),
        make_node("Softmax", ["b"], ["y"], "after", axis=1),
    ]
    network = model(nodes, {"x": (TensorProto.FLOAT, [1, 4, 5, 5])}, {"y": (TensorProto.FLOAT, 4)},
                    {"w": floats(1, 4, 5, 5)})
    session = Session(compile_program(network.SerializeToString(), EDGE8, SAMPLES))
    assert all(is_on_host(node) for node in float_graph(session).nodes())
    assert check_program(session, SAMPLES).layers == []


def test_a_model_without_a_host_node_of_the_graph_is_refused() -> None:
    network = convolutions()
    program = compile_program(network.SerializeToString(), EDGE8, SAMPLES, placement=KEPT)
    network.graph.node[0].name = "other"
    with pytest.raises(CompileError, match="no node is called 'one'"):
        float_graph(Session(replace(program, model=network.SerializeToString())))


@pytest.mark.parametrize("placement", [PlacementOptions(), KEPT, PlacementOptions(keep_float=("four",))])
def test_sensitivity_is_that_of_the_placed_graph(placement: PlacementOptions) -> None:
    network = convolutions().SerializeToString()
    rows = layer_sensitivity(network, EDGE8, SAMPLES, placement=placement)
    placed = front(network, None, until="place", machine=EDGE8, placement=placement)
    assert rows == measure_sensitivity(placed, SAMPLES)
    program = compile_program(network, EDGE8, SAMPLES, placement=placement)
    crossing = {node.name for node in program.nodes if node.operator == "quantize"}
    wanted = ["x"] if "quantize_x" in crossing else []
    for name, node in ((name, node) for name in NAMES for node in program.nodes if node.name == name):
        made = {"one": "a", "two": "b", "three": "c", "four": "y"}[name]
        wanted += [name] if node.placement == "accelerator" or f"quantize_{made}" in crossing else []
    assert [row.layer for row in rows] == wanted


def test_sensitivity_of_the_command_keeps_nodes_in_float(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(convolutions().SerializeToString())
    np.savez(tmp_path / "c.npz", **SAMPLES)
    arguments = ("compile", tmp_path / "m.onnx", "--machine", "edge8", "--calibration", tmp_path / "c.npz", "-o",
                 tmp_path / "m.tpu", "--json", "--sensitivity")
    found = {}
    for kept in ("one", "four"):
        rows = cli(*arguments, "--keep-float", kept).json["sensitivity"]
        found[kept] = [row["layer"] for row in rows]
    assert found == {"one": ["one", "two", "three", "four"], "four": ["x", "one", "two", "three"]}
    (tmp_path / "m.onnx").write_bytes(normalized().SerializeToString())
    np.savez(tmp_path / "c.npz", x=floats(4, 3, 6, 6))
    rows = cli(*arguments).json["sensitivity"]
    assert [(row["layer"], row["operator"]) for row in rows] == [
        ("x", "input"), ("first", "conv2d"), ("normalize", "InstanceNormalization"), ("second", "conv2d")
    ]
