"""Handlers of the pooling operators: MaxPool, AveragePool, GlobalAveragePool."""

from __future__ import annotations

from compiler.graph import AttributeValue, Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.windows import Window, window


def max_pool(context: Context, node: OnnxNode) -> None:
    """MaxPool; `ceil_mode` becomes padding, which never wins.

    Constraints:
        the input has four dimensions
        dilations are 1, storage_order is 0
        no window lies wholly in the padding
        the index output is not read
    """
    x = context.activation(node)
    context.emit(node, Op.MAX_POOL, x, attributes=_attributes(_window(node, x)))


def average_pool(context: Context, node: OnnxNode) -> None:
    """AveragePool, padding counted or not.

    Constraints:
        the input has four dimensions
        dilations are 1
        no window lies wholly in the padding
        not ceil_mode with count_include_pad where that adds a window position
    """
    x = context.activation(node)
    view = _window(node, x)
    include = node.integer("count_include_pad", 0)
    if view.extended and include:
        raise node.error("ceil_mode=1 with count_include_pad=1 is not supported where it adds a window position")
    context.emit(node, Op.AVERAGE_POOL, x, attributes=_attributes(view) | {"count_include_pad": include})


def global_average_pool(context: Context, node: OnnxNode) -> None:
    """GlobalAveragePool.

    Constraints:
        the input has four dimensions
    """
    context.emit(node, Op.GLOBAL_AVERAGE_POOL, context.activation(node))


def _window(node: OnnxNode, x: Tensor) -> Window:
    if set(node.integers("dilations", (1,))) != {1}:
        raise node.error(f"dilations {node.attributes['dilations']} are not supported")
    if node.integer("storage_order", 0):
        raise node.error("storage_order=1 is not supported")
    return window(node, x.shape, node.integers("kernel_shape", ()))


def _attributes(view: Window) -> dict[str, AttributeValue]:
    return {"kernel": view.kernel, "strides": view.strides, "pads": view.pads}
