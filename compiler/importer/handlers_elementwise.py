"""Handlers of the element-wise operators and softmax: Relu, Clip, Min, Max, Add, Sum, Softmax, LogSoftmax."""

from __future__ import annotations

import math

import numpy as np

from compiler.graph import AttributeValue, Op, Tensor
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
        the bounds are constants of one value, and none is NaN
    """
    low = _bound(context, node, 1, "min", -math.inf)
    high = _bound(context, node, 2, "max", math.inf)
    _clip(context, node, context.activation(node), min(low, high), high)


def minimum(context: Context, node: OnnxNode) -> None:
    """Min of a tensor and constants, a clip.

    Constraints:
        one input is computed at run time, every other is a constant with one value
    """
    x, bounds = _tensor_and_bounds(context, node)
    _clip(context, node, x, -math.inf, min(bounds, default=math.inf))


def maximum(context: Context, node: OnnxNode) -> None:
    """Max of a tensor and constants, a clip.

    Constraints:
        one input is computed at run time, every other is a constant with one value
    """
    x, bounds = _tensor_and_bounds(context, node)
    _clip(context, node, x, max(bounds, default=-math.inf), math.inf)


def _tensor_and_bounds(context: Context, node: OnnxNode) -> tuple[Tensor, list[float]]:
    run_time = [i for i in range(len(node.inputs)) if not context.tensor(node, i).is_constant]
    if len(run_time) != 1:
        raise node.error(f"{len(run_time)} inputs are computed at run time; only one is supported")
    x, bounds = context.activation(node, run_time[0]), []
    for index in range(len(node.inputs)):
        if index == run_time[0]:
            continue
        data = context.weight(node, index, "bound")
        if data.size != 1 or data.ndim > len(x.shape):
            raise node.error(f"the bound '{node.inputs[index]}' has shape {list(data.shape)}; only one value is "
                             "supported")
        bounds.append(float(data.flat[0]))
    return x, bounds


def _clip(context: Context, node: OnnxNode, x: Tensor, low: float, high: float) -> None:
    bounds: dict[str, AttributeValue] = {k: v for k, v in (("min", low), ("max", high)) if abs(v) < FLOAT32_MAX}
    context.emit(node, Op.CLIP if bounds else Op.IDENTITY, x, attributes=bounds)


def _bound(context: Context, node: OnnxNode, index: int, name: str, default: float) -> float:
    value = node.number(name, default)
    if node.has_input(index):
        value = context.number(node, index, name)
    if math.isnan(value):
        raise node.error(f"{name} is NaN")
    return value


def add(context: Context, node: OnnxNode) -> None:
    """Add of two tensors that broadcast to each other, constants included."""
    a, b = context.tensor(node, 0), context.tensor(node, 1)
    if a.is_constant or b.is_constant:
        index = 0 if a.is_constant else 1
        context.emit(node, Op.ADD, context.activation(node, 1 - index),
                     {"addend": context.weight(node, index, "addend")})
        return
    context.emit(node, Op.ADD, context.activation(node, 0), second=context.activation(node, 1))


def total(context: Context, node: OnnxNode) -> None:
    """Sum of tensors that broadcast to each other: a chain of Add, constants last."""
    order = sorted(range(len(node.inputs)), key=lambda index: context.tensor(node, index).is_constant)
    x = context.activation(node, order[0])
    if len(order) == 1:
        context.emit(node, Op.IDENTITY, x)
    for index in order[1:]:
        output = node.outputs[0] if index == order[-1] else context.unique_tensor_name(f"{node.outputs[0]}_sum")
        if context.tensor(node, index).is_constant:
            x = context.emit_as(node, output, Op.ADD, x, {"addend": context.weight(node, index, "addend")})
        else:
            x = context.emit_as(node, output, Op.ADD, x, second=context.activation(node, index))


def softmax(context: Context, node: OnnxNode) -> None:
    """Softmax and LogSoftmax; before opset 13 over all axes from `axis` on, expressed by reshaping them to one."""
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
    flat = context.emit_as(node, context.unique_tensor_name(f"{node.outputs[0]}_rows"), Op.RESHAPE, x,
                           attributes={"shape": (*x.shape[:axis], math.prod(x.shape[axis:]))})
    normal = context.emit_as(node, context.unique_tensor_name(f"{node.outputs[0]}_normalised"), Op.SOFTMAX, flat,
                             attributes={"axis": axis, "log": log})
    context.emit(node, Op.RESHAPE, normal, attributes={"shape": x.shape})
