"""Float graphs of one operator each, `x` (and `z`) to `y`, in the forms that the gpu backend must compute."""

from __future__ import annotations

from typing import Any

import numpy as np

from compiler.gather import gather_attributes
from compiler.graph import Graph, Node, Op, Tensor
from compiler.passes.shapes import output_shape

IMAGE = (1, 6, 7, 9)
WINDOW: dict[str, Any] = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1)}
UNEVEN: dict[str, Any] = {"strides": (2, 1), "pads": (1, 0, 2, 1), "dilations": (1, 2)}


def one(op: Op, *shapes: tuple[int, ...], constants: int = 0, **attributes: Any) -> Graph:
    """Return the graph of one node: computed operands of the first shapes, then `constants` constant ones."""
    random = np.random.default_rng(len(shapes) + sum(map(sum, shapes)))
    computed = len(shapes) - constants
    names = [*("x", "z")[:computed], *(f"c{index}" for index in range(constants))]
    tensors = [Tensor(name, shape, "float32") for name, shape in zip(names[:computed], shapes, strict=False)]
    for name, shape in zip(names[computed:], shapes[computed:], strict=True):
        data = random.normal(size=shape) if op is not Op.BATCH_NORMALIZATION else random.uniform(0.5, 2, shape)
        tensors.append(Tensor.constant(name, data.astype(np.float32)))
    node = Node("n", op, tuple(names), ("y",), attributes)
    tensors.append(Tensor("y", output_shape(node, shapes), "float32"))
    return Graph.build([node], tensors, names[:computed], ["y"])


def constant_first(op: Op) -> Graph:
    """Return a graph of a binary node whose first operand is a constant."""
    tensors = [Tensor("x", IMAGE, "float32"), Tensor.constant("c", np.full((1, 6, 1, 1), 1.5, np.float32)),
               Tensor("y", IMAGE, "float32")]
    return Graph.build([Node("n", op, ("c", "x"), ("y",), {})], tensors, ["x"], ["y"])


def function(expression: str) -> Graph:
    """Return a graph of a function."""
    return one(Op.FUNCTION, IMAGE, expression=expression)


def _pool(op: Op, kernel: tuple[int, int], **more: Any) -> Graph:
    attributes = {**WINDOW, "kernel": kernel, **more}
    return one(op, IMAGE, **attributes)


