"""Handlers of the operators that multiply by weights: Conv, Gemm, BatchNormalization."""

from __future__ import annotations

import numpy as np

from compiler.graph import AttributeValue, Op
from compiler.importer.context import Context, OnnxNode
from compiler.importer.images import emit_over_image
from compiler.importer.windows import window


def conv(context: Context, node: OnnxNode) -> None:
    """Conv: any kernel, stride, dilation, padding and groups.

    Constraints:
        the input has three or four dimensions
        weight and bias are finite float32 constants
        pads are at least 0
    """
    x = context.activation(node)
    weight = context.weight(node, 1, "weight")
    if weight.ndim not in (3, 4) or weight.ndim != len(x.shape):
        raise node.error(f"only 1-D and 2-D convolutions are supported, got a {weight.ndim - 2}-D one of input "
                         f"{list(x.shape)}")
    if node.integers("kernel_shape", weight.shape[2:]) != weight.shape[2:]:
        raise node.error(f"kernel_shape {node.attributes['kernel_shape']} contradicts weight {list(weight.shape)}")
    view = window(node, x.shape, weight.shape[2:])
    operands = {"weight": weight.reshape(*weight.shape[:2], *view.kernel)}
    if node.has_input(2):
        operands["bias"] = context.weight(node, 2, "bias")
    attributes: dict[str, AttributeValue] = {
        "strides": view.strides,
        "pads": view.pads,
        "dilations": view.dilations,
        "groups": node.integer("group", 1),
    }
    emit_over_image(context, node, Op.CONV2D, x, operands, attributes)


def gemm(context: Context, node: OnnxNode) -> None:
    """Gemm; alpha, beta and transB are folded into the constants.

    Constraints:
        B and C are finite float32 constants
        C has one value, or one for each output
        transA is 0: the rows of A are the batch
    """
    x = context.activation(node)
    if node.integer("transA", 0):
        raise node.error("transA=1 is not supported: it would make the batch, the rows of A, an axis to be summed over")
    weight = context.weight(node, 1, "matrix B")
    if weight.ndim != 2:
        raise node.error(f"matrix B must have 2 dimensions, got {list(weight.shape)}")
    weight = (weight if node.integer("transB", 0) else weight.T) * np.float32(node.number("alpha", 1.0))
    operands = {"weight": weight}
    if node.has_input(2):
        bias = context.weight(node, 2, "matrix C") * np.float32(node.number("beta", 1.0))
        if bias.size not in (1, weight.shape[0]) or (bias.size > 1 and bias.shape[-1] != weight.shape[0]):
            raise node.error(f"matrix C {list(bias.shape)} is not one value for each of {weight.shape[0]} outputs")
        operands["bias"] = np.broadcast_to(bias.reshape(-1), weight.shape[:1])
    context.emit(node, Op.DENSE, x, operands)


def batch_normalization(context: Context, node: OnnxNode) -> None:
    """BatchNormalization, folded into the operator before it, else a depthwise 1x1 convolution.

    Constraints:
        the parameters are finite float32 constants, the variance at least 0
        inference form: training_mode is 0, spatial is 1
    """
    if node.integer("training_mode", 0):
        raise node.error("training_mode=1 is not supported")
    if not node.integer("spatial", 1):
        raise node.error("spatial=0 is not supported")
    roles = ("scale", "bias", "mean", "variance")
    operands = {role: context.weight(node, 1 + i, role) for i, role in enumerate(roles)}
    if (operands["variance"] < 0).any():
        raise node.error("the variance holds negative values")
    attributes = {"epsilon": node.number("epsilon", 1e-5)}
    context.emit(node, Op.BATCH_NORMALIZATION, context.activation(node), operands, attributes)
