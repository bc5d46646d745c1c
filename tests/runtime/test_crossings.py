"""Which tensors cross between host and accelerator, which way, how many bytes they are, and what that costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto
from onnx.helper import make_node

from compiler.graph import Graph
from compiler.placement.prices import DEFAULT_HOST, crossing_cycles, host_cycles, transfer_cycles
from machine.config import load_machine
from machine.program import Program
from runtime.compile import compile_program
from runtime.crossings import Crossing, Direction, crossings
from tests.e2e.host_models import floats, model, normalized
from tests.runtime.helpers import Cli

EDGE8 = load_machine("edge8")


def compiled(batch: int = 1) -> tuple[Program, Graph]:
    """Return the network convolution, instance normalization, convolution, and its quantized graph."""
    program = compile_program(normalized().SerializeToString(), EDGE8, {"x": floats(4, 3, 6, 6)}, batch=batch)
    assert program.graph is not None
    return program, Graph.from_dict(*program.graph)


@pytest.mark.parametrize("batch", [1, 3])
def test_a_host_node_between_convolutions_has_two_crossings_and_the_ends_one_each(batch: int) -> None:
    program, graph = compiled(batch)
    found = [(each.tensor, each.direction, each.size_bytes) for each in crossings(program)]
    assert found == [
        ("x_quantized", Direction.TO_ACCELERATOR, batch * 3 * 6 * 6),
        ("a_quantized", Direction.TO_HOST, batch * 6 * 6 * 6),
        ("b_quantized", Direction.TO_ACCELERATOR, batch * 6 * 6 * 6),
        ("y_quantized", Direction.TO_HOST, batch * 4 * 6 * 6),
    ]
    for crossing in crossings(program):
        assert crossing.expected_cycles == crossing_cycles(graph, EDGE8, DEFAULT_HOST, crossing.tensor, batch)
    assert crossings(program)[1].expected_cycles > transfer_cycles(EDGE8, batch * 6 * 6 * 6)


def test_an_int8_tensor_of_a_later_segment_crosses_as_it_is() -> None:
    """The first convolution's output is added to the second segment's."""
    network = model(
        [
            make_node("Conv", ["x", "w"], ["a"], "first"),
            make_node("InstanceNormalization", ["a", "one", "one"], ["b"], "normalize"),
            make_node("Conv", ["b", "v"], ["c"], "second"),
            make_node("Add", ["a", "c"], ["y"], "add"),
        ],
        {"x": (TensorProto.FLOAT, [1, 3, 6, 6])}, {"y": (TensorProto.FLOAT, 4)},
        {"w": floats(6, 3, 1, 1), "v": floats(6, 6, 1, 1, seed=1), "one": np.ones(6, np.float32)},
    )
    program = compile_program(network.SerializeToString(), EDGE8, {"x": floats(4, 3, 6, 6)})
    assert len(program.segments) == 2
    between = [each for each in crossings(program) if each.direction is Direction.BETWEEN_SEGMENTS]
    assert between == [Crossing(
        "a_quantized", Direction.BETWEEN_SEGMENTS, 6 * 6 * 6, 2 * transfer_cycles(EDGE8, 6 * 6 * 6)
    )]
    assert [each.tensor for each in crossings(program) if each.direction is Direction.TO_HOST].count("a_quantized") == 1


def test_sums_of_the_report_add_up(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(normalized().SerializeToString())
    np.savez(tmp_path / "c.npz", x=floats(4, 3, 6, 6))
    arguments = ("compile", tmp_path / "m.onnx", "--machine", "edge8", "--calibration", tmp_path / "c.npz", "-o",
                 tmp_path / "m.tpu")
    report, (program, graph) = cli(*arguments, "--json").json, compiled()
    assert report["crossings"] == [each.to_dict() for each in crossings(program)]
    assert report["crossing_bytes"] == 3 * 36 + 6 * 36 + 6 * 36 + 4 * 36
    assert report["transfer_expected_cycles"] == sum(each["expected_cycles"] for each in report["crossings"])
    assert report["host_expected_cycles"] == host_cycles(graph, EDGE8, DEFAULT_HOST, graph.node("normalize")) > 0
    on_accelerator = [node for node in report["nodes"] if node["placement"] == "accelerator"]
    assert report["expected_cycles"] == sum(node["expected_cycles"] for node in on_accelerator)
    sides = ("expected_cycles", "host_expected_cycles", "transfer_expected_cycles")
    assert sum(report[side] for side in sides) == sum(node["expected_cycles"] for node in report["nodes"])
    assert report["expected_utilization"] == report["macs"] / (64 * report["expected_cycles"])
    lines = cli(*arguments).text.splitlines()
    for direction, count, size in (("to accelerator", 2, 9 * 36), ("to host", 2, 10 * 36)):
        cycles = sum(each["expected_cycles"] for each in report["crossings"] if each["direction"] == direction)
        assert f"{direction}: {count} tensors, {size} bytes, expected {cycles:,} cycles" in lines
    assert not any(line.startswith("between segments") for line in lines)
    assert lines[-1] == "the accelerator is expected to take {:,} cycles, the host's operators the time of {:,}, " \
        "transfers that of {:,}".format(*(report[side] for side in sides))
