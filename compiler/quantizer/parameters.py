"""The integer parameters of each quantized operator, derived once from the quantized graph.

They are part of the quantized graph's meaning: the reference backend and the compiler's back end both take them from
here, so a multiplier or a clamp cannot differ between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.graph import Graph, Node, Tensor
from compiler.passes.shapes import taps_inside
from compiler.quantizer.scheme import quantized_bound
from machine import numerics
from machine.numerics import AddRescale, Int8Array, Int32Array, Rescale


@dataclass(frozen=True, slots=True, eq=False)
class AffineParameters:
    """`conv2d` and `dense`: y = finish(sum((x - input_zero_point) * w), bias, multiplier, left, right, ...).

    `weight: int8[CO, ...]`; `bias`, `multiplier`, `left`, `right`: int32[CO]; `low`, `high`: the int8 output clamp.
    """

    weight: Int8Array
    bias: Int32Array
    multiplier: Int32Array
    left: Int32Array
    right: Int32Array
    input_zero_point: int
    output_zero_point: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, eq=False)
class AddParameters:
    """`add`: the arguments of `numerics.add` after the operands."""

    rescale: AddRescale
    a_zero_point: int
    b_zero_point: int
    output_zero_point: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, eq=False)
class ProductParameters:
    """`mul`: y = finish((a - a_zero_point) * (b - b_zero_point), 0, rescale, output_zero_point, low, high)."""

    rescale: Rescale
    a_zero_point: int
    b_zero_point: int
    output_zero_point: int
    low: int
    high: int


@dataclass(frozen=True, slots=True, eq=False)
class AverageParameters:
    """`average_pool`: y = finish(sum(x - input_zero_point), 0, multiplier, left, right, ...).

    `count`, `multiplier`, `left`, `right`: int32[OH, OW], since a window at the border may hold fewer valid positions.
    """

    count: Int32Array
    multiplier: Int32Array
    left: Int32Array
    right: Int32Array
    input_zero_point: int
    output_zero_point: int
    low: int
    high: int


def affine_parameters(graph: Graph, node: Node) -> AffineParameters:
    """Derive the parameters of a `conv2d` or `dense` node.

    Raises:
        ModelError: a rescale factor is outside the machine's range (node named).
    """
    x, weight, bias = (graph.tensors[name] for name in node.inputs)
    y = graph.tensors[node.output]
    channels = weight.shape[0]
    scales = weight.affine.scale if weight.affine.axis == 0 else weight.affine.scale * channels
    rescales = [_rescale(node, x.scale * scale / y.scale) for scale in scales]
    low, high = activation_range(node)
    return AffineParameters(
        weight.array, bias.array, *_columns(rescales), x.zero_point, y.zero_point, low, high
    )


def add_parameters(graph: Graph, node: Node) -> AddParameters:
    """Derive the parameters of an `add` or `sub` node.

    Raises:
        ModelError: a rescale factor is outside the machine's range (node named).
    """
    a, b = (graph.tensors[name] for name in node.inputs)
    y = graph.tensors[node.output]
    low, high = activation_range(node)
    try:
        rescale = numerics.add_rescale(a.scale, b.scale, y.scale)
    except ValueError as error:
        raise node.error(str(error)) from error
    return AddParameters(rescale, a.zero_point, b.zero_point, y.zero_point, low, high)


def product_parameters(graph: Graph, node: Node) -> ProductParameters:
    """Derive the parameters of a `mul` node.

    Raises:
        ModelError: the rescale factor is outside the machine's range (node named).
    """
    a, b = (graph.tensors[name] for name in node.inputs)
    y = graph.tensors[node.output]
    rescale = _rescale(node, a.scale * b.scale / y.scale)
    return ProductParameters(rescale, a.zero_point, b.zero_point, y.zero_point, *activation_range(node))


def average_parameters(graph: Graph, node: Node) -> AverageParameters:
    """Derive the parameters of an `average_pool` node.

    Raises:
        ModelError: a rescale factor is outside the machine's range (node named).
    """
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    count = window_counts(node, x, y)
    try:
        by_count = {int(n): numerics.average_rescale(x.scale, y.scale, int(n)) for n in np.unique(count)}
    except ValueError as error:
        raise node.error(str(error)) from error
    columns = _columns([by_count[int(n)] for n in count.flat])
    multiplier, left, right = (column.reshape(count.shape) for column in columns)
    return AverageParameters(
        count, multiplier, left, right, x.zero_point, y.zero_point, numerics.INT8_MIN, numerics.INT8_MAX
    )


def pad_value(graph: Graph, node: Node) -> int:
    """Return the int8 value that a `pad` node fills with: the nearest to its real value."""
    y = graph.tensors[node.output]
    return quantized_bound(node.number("value"), y.affine, y.zero_point)


def window_counts(node: Node, x: Tensor, y: Tensor) -> Int32Array:
    """Return the divisor of each output position of an `average_pool`: int32[OH, OW]."""
    kernel = node.integers("kernel")
    if node.integer("count_include_pad"):
        return np.full(y.shape[2:], kernel[0] * kernel[1], np.int32)
    rows, columns = (taps_inside(node, axis, x.shape[2 + axis], y.shape[2 + axis]) for axis in (0, 1))
    return np.outer(rows, columns).astype(np.int32)


def activation_range(node: Node) -> tuple[int, int]:
    """Return the int8 clamp (low, high) of a node that clamps its output."""
    return node.integer("activation_min"), node.integer("activation_max")


def _rescale(node: Node, factor: float) -> Rescale:
    try:
        return numerics.rescale_from_real(factor)
    except ValueError as error:
        raise node.error(str(error)) from error


def _columns(rescales: list[Rescale]) -> tuple[Int32Array, Int32Array, Int32Array]:
    table = np.array([(r.multiplier, r.left, r.right) for r in rescales], np.int32)
    return table[:, 0], table[:, 1], table[:, 2]
