"""Handlers of the pooling operators: MaxPool, AveragePool, and the global ones."""

from __future__ import annotations

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.images import emit_over_image
from compiler.importer.windows import Window, window


def max_pool(context: Context, node: OnnxNode) -> None:
    """MaxPool; `ceil_mode` becomes padding, which never wins.

    Constraints:
        the input has three or four dimensions
        storage_order is 0
        no window lies wholly in the padding
        the index output is not read
    """
    x = context.activation(node)
    emit_over_image(context, node, Op.MAX_POOL, x, attributes=_attributes(_window(node, x)))


def average_pool(context: Context, node: OnnxNode) -> None:
    """AveragePool, padding counted or not.

    Constraints:
        the input has three or four dimensions
        no window lies wholly in the padding
        not ceil_mode with count_include_pad where that adds a window position
    """
    x = context.activation(node)
    view = _window(node, x)
    include = node.integer("count_include_pad", 0)
    if view.extended and include:
        raise node.error("ceil_mode=1 with count_include_pad=1 is not supported where it adds a window position")
    emit_over_image(context, node, Op.AVERAGE_POOL, x, attributes=_attributes(view) | {"count_include_pad": include})


def global_average_pool(context: Context, node: OnnxNode) -> None:
    """GlobalAveragePool.

    Constraints:
        the input has three or four dimensions
    """
    emit_over_image(context, node, Op.GLOBAL_AVERAGE_POOL, context.activation(node))


def global_max_pool(context: Context, node: OnnxNode) -> None:
    """GlobalMaxPool.

    Constraints:
        the input has three or four dimensions
    """
    x = context.activation(node)
    height, width = (1, 1, *x.shape[2:])[-2:]
    view = Window((height, width), (1, 1), (1, 1), (0, 0, 0, 0))
    emit_over_image(context, node, Op.MAX_POOL, x, attributes=_attributes(view))


def _window(node: OnnxNode, x: Tensor) -> Window:
    if node.integer("storage_order", 0):
        raise node.error("storage_order=1 is not supported")
    return window(node, x.shape, node.integers("kernel_shape", ()))


def _attributes(view: Window) -> dict[str, AttributeValue]:
    return {"kernel": view.kernel, "strides": view.strides, "pads": view.pads, "dilations": view.dilations}
