"""Handler of MatMul: a matrix of any number of leading axes by a constant one, from either side.

What is summed over becomes the channels of an image, every other position a pixel: a product is then a convolution by
a kernel of 1x1. The transpositions around it vanish between products that follow each other.
"""

from __future__ import annotations

import math

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import AnyArray, Context, OnnxNode
from compiler.importer.images import reshaped, transposed

ONE_BY_ONE: dict[str, AttributeValue] = {"strides": (1, 1), "pads": (0, 0, 0, 0), "dilations": (1, 1), "groups": 1}
"""Attributes of a convolution of single pixels."""


def matmul(context: Context, node: OnnxNode) -> None:
    """MatMul of a run-time tensor by a constant matrix on either side.

    Constraints:
        one operand is a finite float32 constant of two dimensions (or more, which are 1)
        the run-time tensor has at least two dimensions, the batch first; what is summed over is not the batch
    """
    left = context.tensor(node, 0).is_constant
    x = context.activation(node, 1 if left else 0)
    matrix = context.weight(node, 0 if left else 1, "left-hand matrix" if left else "right-hand matrix")
    if matrix.ndim < 2 or math.prod(matrix.shape[:-2]) != 1 or matrix.ndim > max(2, len(x.shape)) or len(x.shape) < 2:
        shapes = [list(matrix.shape), list(x.shape)] if left else [list(x.shape), list(matrix.shape)]
        raise node.error(f"only a constant matrix of two dimensions is supported, got {shapes[0]} x {shapes[1]}")
    weight = matrix.reshape(matrix.shape[-2], matrix.shape[-1])
    weight = weight if left else weight.T
    summed = len(x.shape) - (2 if left else 1)
    if x.shape[summed] != weight.shape[1]:
        raise node.error(f"the {x.shape[summed]} of axis {summed} of input {list(x.shape)} do not fit matrix "
                         f"{list(matrix.shape)}")
    if summed == 0:
        raise node.error(f"input {list(x.shape)} would be summed over its batch, which is not supported")
    if len(x.shape) == 2:
        context.emit(node, Op.DENSE, x, {"weight": weight})
        return
    y = project(context, node, x, summed, weight)
    context.emit(node, Op.IDENTITY, y)


def project(context: Context, node: OnnxNode, x: Tensor, axis: int, weight: AnyArray) -> Tensor:
    """Return the product of a matrix [outputs, size] and every vector of a tensor along an axis, which is replaced."""
    rank = len(x.shape)
    forward = (0, axis, *(other for other in range(1, rank) if other != axis))
    shape = tuple(x.shape[other] for other in forward)
    pixels = (1, 1, *shape[2:])
    image = (shape[0], shape[1], math.prod(pixels[:-1]), pixels[-1])
    moved = reshaped(context, node, transposed(context, node, x, forward, "vectors"), image, "pixels")
    name = context.unique_tensor_name(f"{node.outputs[0]}_product")
    made = context.emit_as(node, name, Op.CONV2D, moved, {"weight": weight[:, :, None, None]}, ONE_BY_ONE)
    plain = reshaped(context, node, made, (shape[0], weight.shape[0], *shape[2:]), "products")
    return transposed(context, node, plain, tuple(forward.index(other) for other in range(rank)), "in_order")
