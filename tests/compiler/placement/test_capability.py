"""What capability accepts lowers, what it refuses runs on the host, and the limits are lowering's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.backend.lower import lower
from compiler.backend.partition import partition
from compiler.graph import AttributeValue, Graph, Node, Op, Tensor, is_on_host
from compiler.passes.shapes import output_shape
from compiler.placement.capability import obstacle
from compiler.placement.place import PlacementOptions, Policy, place
from compiler.quantizer.quantize import quantize
from machine.config import Machine, load_machine
from machine.errors import CompileError
from runtime.check import check_program
from runtime.compile import compile_program
from runtime.session import Session

MACHINES = {name: load_machine(name) for name in ("nano4", "edge16")}
Shape = tuple[int, ...]


def of_one_node(op: Op, shape: Shape, constants: list[Shape], /, **attributes: AttributeValue) -> Graph:
    """Return a fused float graph of one node, `x` to `y`."""
    tensors = [Tensor("x", shape, "float32")]
    random = np.random.default_rng(len(shape))
    tensors += [Tensor.constant(f"c{index}", random.normal(size=extents).astype(np.float32))
                for index, extents in enumerate(constants)]
    node = Node("node", op, tuple(tensor.name for tensor in tensors), ("y",), attributes)
    tensors.append(Tensor("y", output_shape(node, [tensor.shape for tensor in tensors]), "float32"))
    return Graph.build([node], tensors, ["x"], ["y"])


def window(op: Op, shape: Shape, kernel: tuple[int, int], pads: int = 0, strides: tuple[int, int] = (1, 1)) -> Graph:
    """Return a pool, or a depthwise convolution, over an image; averages do not count the padding."""
    how: dict[str, AttributeValue] = {"strides": strides, "pads": (pads,) * 4}
    if op is Op.CONV2D:
        channels = shape[1]
        return of_one_node(op, shape, [(channels, 1, *kernel), (channels,)], groups=channels, dilations=(1, 1), **how)
    own: dict[str, AttributeValue] = {"count_include_pad": 0} if op is Op.AVERAGE_POOL else {}
    return of_one_node(op, shape, [], kernel=kernel, **how, **own)


LONG, MANY = (1, 2, 1, 300), (1, 2, 16, 16)
LIMITED = {
    "max": (window(Op.MAX_POOL, LONG, (1, 257)), "window 1x257; legal is up to 256x256"),
    "average": (window(Op.AVERAGE_POOL, LONG, (1, 257)), "window 1x257; legal is up to 256x256"),
    "depthwise": (window(Op.CONV2D, LONG, (1, 257)), "window 1x257; legal is up to 256x256"),
    "divisors": (window(Op.AVERAGE_POOL, MANY, (13, 13), 6), "its windows have 28 different divisors; legal are 16"),
}


@pytest.mark.parametrize("case", LIMITED)
def test_beyond_a_limit_of_lowering_the_host_executes_a_node(case: str) -> None:
    graph, reason = LIMITED[case]
    nano, samples = MACHINES["nano4"], {"x": np.random.default_rng(3).normal(size=(2, *graph.tensors["x"].shape[1:]))}
    samples = {"x": samples["x"].astype(np.float32)}
    assert obstacle(graph, graph.node("node"), nano) == reason
    with pytest.raises(CompileError, match=f"node 'node' .*{reason}; the placement 'accelerator-only' allows"):
        place(graph, nano, PlacementOptions(Policy.ACCELERATOR_ONLY))
    program = compile_program(graph, nano, samples)
    assert [(node.placement, node.reason) for node in program.nodes] == [("host", reason)]
    assert check_program(Session(program), samples).equal
    with pytest.raises(CompileError, match=reason):
        lower_all(graph, nano)


def test_the_limits_are_the_machines_and_not_less() -> None:
    assert obstacle(*_with_node(LIMITED["divisors"][0]), MACHINES["edge16"]) is None
    assert obstacle(*_with_node(LIMITED["divisors"][0])) is None, "no machine, no limit"
    for op in (Op.MAX_POOL, Op.AVERAGE_POOL, Op.CONV2D):
        graph = window(op, LONG, (1, 256))
        assert obstacle(*_with_node(graph), MACHINES["nano4"]) is None
        lower_all(graph, MACHINES["nano4"])


def _with_node(graph: Graph) -> tuple[Graph, Node]:
    return graph, graph.node("node")


def lower_all(graph: Graph, machine: Machine) -> None:
    """Quantize a fused graph as it is placed, and lower it.

    Raises:
        CompileError: a node that is placed on the accelerator cannot be there.
    """
    shape = graph.tensors["x"].shape
    samples = np.random.default_rng(5).normal(size=(2 * shape[0], *shape[1:])).astype(np.float32)
    quantized = quantize(graph, {"x": samples})
    for part in partition(quantized).parts:
        lower(machine, quantized, part)


EXTENT = st.sampled_from([1, 2, 3, 5, 9])


@st.composite
def nodes(draw: st.DrawFn) -> Graph:
    """Return a random node: windows of any size, element-wise operators and moves of any rank, batches of 1 and 2."""
    kind = draw(st.sampled_from(["window", "conv", "dense", "function", "binary", "transpose", "concat", "reshape"]))
    batch = draw(st.sampled_from([1, 1, 1, 2]))
    if kind == "window":
        op = draw(st.sampled_from([Op.MAX_POOL, Op.AVERAGE_POOL, Op.CONV2D]))
        kernel = draw(st.sampled_from([(1, 1), (3, 2), (1, 256), (257, 1), (13, 13), (21, 21)]))
        height, width = (draw(st.integers(extent, extent + 9)) for extent in kernel)
        pads = draw(st.integers(0, min(kernel) - 1))
        return window(op, (batch, draw(EXTENT), height, width), kernel, pads, draw(st.sampled_from([(1, 1), (2, 3)])))
    if kind == "conv":
        groups, inside, out = draw(EXTENT), draw(EXTENT), draw(EXTENT)
        return of_one_node(
            Op.CONV2D, (batch, groups * inside, 6, 7), [(groups * out, inside, 3, 2), (groups * out,)], groups=groups,
            strides=(1, 2), pads=(1, 0, 1, 1), dilations=(draw(st.sampled_from([1, 2])), 1),
        )
    if kind == "dense":
        inside, out = draw(EXTENT), draw(EXTENT)
        return of_one_node(Op.DENSE, (batch, inside), [(out, inside), (out,)])
    shape = (batch, *draw(st.lists(EXTENT, max_size=4)))
    if kind == "function":
        return of_one_node(Op.FUNCTION, shape, [], expression="tanh(x)")
    if kind == "binary":
        other = tuple(1 if draw(st.booleans()) else extent for extent in shape)
        return of_one_node(draw(st.sampled_from([Op.ADD, Op.SUB, Op.MUL])), shape, [other])
    if kind == "transpose":
        return of_one_node(Op.TRANSPOSE, shape, [], permutation=tuple(draw(st.permutations(range(len(shape))))))
    if kind == "concat":
        node = Node("node", Op.CONCAT, ("x", "x"), ("y",), {"axis": draw(st.integers(0, len(shape) - 1))})
        made = Tensor("y", output_shape(node, [shape, shape]), "float32")
        return Graph.build([node], [Tensor("x", shape, "float32"), made], ["x"], ["y"])
    rest = int(np.prod(shape[1:]))
    return of_one_node(Op.RESHAPE, shape, [], shape=(batch, rest))


@settings(max_examples=150, deadline=None, derandomize=True)
@given(nodes(), st.sampled_from(sorted(MACHINES)))
def test_what_capability_accepts_lowers(graph: Graph, machine: str) -> None:
    placed = place(graph, MACHINES[machine], PlacementOptions()).graph
    accepted = obstacle(*_with_node(graph), MACHINES[machine]) is None
    assert accepted is not is_on_host(placed.node("node"))
    lower_all(placed, MACHINES[machine])
