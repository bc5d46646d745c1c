"""Shape rules: the output shape of each operator, used by the importer and by the `infer_shapes` pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from compiler.graph import BINARY, Node, Op
from compiler.passes.shapes_elementwise import ELEMENTWISE_RULES
from compiler.passes.shapes_moves import MOVE_RULES

Shape = tuple[int, ...]

MOST_ELEMENTS = 1 << 28
"""Values of a tensor, which calibration holds as float32."""
LONGEST_AXIS = 1 << 24
"""Window positions along an axis, and with `LARGEST_STEP` what keeps products of two numbers of a window in int64."""
LARGEST_STEP = (1 << 31) - 1
MOST_DIMENSIONS = 32
"""Dimensions of a tensor: as many as every NumPy knows."""

OPERANDS: Mapping[Op, tuple[int, int]] = {
    **dict.fromkeys(BINARY, (2, 2)), Op.CONV2D: (2, 3), Op.CONV_TRANSPOSE2D: (2, 3), Op.DENSE: (2, 3), Op.TABLE: (2, 2),
    Op.BATCH_NORMALIZATION: (5, 5), Op.CONCAT: (1, 1 << 20), Op.INTERLEAVE: (1, 1 << 20),
}
"""The fewest and the most inputs of an operator; one where it is not listed."""


def output_shape(node: Node, shapes: Sequence[Shape]) -> Shape:
    """Return the shape of a node's output from the shapes of its inputs.

    Raises:
        ModelError: the shapes do not fit the operator (node, operator and reason named).
    """
    fewest, most = OPERANDS.get(node.op, (1, 1))
    if not fewest <= len(shapes) <= most:
        raise node.error(f"has {len(shapes)} inputs, needs {fewest if fewest == most else f'{fewest} to {most}'}")
    shape = RULES[node.op](node, shapes)
    if min(shape, default=1) < 1:
        raise node.error(f"its output would have shape {list(shape)}, which is empty")
    if math.prod(shape) > MOST_ELEMENTS or len(shape) > MOST_DIMENSIONS:
        raise node.error(f"its output would have shape {list(shape)}; up to {MOST_ELEMENTS} values in "
                         f"{MOST_DIMENSIONS} dimensions are supported")
    return shape


def window_output(size: int, kernel: int, stride: int, dilation: int, before: int, after: int) -> int:
    """Return the number of window positions along one axis (0 or less when the window does not fit)."""
    return (size + before + after - (dilation * (kernel - 1) + 1)) // stride + 1


def _conv2d(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, weight = shapes[0], shapes[1]
    _rank(node, x, 4)
    _rank(node, weight, 4, "weight")
    groups = node.integer("groups")
    if groups < 1 or x[1] % groups or weight[0] % groups or x[1] // groups != weight[1]:
        raise node.error(f"weight {list(weight)} with groups={groups} does not fit input {list(x)}")
    return (x[0], weight[0], *_windows(node, x, weight[2:], node.integers("dilations")))


def _conv_transpose2d(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, weight = shapes[0], shapes[1]
    _rank(node, x, 4)
    _rank(node, weight, 4, "weight")
    groups, pads, extra = node.integer("groups"), node.integers("pads"), node.integers("output_padding")
    if groups < 1 or x[1] % groups or weight[0] % groups or x[1] // groups != weight[1]:
        raise node.error(f"weight {list(weight)} with groups={groups} does not fit input {list(x)}")
    strides, dilations = node.integers("strides"), node.integers("dilations")
    if not len(strides) == len(dilations) == len(extra) == 2 or len(pads) != 4 or min(*pads, *extra) < 0:
        raise node.error("strides, dilations and output_padding have 2 numbers, pads 4 (top, left, bottom, right)")
    if min(*strides, *dilations) < 1:
        raise node.error(f"illegal window: strides {strides}, dilations {dilations}")
    out = tuple(
        (x[2 + axis] - 1) * strides[axis] + dilations[axis] * (weight[2 + axis] - 1) + 1 + extra[axis]
        - pads[axis] - pads[2 + axis]
        for axis in (0, 1)
    )
    if min(out) < 1:
        raise node.error(f"pads {list(pads)} leave nothing of the output of input {list(x)}, weight {list(weight)}")
    return (x[0], weight[0], *out)


def _dense(node: Node, shapes: Sequence[Shape]) -> Shape:
    x, weight = shapes[0], shapes[1]
    _rank(node, x, 2)
    _rank(node, weight, 2, "weight")
    if x[1] != weight[1]:
        raise node.error(f"weight {list(weight)} (output, input channels) does not fit input {list(x)}")
    return (x[0], weight[0])


def _pool(node: Node, shapes: Sequence[Shape]) -> Shape:
    x = shapes[0]
    _rank(node, x, 4)
    kernel, pads, dilations = node.integers("kernel"), node.integers("pads"), pool_dilations(node)
    out = _windows(node, x, kernel, dilations)
    if max(out) > LONGEST_AXIS:
        raise node.error(f"its output would have shape {[*x[:2], *out]}; axes of up to {LONGEST_AXIS} are supported")
    for axis in (0, 1):
        if not taps_inside(node, axis, x[2 + axis], out[axis]).all():
            raise node.error(f"a window lies wholly in the padding {list(pads)} (kernel {list(kernel)})")
        if max(pads[axis], pads[2 + axis]) >= kernel[axis]:
            raise node.error(f"padding {list(pads)} (ceil_mode adds to it) must be below kernel {list(kernel)}")
    return (x[0], x[1], *out)


def pool_dilations(node: Node) -> Shape:
    """Return the dilations of a pool; not given, they are 1."""
    return node.integers("dilations") if "dilations" in node.attributes else (1, 1)


def taps_inside(node: Node, axis: int, size: int, positions: int) -> npt.NDArray[np.int64]:
    """Return how many taps of a pool's window lie in an input of `size`: int64[positions], along axis 0 (y) or 1 (x).
    """
    kernel, stride, pad = (node.integers(name)[axis] for name in ("kernel", "strides", "pads"))
    dilation = pool_dilations(node)[axis]
    first = np.arange(positions) * stride - pad
    below = np.clip(-(first // dilation), 0, kernel)  # taps before the input
    upto = np.clip(-(-(size - first) // dilation), 0, kernel)  # taps before its end
    counts: npt.NDArray[np.int64] = np.maximum(upto - below, 0)
    return counts


def _windows(node: Node, x: Shape, kernel: Shape, dilations: Shape) -> Shape:
    strides, pads = node.integers("strides"), node.integers("pads")
    if len(strides) != 2 or len(pads) != 4 or len(kernel) != 2 or len(dilations) != 2:
        raise node.error("strides, kernel and dilations have 2 numbers, pads 4 (top, left, bottom, right)")
    numbers = (*strides, *kernel, *dilations, *pads)
    if min(*strides, *kernel, *dilations) < 1 or min(pads) < 0 or max(numbers) > LARGEST_STEP:
        raise node.error(f"illegal window: kernel {kernel}, strides {strides}, dilations {dilations}, pads {pads}")
    out = tuple(
        window_output(x[2 + axis], kernel[axis], strides[axis], dilations[axis], pads[axis], pads[2 + axis])
        for axis in (0, 1)
    )
    if min(out) < 1:
        raise node.error(f"kernel {list(kernel)} is larger than the padded input {list(x)}")
    return out


def _reshape(node: Node, shapes: Sequence[Shape]) -> Shape:
    shape = node.integers("shape")
    if math.prod(shape) != math.prod(shapes[0]):
        raise node.error(f"cannot reshape {list(shapes[0])} to {list(shape)}")
    return shape


def _same(node: Node, shapes: Sequence[Shape]) -> Shape:
    return shapes[0]


def _softmax(node: Node, shapes: Sequence[Shape]) -> Shape:
    if not 0 <= node.integer("axis") < len(shapes[0]):
        raise node.error(f"axis {node.integer('axis')} is outside input {list(shapes[0])}")
    return shapes[0]


def _batch_normalization(node: Node, shapes: Sequence[Shape]) -> Shape:
    x = shapes[0]
    if len(x) < 2 or any(parameter != (x[1],) for parameter in shapes[1:]):
        raise node.error(f"parameters {[list(s) for s in shapes[1:]]} do not fit the channels of input {list(x)}")
    return x


def _global_average_pool(node: Node, shapes: Sequence[Shape]) -> Shape:
    _rank(node, shapes[0], 4)
    return (*shapes[0][:2], 1, 1)


def _rank(node: Node, shape: Shape, rank: int, what: str = "input") -> None:
    if len(shape) != rank:
        raise node.error(f"{what} must have {rank} dimensions, got {list(shape)}")


RULES: Mapping[Op, Callable[[Node, Sequence[Shape]], Shape]] = {
    Op.CONV2D: _conv2d,
    Op.CONV_TRANSPOSE2D: _conv_transpose2d,
    Op.DENSE: _dense,
    Op.MAX_POOL: _pool,
    Op.AVERAGE_POOL: _pool,
    Op.RESHAPE: _reshape,
    Op.SOFTMAX: _softmax,
    Op.RELU: _same,
    Op.CLIP: _same,
    Op.IDENTITY: _same,
    Op.BATCH_NORMALIZATION: _batch_normalization,
    Op.GLOBAL_AVERAGE_POOL: _global_average_pool,
    Op.QUANTIZE: _same,
    Op.DEQUANTIZE: _same,
    **ELEMENTWISE_RULES,
    **MOVE_RULES,
}
