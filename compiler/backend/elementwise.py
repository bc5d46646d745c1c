"""Lowering of element-wise operators: records and parameters, what a table is computed with, operands in all lanes."""

from __future__ import annotations

import dataclasses

import numpy as np

from compiler.backend.geometry import Geometry, Window
from compiler.backend.layers import ChannelParameters, Kernel, Layer, Layout, Source, Value
from compiler.backend.moves import geometry_of
from compiler.backend.partition import Part
from compiler.graph import BINARY, Graph, Node, Op, Tensor
from compiler.quantizer.parameters import AddParameters, ProductParameters
from machine.config import Machine
from machine.numerics import INT8_MAX, INT8_MIN, AddRescale, Int32Array, rescale_from_real

LOOKS_UP = frozenset({Op.CONV2D, Op.DENSE, Op.MAX_POOL, Op.AVERAGE_POOL, Op.MUL})
"""Operators whose kernel can look its results up as it writes them: all that use no residual operand."""


def fused_tables(graph: Graph, part: Part) -> dict[str, Node]:
    """Return, by the node that makes their input, the tables that are looked up by the same vector instructions."""
    found = {}
    for node in part.body:
        maker = graph.producer(node.inputs[0])
        if node.op is not Op.TABLE or maker is None or maker.op not in LOOKS_UP or maker not in part.body:
            continue
        if maker.output not in part.outputs and len(graph.reads(maker.output)) == 1:
            found[maker.name] = node
    return found


def look_up_layer(graph: Graph, node: Node, source: Source) -> Layer:
    """Return the layer of a table that nothing else looks up."""
    output = graph.tensors[node.output]
    return Layer(
        node.name, (node.name,), Kernel.TABLE, source, node.output, geometry_of(output.shape[1:]), Window(),
        output.zero_point, INT8_MIN, INT8_MAX, 0, fill=source.zero_point, table=graph.tensors[node.inputs[1]].array,
    )


def with_table(graph: Graph, layer: Layer, node: Node) -> Layer:
    """Return a layer that looks its results up in a table."""
    return dataclasses.replace(
        layer, nodes=(*layer.nodes, node.name), output=node.output, table=graph.tensors[node.inputs[1]].array
    )


def addition_record(rescale: AddRescale, p: AddParameters) -> Int32Array:
    """Return a residual addition's entry, int32[3, 4] (docs/units/scratchpad.md)."""
    parts = (rescale.a, rescale.b, rescale.out)
    return np.array(
        [
            [*(part.multiplier for part in parts), p.output_zero_point],
            [*(part.left for part in parts), p.low],
            [*(part.right for part in parts), p.high],
        ],
        np.int32,
    )


def product_layer(node: Node, p: ProductParameters, a: Source, b: Source, output: Geometry) -> Layer:
    """Return the layer of the product of two activations."""
    channels = np.ones(output.channels, np.int32)
    rescale = ChannelParameters(
        0 * channels, p.rescale.multiplier * channels, p.rescale.left * channels, p.rescale.right * channels
    )
    return Layer(
        node.name, (node.name,), Kernel.PRODUCT, a, node.output, output, Window(), p.output_zero_point, p.low, p.high,
        output.elements, parameters=rescale, residual=b, fill=p.a_zero_point,
    )


def constant_value(machine: Machine, name: str, tensor: Tensor, output: Geometry) -> Value:
    """Return a constant operand as an activation; one channel for many lies in all lanes of a block."""
    shape = geometry_of(tensor.shape[1:])
    values = tensor.array.reshape(shape.channels, shape.height, shape.width)
    if shape.channels < output.channels:
        values = np.repeat(values, machine.block_bytes, axis=0)
    return Value(
        name, Geometry(*values.shape), tensor.zero_point, blocked=True, constant=np.ascontiguousarray(values)
    )


def in_all_lanes(name: str) -> str:
    """Return the name of an activation of one channel that lies in all lanes of a block."""
    return f"{name} in all lanes"


def is_read_in_all_lanes(graph: Graph, part: Part, name: str) -> bool:
    """Whether an activation has one channel, and nothing but element-wise operators with more channels read it."""
    channels, readers = geometry_of(graph.tensors[name].shape[1:]).channels, graph.consumers(name)
    return channels == 1 and name not in part.outputs and bool(readers) and all(
        reader.op in BINARY and geometry_of(graph.tensors[reader.output].shape[1:]).channels > 1 for reader in readers
    )


def made_in_all_lanes(machine: Machine, layer: Layer) -> Layer:
    """Return a convolution of one output channel that computes it in all lanes of a block, which costs nothing."""
    assert layer.weight is not None and layer.parameters is not None
    block, p = machine.block_bytes, layer.parameters
    return dataclasses.replace(
        layer, output=in_all_lanes(layer.output), geometry=dataclasses.replace(layer.geometry, channels=block),
        weight=np.repeat(layer.weight, block, axis=0),
        parameters=ChannelParameters(*(np.repeat(each, block) for each in (p.bias, p.multiplier, p.left, p.right))),
    )


def replicating_layer(machine: Machine, node: Node, source: Source, output: str) -> Layer:
    """Return the layer that writes an activation of one channel into all lanes of a block.

    It is a product with a column of ones: one matrix row a position, where loads would write each lane by itself. The
    factor 1 is exact.
    """
    block = machine.block_bytes
    one, ones = rescale_from_real(1.0), np.ones(block, np.int32)
    parameters = ChannelParameters(0 * ones, one.multiplier * ones, one.left * ones, one.right * ones)
    return Layer(
        f"{node.name} ({output})", (node.name,), Kernel.MATRIX, source, output,
        Geometry(block, source.geometry.height, source.geometry.width), Window(), source.zero_point, INT8_MIN,
        INT8_MAX, 0, np.ones((block, 1, 1, 1), np.int8), parameters, fill=source.zero_point,
    )


def operand_of(value: Value) -> Source:
    """Return how an element-wise operation reads an activation that lies in blocks."""
    return Source(value.name, Layout.BLOCKED, value.geometry, value.zero_point)
