"""Handlers of Mul, Div, Sub and Neg.

With a constant that has one value, or one for each channel, all of them are y = factor[c] * x + shift[c], which a batch
normalisation of variance 1 says. Any other constant is an operand like a run-time tensor.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compiler.expression import X, call, to_text
from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode

Float32Array = npt.NDArray[np.float32]


def mul(context: Context, node: OnnxNode) -> None:
    """Mul of two tensors that broadcast to each other; a constant with one value, or one for each channel, is folded
    into a neighbouring convolution or product where there is one.
    """
    if _is_run_time(context, node):
        context.emit(node, Op.MUL, context.activation(node, 0), second=context.activation(node, 1))
        return
    x, constant = _operands(context, node)
    scale(context, node, node.outputs[0], x, constant)


def div(context: Context, node: OnnxNode) -> None:
    """Div by a constant, folded like Mul, or of a constant by a tensor, whose reciprocal is a table.

    Constraints:
        one operand is a constant
        a constant divisor holds no 0
    """
    if context.tensor(node, 0).is_constant:
        dividend, divisor = context.weight(node, 0, "dividend"), context.activation(node, 1)
        name, expression = context.unique_tensor_name(f"{node.outputs[0]}_reciprocal"), to_text(call("reciprocal", X))
        inverted = context.emit_as(node, name, Op.FUNCTION, divisor, attributes={"expression": expression})
        scale(context, node, node.outputs[0], inverted, dividend)
        return
    x, constant = context.activation(node), context.weight(node, 1, "divisor")
    if (constant == 0).any():
        raise node.error("the divisor holds 0")
    with np.errstate(over="ignore"):
        inverse = (1.0 / constant.astype(np.float64)).astype(np.float32)
    if not np.isfinite(inverse).all():
        raise node.error("the divisor is too small: its inverse is not finite")
    scale(context, node, node.outputs[0], x, inverse)


def scale(context: Context, node: OnnxNode, output: str, x: Tensor, factor: Float32Array) -> Tensor:
    """Emit the product of a tensor and a constant, and return the tensor that is written."""
    if _per_channel(x, factor) is None:
        return context.emit_as(node, output, Op.MUL, x, {"operand": factor})
    return _affine(context, node, output, x, factor, 0 * factor)


def sub(context: Context, node: OnnxNode) -> None:
    """Sub of two tensors that broadcast to each other; constants are folded as in Mul."""
    if _is_run_time(context, node):
        context.emit(node, Op.SUB, context.activation(node, 0), second=context.activation(node, 1))
        return
    x, constant = _operands(context, node)
    one = np.ones_like(constant)
    minuend = x.name == node.inputs[0]
    if _per_channel(x, constant) is None:
        if minuend:
            context.emit(node, Op.ADD, x, {"operand": -constant})
        else:
            _emit_from_constant(context, node, x, constant)
    elif minuend:
        _affine(context, node, node.outputs[0], x, one, -constant)
    else:
        _affine(context, node, node.outputs[0], x, -one, constant)


def neg(context: Context, node: OnnxNode) -> None:
    """Neg, folded like Mul."""
    one, x = np.ones((), np.float32), context.activation(node)
    if _per_channel(x, one) is None:
        raise node.error(f"input '{x.name}' has shape {list(x.shape)}; a batch and channels are needed")
    _affine(context, node, node.outputs[0], x, -one, 0 * one)


def _is_run_time(context: Context, node: OnnxNode) -> bool:
    return not any(context.tensor(node, index).is_constant for index in (0, 1))


def _operands(context: Context, node: OnnxNode) -> tuple[Tensor, Float32Array]:
    index = 0 if context.tensor(node, 0).is_constant else 1
    return context.activation(node, 1 - index), context.weight(node, index, "operand")


def _emit_from_constant(context: Context, node: OnnxNode, x: Tensor, constant: Float32Array) -> None:
    """Emit the difference of a constant and a tensor."""
    minuend = Tensor.constant(context.unique_tensor_name(f"{node.name}_minuend"), np.ascontiguousarray(constant))
    context.tensors[minuend.name] = minuend
    context.emit(node, Op.SUB, minuend, second=x)


def _per_channel(x: Tensor, constant: Float32Array) -> Float32Array | None:
    """Return float32[C] where a constant has one value, or one for each channel of a tensor, else None."""
    channels = x.shape[1] if len(x.shape) > 1 else 0
    per_channel = (1, channels) + (1,) * (len(x.shape) - 2)
    padded = (1,) * (len(x.shape) - constant.ndim) + constant.shape
    if not channels or len(padded) != len(x.shape) or any(
        size not in (1, wanted) for size, wanted in zip(padded, per_channel, strict=True)
    ):
        return None
    return np.broadcast_to(constant.reshape(padded), per_channel).reshape(-1)


def _affine(
    context: Context, node: OnnxNode, output: str, x: Tensor, factor: Float32Array, shift: Float32Array
) -> Tensor:
    """Emit factor[c] * x + shift[c]; both fit the channels of x."""
    factors, shifts = _per_channel(x, factor), _per_channel(x, shift)
    assert factors is not None and shifts is not None
    operands = {"scale": factors, "bias": shifts, "mean": np.zeros_like(factors), "variance": np.ones_like(factors)}
    return context.emit_as(node, output, Op.BATCH_NORMALIZATION, x, operands, {"epsilon": 0.0})
