"""Activations that are dense bytes in another place or order than their maker's: no layer is left of them.

The heads of detectors turn an image into rows of predictions: a transpose to (H, W, C), a reshape, a concat with the
other heads. The store engine writes a block's words, and a word holds the channels of one position side by side, so
the layer that makes the image can store (H, W, C) as it is: its *pixels*. A concat along an axis with nothing before
it is its parts' bytes one after the other, so each part is stored at its place in the concat.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping

from compiler.backend.layers import Value
from compiler.backend.moves import geometry_of
from compiler.graph import Graph, Node, Op
from machine.config import Machine

TO_PIXELS = (0, 2, 3, 1)
"""The permutation of (N, C, H, W) to (N, H, W, C)."""


def is_read_as_bytes(graph: Graph, name: str, body: frozenset[str]) -> bool:
    """Whether what the accelerator (its nodes are `body`) does with a tensor is at most to reshape and to join it."""
    readers = [node for node in graph.consumers(name) if node.name in body]
    return all(
        node.op is Op.CONCAT or (node.op is Op.RESHAPE and is_read_as_bytes(graph, node.output, body))
        for node in readers
    )


def pixels(
    machine: Machine, graph: Graph, node: Node, values: Mapping[str, Value], aliases: Mapping[str, str],
    body: frozenset[str],
) -> Value | None:
    """Return the activation of a transpose that its operand's maker can store, None where a layer must make it."""
    if node.op is not Op.TRANSPOSE or node.integers("permutation") != TO_PIXELS:
        return None
    root = values[aliases[node.inputs[0]]]
    shape, output = graph.tensors[node.inputs[0]].shape[1:], graph.tensors[node.output]
    if not root.is_made or root.geometry != geometry_of(shape) or root.geometry.channels > machine.block_bytes:
        return None
    if not is_read_as_bytes(graph, node.output, body):
        return None
    return Value(node.output, geometry_of(output.shape[1:]), output.zero_point, dense=True, pixels_of=root.name)


def places_in_concat(
    graph: Graph, node: Node, values: Mapping[str, Value], aliases: Mapping[str, str], body: frozenset[str]
) -> dict[str, int]:
    """Return the first byte of each part of a concat whose makers can store into its dense bytes; else nothing.

    A part is a whole activation with no other place, stored to the byte (a single vector is stored in whole words).
    """
    if node.op is not Op.CONCAT or not is_read_as_bytes(graph, node.output, body):
        return {}
    if math.prod(graph.tensors[node.output].shape[1 : node.integer("axis")]) > 1:
        return {}
    places: dict[str, int] = {}
    first = 0
    for name in node.inputs:
        value = values[aliases[name]]
        is_word = value.is_made and value.geometry.height * value.geometry.width == 1
        if not (value.is_made or value.is_bytes) or value.place is not None or value.name in places or is_word:
            return {}
        places[value.name] = first
        first += value.geometry.elements
    return places


def joined(graph: Graph, node: Node) -> Value:
    """Return the activation of a concat whose parts are stored into its dense bytes."""
    output = graph.tensors[node.output]
    return Value(node.output, geometry_of(output.shape[1:]), output.zero_point, dense=True, is_joined=True)


def put(value: Value, concat: str, first: int) -> Value:
    """Return a part of a concat, its dense bytes at the concat's byte `first`."""
    return dataclasses.replace(value, dense=True, place=(concat, first))
