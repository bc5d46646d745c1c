"""Shape rules of the element-wise operators: functions, tables, and the operators of two operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from compiler.expression import parse
from compiler.graph import Node, Op
from machine.errors import ModelError
from machine.numerics import TABLE_SHAPE

Shape = tuple[int, ...]


def _binary(node: Node, shapes: Sequence[Shape]) -> Shape:
    a, b = shapes
    try:
        return np.broadcast_shapes(a, b)
    except ValueError:
        raise node.error(f"operands {list(a)} and {list(b)} do not broadcast to each other") from None


def _function(node: Node, shapes: Sequence[Shape]) -> Shape:
    try:
        parse(node.text("expression"))
    except ModelError as error:
        raise node.error(str(error)) from error
    return shapes[0]


def _table(node: Node, shapes: Sequence[Shape]) -> Shape:
    if shapes[1] != TABLE_SHAPE:
        raise node.error(f"a table has shape {list(TABLE_SHAPE)}, got {list(shapes[1])}")
    return shapes[0]


ELEMENTWISE_RULES: Mapping[Op, Callable[[Node, Sequence[Shape]], Shape]] = {
    Op.ADD: _binary,
    Op.SUB: _binary,
    Op.MUL: _binary,
    Op.FUNCTION: _function,
    Op.TABLE: _table,
}
