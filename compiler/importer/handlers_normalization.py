"""Handler of local response normalisation: LRN.

y = x * (bias + alpha / size * v) ** -beta, v being the sum of the squares of `size` neighbouring channels. The squares
and the power are tables, and the sum is a 1x1 convolution whose weights are a band of equal numbers. Without the bias,
which is part of the power's table, the sum begins at zero and loses no step of its range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from compiler.expression import X, call, to_text
from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_product import ONE_BY_ONE

Weight = npt.NDArray[np.float32]


def lrn(context: Context, node: OnnxNode) -> None:
    """LRN: squares and power through tables, the sum over channels as a convolution, and a product.

    Constraints:
        the input has at least three dimensions
        size is at least 1, alpha at least 0 and bias above 0
    """
    x = context.activation(node)
    size, alpha, beta, bias = (
        node.integer("size", 0), node.number("alpha", 1e-4), node.number("beta", 0.75), node.number("bias", 1.0)
    )
    if len(x.shape) < 3:
        raise node.error(f"input {list(x.shape)} has fewer than three dimensions")
    if size < 1 or not (alpha >= 0 and bias > 0 and all(math.isfinite(v) for v in (alpha, beta, bias))):
        raise node.error(f"size {size}, alpha {alpha}, beta {beta} and bias {bias} are not supported")

    def step(
        role: str, op: Op, source: Tensor, attributes: Mapping[str, AttributeValue], **constants: Weight
    ) -> Tensor:
        name = context.unique_tensor_name(f"{node.outputs[0]}_{role}")
        return context.emit_as(node, name, op, source, constants, attributes)

    squares = step("squares", Op.FUNCTION, x, {"expression": to_text(call("mul", X, X))})
    image = (*x.shape[:2], math.prod(x.shape[2:-1]), x.shape[-1])
    if image != x.shape:
        squares = step("image", Op.RESHAPE, squares, {"shape": image})
    summed = step("sums", Op.CONV2D, squares, ONE_BY_ONE, weight=_band(x.shape[1], size, alpha / size))
    power = to_text(call("pow", call("add", X, bias), -beta))
    factor = step("factors", Op.FUNCTION, summed, {"expression": power})
    if image != x.shape:
        factor = step("shaped", Op.RESHAPE, factor, {"shape": x.shape})
    context.emit(node, Op.MUL, x, second=factor)


def _band(channels: int, size: int, value: float) -> Weight:
    """Return float32[C, C, 1, 1] that sums channels c - floor((size - 1) / 2) to c + ceil((size - 1) / 2)."""
    before, after = (size - 1) // 2, size // 2
    distance = np.arange(channels)[None, :] - np.arange(channels)[:, None]
    band = np.where((distance >= -before) & (distance <= after), value, 0.0)
    return band.astype(np.float32)[:, :, None, None]
