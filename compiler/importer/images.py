"""Sequences [N, C, L] as images [N, C, 1, L]: what windows slide over has two dimensions on the machine."""

from __future__ import annotations

from collections.abc import Mapping

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import AnyArray, Context, OnnxNode


def image_of(context: Context, node: OnnxNode, x: Tensor) -> Tensor:
    """Return an image as it is, and a sequence as an image of one row.

    Raises:
        ModelError: the tensor is neither (node and operator named).
    """
    if len(x.shape) == 4:
        return x
    if len(x.shape) != 3:
        raise node.error(f"only one or two spatial dimensions (N, C, L or N, C, H, W) are supported, got input "
                         f"{list(x.shape)}")
    batch, channels, length = x.shape
    return reshaped(context, node, x, (batch, channels, 1, length), "image")


def emit_over_image(
    context: Context, node: OnnxNode, op: Op, x: Tensor, operands: Mapping[str, AnyArray] | None = None,
    attributes: Mapping[str, AttributeValue] | None = None,
) -> None:
    """Add an operation over images that writes the node's output; `x` is an image or a sequence, and so is the output.
    """
    if len(x.shape) == 4:
        context.emit(node, op, x, operands, attributes)
        return
    image = image_of(context, node, x)
    name = context.unique_tensor_name(f"{node.outputs[0]}_over_image")
    made = context.emit_as(node, name, op, image, operands, attributes)
    batch, channels, _, length = made.shape
    context.emit(node, Op.RESHAPE, made, attributes={"shape": (batch, channels, length)})


def reshaped(context: Context, node: OnnxNode, x: Tensor, shape: tuple[int, ...], role: str) -> Tensor:
    """Return a tensor in another shape; `role` is in its name."""
    if x.shape == shape:
        return x
    name = context.unique_tensor_name(f"{node.outputs[0]}_{role}")
    return context.emit_as(node, name, Op.RESHAPE, x, attributes={"shape": shape})


def transposed(context: Context, node: OnnxNode, x: Tensor, permutation: tuple[int, ...], role: str) -> Tensor:
    """Return a tensor with its axes in another order; `role` is in its name."""
    if permutation == tuple(range(len(permutation))):
        return x
    name = context.unique_tensor_name(f"{node.outputs[0]}_{role}")
    return context.emit_as(node, name, Op.TRANSPOSE, x, attributes={"permutation": permutation})
