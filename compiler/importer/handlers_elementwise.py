"""Handlers of the element-wise operators and softmax: Relu, Clip, Add, Sum, Softmax, LogSoftmax."""

from __future__ import annotations

import math

import numpy as np

from compiler.graph import AttributeValue, Op
from compiler.importer.context import Context, OnnxNode

AXIS_MEANS_ONE_DIMENSION = 13
"""From this opset on, softmax normalises one axis; before, all axes from the given one on."""
FLOAT32_MAX = float(np.finfo(np.float32).max)


def relu(context: Context, node: OnnxNode) -> None:
    """Relu."""
    context.emit(node, Op.RELU, context.activation(node))


def clip(context: Context, node: OnnxNode) -> None:
    """Clip, bounds as attributes (until opset 10) or constant inputs; a missing bound does not clip.

    Constraints:
        the bounds are constants, none is NaN, and min is at most max
    """
    low = _bound(context, node, 1, "min", -math.inf)
    high = _bound(context, node, 2, "max", math.inf)
    if low > high:
        raise node.error(f"min {low} is above max {high}")
    bounds: dict[str, AttributeValue] = {k: v for k, v in (("min", low), ("max", high)) if abs(v) < FLOAT32_MAX}
    context.emit(node, Op.CLIP if bounds else Op.IDENTITY, context.activation(node), attributes=bounds)


def _bound(context: Context, node: OnnxNode, index: int, name: str, default: float) -> float:
    value = node.number(name, default)
    if node.has_input(index):
        value = float(context.constant(node, index, name).reshape(()))
    if math.isnan(value):
        raise node.error(f"{name} is NaN")
    return value


def add(context: Context, node: OnnxNode) -> None:
    """Add of two run-time tensors, or of a constant.

    Constraints:
        two run-time tensors have the same shape
        a constant has one value, or one for each channel
    """
    a, b = context.tensor(node, 0), context.tensor(node, 1)
    if a.is_constant or b.is_constant:
        index = 0 if a.is_constant else 1
        context.emit(node, Op.ADD, context.activation(node, 1 - index),
                     {"addend": context.weight(node, index, "addend")})
        return
    if a.shape != b.shape:
        raise node.error(f"broadcasting run-time tensors {list(a.shape)} and {list(b.shape)} is not supported")
    context.emit(node, Op.ADD, context.activation(node, 0), second=context.activation(node, 1))


def total(context: Context, node: OnnxNode) -> None:
    """Sum of tensors: a chain of Add.

    Constraints:
        run-time tensors have the same shape
        constants come after them, with one value, or one for each channel
    """
    x = context.activation(node)
    if len(node.inputs) == 1:
        context.emit(node, Op.IDENTITY, x)
    for index in range(1, len(node.inputs)):
        last = index == len(node.inputs) - 1
        output = node.outputs[0] if last else context.unique_tensor_name(f"{node.outputs[0]}_sum")
        other = context.tensor(node, index)
        if other.is_constant:
            x = context.emit_as(node, output, Op.ADD, x, {"addend": context.weight(node, index, "addend")})
            continue
        if other.shape != x.shape:
            raise node.error(f"broadcasting run-time tensors {list(x.shape)} and {list(other.shape)} is not supported")
        x = context.emit_as(node, output, Op.ADD, x, second=context.activation(node, index))


def softmax(context: Context, node: OnnxNode) -> None:
    """Softmax and LogSoftmax; before opset 13 over all axes from `axis` on, expressed by reshaping to two axes.

    Constraints:
        at the end of the model
        not along the batch
    """
    x = context.activation(node)
    rank = len(x.shape)
    modern = context.opset >= AXIS_MEANS_ONE_DIMENSION
    axis = node.integer("axis", -1 if modern else 1)
    if not -rank <= axis < rank:
        raise node.error(f"axis {axis} is outside input {list(x.shape)}")
    axis %= rank
    log = int(node.op_type == "LogSoftmax")
    if modern or math.prod(x.shape[axis + 1 :]) == 1:
        context.emit(node, Op.SOFTMAX, x, attributes={"axis": axis, "log": log})
        return
    rows = math.prod(x.shape[:axis])
    flat = context.emit_as(node, context.unique_tensor_name(f"{node.outputs[0]}_rows"), Op.RESHAPE, x,
                           attributes={"shape": (rows, math.prod(x.shape[axis:]))})
    normal = context.emit_as(node, context.unique_tensor_name(f"{node.outputs[0]}_normalised"), Op.SOFTMAX, flat,
                             attributes={"axis": 1, "log": log})
    context.emit(node, Op.RESHAPE, normal, attributes={"shape": x.shape})
