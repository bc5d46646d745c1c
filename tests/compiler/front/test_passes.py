"""Golden tests of the passes: `passes/<pass>.txt` holds the graph before and after, as the printer shows it.

`TPUKIT_UPDATE_GOLDEN=1 pytest tests/compiler/front/test_passes.py` writes them anew; read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from compiler.graph import Graph, Node, Op, Tensor
from compiler.graph_text import print_graph
from compiler.passes.addends_to_normalizations import AddendsToNormalizations
from compiler.passes.align_operands import AlignOperands
from compiler.passes.canonicalise_operands import CanonicaliseOperands
from compiler.passes.divide_transposed import DivideTransposed
from compiler.passes.fold_batch_normalization import FoldBatchNormalization
from compiler.passes.fold_constants import FoldConstants
from compiler.passes.fuse_bias import FuseBias
from compiler.passes.fuse_clip import FuseClip
from compiler.passes.fuse_functions import FuseFunctions
from compiler.passes.fuse_pad import FusePad
from compiler.passes.hoist_clip import HoistClip
from compiler.passes.infer_shapes import InferShapes
from compiler.passes.pipeline import PASSES, run_passes
from compiler.passes.remove_dead import RemoveDead
from compiler.passes.remove_identity import RemoveIdentity
from machine.errors import ModelError

FOLDER = Path(__file__).parent / "passes"
IMAGE = (1, 2, 4, 4)
CONV = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": 1}
POOL = {"kernel": (2, 2), "strides": (2, 2), "pads": (0, 0, 0, 0)}


def build(
    *nodes: Node, output: str = "y", shapes: dict[str, tuple[int, ...]] | None = None, inputs: tuple[str, ...] = ("x",),
    **constants,
) -> Graph:
    """A graph from input x: float32[1, 2, 4, 4]; every tensor has that shape where no other is given."""
    known = shapes or {}
    arrays = {name: np.asarray(value, np.float32) for name, value in constants.items()}
    names = {name for node in nodes for name in (*node.inputs, *node.outputs)} - set(arrays)
    tensors = [Tensor(name, known.get(name, IMAGE), "float32") for name in sorted(names | {"x"})]
    return Graph.build(nodes, [*tensors, *(Tensor.constant(n, a) for n, a in arrays.items())], inputs, [output])


def conv(x: str, y: str, *more: str, name: str = "conv") -> Node:
    return Node(name, Op.CONV2D, (x, "w", *more), (y,), CONV)


W = [[[[1.0]], [[2.0]]], [[[3.0]], [[4.0]]]]
B = [0.5, -0.5]
BN = {"scale": [2.0, 3.0], "shift": [1.0, 1.0], "mean": [0.0, 1.0], "variance": [3.0, 8.0]}


def batch_normalization(x: str, y: str) -> Node:
    return Node("bn", Op.BATCH_NORMALIZATION, (x, *BN), (y,), {"epsilon": 1.0})


def function(x: str, y: str, expression: str, name: str = "function") -> Node:
    return Node(name, Op.FUNCTION, (x,), (y,), {"expression": expression})


def clip(x: str, y: str, name: str = "clip") -> Node:
    return Node(name, Op.CLIP, (x,), (y,), {"min": 0.0, "max": 6.0})


CASES = {
    "remove_identity": (RemoveIdentity(), build(
        Node("first", Op.IDENTITY, ("x",), ("a",)), conv("a", "c", "b"), Node("last", Op.IDENTITY, ("c",), ("y",)),
        w=W, b=B)),
    "canonicalise_operands": (CanonicaliseOperands(), build(
        conv("x", "c"), Node("relu", Op.RELU, ("c",), ("r",)), Node("pool", Op.GLOBAL_AVERAGE_POOL, ("r",), ("y",)),
        shapes={"y": (1, 2, 1, 1)}, w=W)),
    "infer_shapes": (InferShapes(), build(
        conv("x", "c", "b"), Node("pool", Op.MAX_POOL, ("c",), ("p",), POOL),
        Node("flat", Op.RESHAPE, ("p",), ("y",), {"shape": (1, 8)}), w=W, b=B)),
    "fold_constants": (FoldConstants(), build(
        Node("sum", Op.ADD, ("k", "k"), ("k2",)), Node("positive", Op.RELU, ("k2",), ("b",)), conv("x", "y", "b"),
        shapes={"k2": (2,), "b": (2,)}, w=W, k=B)),
    "fuse_bias": (FuseBias(), build(
        conv("x", "c", "b"), Node("once", Op.ADD, ("c", "k"), ("d",)), Node("twice", Op.ADD, ("d", "one"), ("y",)),
        w=W, b=B, k=[[[10.0]], [[20.0]]], one=100.0)),
    "fuse_bias_not_per_channel": (FuseBias(), build(
        conv("x", "c", "b"), Node("add", Op.ADD, ("c", "k"), ("y",)), w=W, b=B, k=[1.0, 2.0, 3.0, 4.0])),
    "fold_batch_normalization": (FoldBatchNormalization(), build(
        conv("x", "c", "b"), batch_normalization("c", "y"), w=W, b=B, **BN)),
    "fold_batch_normalization_of_an_input": (FoldBatchNormalization(), build(batch_normalization("x", "y"), **BN)),
    "addends_to_normalizations": (AddendsToNormalizations(), build(
        Node("add", Op.ADD, ("x", "k"), ("a",)), Node("one", Op.ADD, ("a", "one"), ("y",)),
        k=[[[10.0]], [[20.0]]], one=100.0)),
    "addends_to_normalizations_not_per_channel": (AddendsToNormalizations(), build(
        Node("add", Op.ADD, ("x", "k"), ("y",)), k=[1.0, 2.0, 3.0, 4.0])),
    "fuse_pad": (FusePad(), build(
        Node("pad", Op.PAD, ("x",), ("p",), {"pads": (0, 0, 1, 2, 0, 0, 3, 0), "value": 0.0}), conv("p", "y", "b"),
        shapes={"p": (1, 2, 8, 6), "y": (1, 2, 8, 6)}, w=W, b=B)),
    "fuse_pad_of_another_value": (FusePad(), build(
        Node("pad", Op.PAD, ("x",), ("p",), {"pads": (0, 0, 1, 0, 0, 0, 1, 0), "value": 1.0}), conv("p", "y", "b"),
        shapes={"p": (1, 2, 6, 4), "y": (1, 2, 6, 4)}, w=W, b=B)),
    "divide_transposed": (DivideTransposed(), build(
        Node("up", Op.CONV_TRANSPOSE2D, ("x", "t", "b"), ("y",), {
            "strides": (2, 1), "pads": (1, 1, 1, 1), "dilations": (1, 1), "groups": 1, "output_padding": (1, 0)}),
        shapes={"y": (1, 2, 8, 4)}, t=np.arange(36).reshape(2, 2, 3, 3), b=B)),
    "hoist_clip": (HoistClip(), build(
        conv("x", "c", "b"), Node("pool", Op.MAX_POOL, ("c",), ("p",), POOL),
        Node("flat", Op.RESHAPE, ("p",), ("f",), {"shape": (1, 8)}), clip("f", "y"),
        shapes={"p": (1, 2, 2, 2), "f": (1, 8), "y": (1, 8)}, w=W, b=B)),
    "hoist_clip_with_nothing_to_meet": (HoistClip(), build(
        Node("pool", Op.MAX_POOL, ("x",), ("p",), POOL), clip("p", "y"),
        shapes={"p": (1, 2, 2, 2), "y": (1, 2, 2, 2)})),
    "hoist_clip_over_a_concat": (HoistClip(), build(
        conv("x", "c", "b"), Node("pool", Op.MAX_POOL, ("c",), ("p",), POOL),
        Node("mean", Op.AVERAGE_POOL, ("x",), ("q",), POOL | {"count_include_pad": 0}),
        Node("join", Op.CONCAT, ("p", "q"), ("j",), {"axis": 1}), clip("j", "y"),
        shapes={"p": (1, 2, 2, 2), "q": (1, 2, 2, 2), "j": (1, 4, 2, 2), "y": (1, 4, 2, 2)}, w=W, b=B)),
    "hoist_clip_not_over_a_concat_read_twice": (HoistClip(), build(
        conv("x", "c", "b"), Node("join", Op.CONCAT, ("c", "x"), ("j",), {"axis": 1}), clip("j", "y"),
        shapes={"j": (1, 4, 4, 4), "y": (1, 4, 4, 4)}, w=W, b=B)),
    "fuse_clip": (FuseClip(), build(conv("x", "c", "b"), clip("c", "y"), w=W, b=B)),
    "fuse_clip_read_twice": (FuseClip(), build(
        conv("x", "c", "b"), clip("c", "d"), Node("add", Op.ADD, ("c", "d"), ("y",)), w=W, b=B)),
    "align_operands": (AlignOperands(), build(
        Node("sum", Op.ADD, ("x", "k"), ("a",)), Node("shorter", Op.RESHAPE, ("z",), ("r",), {"shape": (1, 4)}),
        Node("product", Op.MUL, ("r", "a"), ("y",)), shapes={"z": (1, 2, 2), "r": (1, 4)}, inputs=("x", "z"),
        k=[1.0, 2.0, 3.0, 4.0])),
    "align_operands_with_some_of_the_channels": (AlignOperands(), build(
        Node("sum", Op.ADD, ("x", "k"), ("a",)), Node("difference", Op.SUB, ("a", "z"), ("y",)),
        shapes=dict.fromkeys("xay", (1, 2, 3, 1, 2)) | {"z": (1, 2, 1, 1, 2)}, inputs=("x", "z"),
        k=[[[[1.0]], [[2.0]], [[3.0]]]])),
    "fuse_functions": (FuseFunctions(), build(
        conv("x", "c", "b"), Node("half", Op.MUL, ("c", "h"), ("e",)), function("c", "s", "sigmoid(x)"),
        Node("swish", Op.MUL, ("c", "s"), ("t",)), clip("t", "u"), Node("one", Op.ADD, ("u", "one"), ("y",)),
        w=W, b=B, h=0.5, one=1.0)),
    "fuse_functions_with_other_readers": (FuseFunctions(), build(
        conv("x", "c", "b"), function("c", "s", "tanh(x)"), Node("add", Op.ADD, ("c", "s"), ("t",)),
        Node("per_channel", Op.ADD, ("s", "k"), ("u",)), Node("half", Op.MUL, ("s", "h"), ("v",)),
        Node("difference", Op.SUB, ("u", "v"), ("d",)), Node("last", Op.MUL, ("t", "d"), ("y",)),
        w=W, b=B, k=[[[10.0]], [[20.0]]], h=0.5)),
    "hoist_clip_of_a_function": (HoistClip(), build(
        conv("x", "c", "b"), Node("pool", Op.MAX_POOL, ("c",), ("p",), POOL),
        Node("flat", Op.RESHAPE, ("p",), ("f",), {"shape": (1, 8)}), function("f", "y", "cos(x)"),
        shapes={"p": (1, 2, 2, 2), "f": (1, 8), "y": (1, 8)}, w=W, b=B)),
    "remove_dead": (RemoveDead(), build(
        conv("x", "y", "b"), clip("y", "unread"), clip("unread", "unread2", "clip2"), w=W, b=B)),
}


@pytest.mark.parametrize("case", CASES)
def test_pass(case):
    step, graph = CASES[case]
    before = print_graph(graph)
    text = f"# {step.name}\n# before\n{before}# after\n{print_graph(run_passes(graph, [step]))}"
    path = FOLDER / f"{case}.txt"
    if os.environ.get("TPUKIT_UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text()
    assert print_graph(graph) == before, "a pass changed the graph that it was given"


def test_every_pass_has_a_golden_test():
    assert {step.name for step in PASSES} == {step.name for step, _ in CASES.values()}


def test_every_golden_file_has_a_case():
    assert {path.stem for path in FOLDER.glob("*.txt")} == set(CASES)


def test_a_pass_that_breaks_the_graph_is_named():
    class Break:
        name = "break"

        def apply(self, graph: Graph) -> Graph:
            broken = graph.networkx.copy()
            broken.graph["outputs"] = ("nothing",)
            return Graph(broken)

    with pytest.raises(ModelError, match="after pass break: graph: input or output 'nothing' is not a tensor"):
        run_passes(CASES["fuse_clip"][1], [Break()])


@pytest.mark.parametrize("place", range(8))
def test_only_padding_of_height_and_width_is_fused(place: int) -> None:
    pads = tuple(int(index == place) for index in range(8))
    padded = tuple(size + pads[axis] + pads[axis + 4] for axis, size in enumerate(IMAGE))
    graph = build(
        Node("pad", Op.PAD, ("x",), ("p",), {"pads": pads, "value": 0.0}), conv("p", "y", "b"),
        shapes={"p": padded, "y": (padded[0], 2, *padded[2:])}, w=np.ones((2, padded[1], 1, 1)), b=B,
    )
    ops = [node.op for node in FusePad().apply(graph).nodes()]
    assert ops == ([Op.CONV2D] if place in (2, 3, 6, 7) else [Op.PAD, Op.CONV2D])