CASES: dict[tuple[Op, str], Graph] = {
    (Op.CONV2D, "plain"): one(Op.CONV2D, IMAGE, (4, 6, 3, 3), (4,), constants=2, **WINDOW, groups=1),
    (Op.CONV2D, "no bias, clamped"): one(
        Op.CONV2D, IMAGE, (4, 6, 1, 1), constants=1, **WINDOW, groups=1, activation_min=0.0, activation_max=3.4e38),
    (Op.CONV2D, "uneven window"): one(
        Op.CONV2D, IMAGE, (4, 3, 2, 3), (4,), constants=2, **UNEVEN, groups=2, activation_max=0.5),
    (Op.CONV2D, "depthwise"): one(Op.CONV2D, IMAGE, (12, 1, 3, 3), (12,), constants=2, **UNEVEN, groups=6),
    (Op.CONV_TRANSPOSE2D, "plain"): one(
        Op.CONV_TRANSPOSE2D, IMAGE, (4, 6, 3, 3), (4,), constants=2, **WINDOW, groups=1, output_padding=(0, 0)),
    (Op.CONV_TRANSPOSE2D, "uneven, groups"): one(
        Op.CONV_TRANSPOSE2D, IMAGE, (8, 3, 3, 2), (8,), constants=2, strides=(2, 3), pads=(1, 0, 2, 1),
        dilations=(1, 2), groups=2, output_padding=(1, 2)),
    (Op.DENSE, "plain"): one(Op.DENSE, (1, 20), (7, 20), (7,), constants=2),
    (Op.DENSE, "several rows"): one(Op.DENSE, (3, 20), (7, 20), (7,), constants=2),
    (Op.DENSE, "clamped"): one(Op.DENSE, (1, 20), (7, 20), constants=1, activation_min=-1.0, activation_max=1.0),
    (Op.ADD, "two"): one(Op.ADD, IMAGE, IMAGE),
    (Op.ADD, "constant first"): constant_first(Op.ADD),
    (Op.ADD, "ranks that differ"): one(Op.ADD, IMAGE, (7, 9)),
    (Op.SUB, "broadcast"): one(Op.SUB, IMAGE, (1, 1, 7, 1), activation_min=0.0),
    (Op.SUB, "constant first"): constant_first(Op.SUB),
    (Op.MUL, "gate"): one(Op.MUL, IMAGE, (1, 6, 1, 1)),
    (Op.MUL, "constant"): one(Op.MUL, IMAGE, (1, 6, 1, 1), constants=1, activation_max=2.0),
    (Op.MAX_POOL, "plain"): _pool(Op.MAX_POOL, (2, 3)),
    (Op.MAX_POOL, "uneven"): _pool(Op.MAX_POOL, (3, 2), strides=(2, 1), pads=(2, 0, 1, 1)),
    (Op.MAX_POOL, "dilated"): _pool(Op.MAX_POOL, (2, 3), dilations=(3, 2), pads=(1, 1, 1, 0)),
    (Op.AVERAGE_POOL, "plain"): _pool(Op.AVERAGE_POOL, (2, 3), count_include_pad=0),
    (Op.AVERAGE_POOL, "edges"): _pool(
        Op.AVERAGE_POOL, (3, 3), strides=(2, 2), pads=(1, 2, 0, 1), count_include_pad=0),
    (Op.AVERAGE_POOL, "edges counted"): _pool(
        Op.AVERAGE_POOL, (3, 3), strides=(2, 2), pads=(1, 2, 0, 1), count_include_pad=1),
    (Op.AVERAGE_POOL, "dilated"): _pool(
        Op.AVERAGE_POOL, (2, 2), dilations=(2, 3), pads=(1, 1, 0, 1), count_include_pad=0),
    (Op.GLOBAL_AVERAGE_POOL, "plain"): one(Op.GLOBAL_AVERAGE_POOL, IMAGE),
    (Op.RESHAPE, "flatten"): one(Op.RESHAPE, IMAGE, shape=(1, 378)),
    (Op.RESHAPE, "rows"): one(Op.RESHAPE, IMAGE, shape=(6, 63)),
    (Op.CONCAT, "channels"): one(Op.CONCAT, IMAGE, (1, 2, 7, 9), axis=1),
    (Op.CONCAT, "samples"): one(Op.CONCAT, (1, 5), (1, 5), axis=0),
    (Op.SLICE, "steps"): one(Op.SLICE, IMAGE, starts=(0, 1, 0, 2), stops=(1, 6, 7, 8), steps=(1, 2, 1, 3)),
    (Op.SLICE, "rows"): one(Op.SLICE, (4, 5), starts=(1, 0), stops=(4, 5), steps=(2, 1)),
    (Op.PAD, "value"): one(Op.PAD, IMAGE, pads=(0, 1, 0, 2, 0, 0, 3, 1), value=-0.75),
    (Op.PAD, "largest number"): one(Op.PAD, (1, 5), pads=(0, 1, 0, 2), value=float(np.finfo(np.float32).min)),
    (Op.TRANSPOSE, "channels last"): one(Op.TRANSPOSE, IMAGE, permutation=(0, 2, 3, 1)),
    (Op.TRANSPOSE, "of the batch"): one(Op.TRANSPOSE, (3, 4), permutation=(1, 0)),
    (Op.GATHER, "two axes"): one(
        Op.GATHER, IMAGE, **gather_attributes([(5, 0, 0), tuple(range(7)), (8, 2, 3, 1)])),
    (Op.INTERLEAVE, "cut off"): one(Op.INTERLEAVE, (1, 3, 2, 3), (1, 3, 2, 3), factors=(2, 1), size=(3, 3)),
    (Op.INTERLEAVE, "columns"): one(Op.INTERLEAVE, (1, 3, 2, 3), (1, 3, 2, 3), factors=(1, 2), size=(2, 5)),
    (Op.SOFTMAX, "channels"): one(Op.SOFTMAX, IMAGE, axis=1, log=0),
    (Op.SOFTMAX, "logarithm"): one(Op.SOFTMAX, (1, 12), axis=1, log=1),
    (Op.FUNCTION, "swish"): function("mul(x, sigmoid(x))"),
    (Op.RELU, "plain"): one(Op.RELU, IMAGE),
    (Op.CLIP, "both"): one(Op.CLIP, IMAGE, min=-0.5, max=0.25),
    (Op.CLIP, "low"): one(Op.CLIP, IMAGE, min=0.1),
    (Op.BATCH_NORMALIZATION, "plain"): one(
        Op.BATCH_NORMALIZATION, IMAGE, *[(6,)] * 4, constants=4, epsilon=1e-3),
    (Op.IDENTITY, "plain"): one(Op.IDENTITY, IMAGE),
}
"""By operator and form."""
