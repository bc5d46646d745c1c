"""Handlers of multiplication, division and subtraction by constants: Mul, Div, Sub, Neg.

All of them are y = factor[c] * x + shift[c], which a batch normalisation of variance 1 says.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode

Float32Array = npt.NDArray[np.float32]


def mul(context: Context, node: OnnxNode) -> None:
    """Mul by a constant, folded into a neighbouring convolution or product where there is one.

    Constraints:
        one operand is a constant with one value, or one for each channel
    """
    x, constant = _operands(context, node)
    _affine(context, node, x, constant, 0 * constant)


def div(context: Context, node: OnnxNode) -> None:
    """Div by a constant, folded like Mul.

    Constraints:
        the second operand is a constant with one value, or one for each channel, none of them 0
    """
    x, constant = context.activation(node), context.weight(node, 1, "divisor")
    if (constant == 0).any():
        raise node.error("the divisor holds 0")
    inverse = (1.0 / constant.astype(np.float64)).astype(np.float32)
    if not np.isfinite(inverse).all():
        raise node.error("the divisor is too small: its inverse is not finite")
    _affine(context, node, x, inverse, 0 * inverse)


def sub(context: Context, node: OnnxNode) -> None:
    """Sub of a constant, or from a constant, folded like Mul.

    Constraints:
        one operand is a constant with one value, or one for each channel
    """
    x, constant = _operands(context, node)
    one = np.ones_like(constant)
    if x.name == node.inputs[0]:
        _affine(context, node, x, one, -constant)
    else:
        _affine(context, node, x, -one, constant)


def neg(context: Context, node: OnnxNode) -> None:
    """Neg, folded like Mul."""
    one = np.ones((), np.float32)
    _affine(context, node, context.activation(node), -one, 0 * one)


def _operands(context: Context, node: OnnxNode) -> tuple[Tensor, Float32Array]:
    index = 0 if context.tensor(node, 0).is_constant else 1
    return context.activation(node, 1 - index), context.weight(node, index, "operand")


def _affine(context: Context, node: OnnxNode, x: Tensor, factor: Float32Array, shift: Float32Array) -> None:
    channels = x.shape[1] if len(x.shape) > 1 else 0
    per_channel = (1, channels) + (1,) * (len(x.shape) - 2)
    padded = (1,) * (len(x.shape) - factor.ndim) + factor.shape
    if not channels or len(padded) != len(x.shape) or any(
        size not in (1, wanted) for size, wanted in zip(padded, per_channel, strict=True)
    ):
        raise node.error(f"constant {list(factor.shape)} is not one value, or one for each channel of input "
                         f"{list(x.shape)}")
    values = [np.broadcast_to(array.reshape(padded), per_channel).reshape(-1) for array in (factor, shift)]
    zeros, ones = np.zeros(channels, np.float32), np.ones(channels, np.float32)
    operands = {"scale": values[0], "bias": values[1], "mean": zeros, "variance": ones}
    context.emit(node, Op.BATCH_NORMALIZATION, x, operands, {"epsilon": 0.0})
