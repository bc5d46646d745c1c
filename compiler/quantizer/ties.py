"""Which activations share one quantization, and the rescales that keep that from costing accuracy.

An operator that only moves values, or takes their maximum, gives its output the quantization of its inputs; all of
them are then quantized by the union of their ranges. A narrow input of a concat that other operators read too would
lose steps to that: it is copied by a depthwise 1x1 convolution first, and the copy takes the wide scale.
"""

from __future__ import annotations

from dataclasses import replace

import networkx as nx
import numpy as np

from compiler.graph import Graph, Node, Op, Quantization, is_on_host
from compiler.passes.base import unique_name
from compiler.passes.channelwise import replace_by_channelwise
from compiler.passes.edit import Edit
from compiler.passes.legality import KEEP_QUANTIZATION
from compiler.quantizer.calibration import Ranges, activations
from compiler.quantizer.scheme import activation_quantization

NARROW = 4.0
"""A concat's input whose range is this many times narrower than the output's keeps its own scale for other readers."""


def tied_quantizations(graph: Graph, ranges: Ranges) -> dict[str, Quantization]:
    """Return the quantization of every activation; activations that share one take the union of their ranges."""
    ties = nx.Graph()
    ties.add_nodes_from(activations(graph))
    for node in graph.nodes():
        if node.op in KEEP_QUANTIZATION and not is_on_host(node):
            ties.add_edges_from((node.output, name) for name in node.inputs)
    result: dict[str, Quantization] = {}
    for group in nx.connected_components(ties):
        low, high = min(ranges[name][0] for name in group), max(ranges[name][1] for name in group)
        result |= dict.fromkeys(group, activation_quantization(low, high))
    return result


def separate_narrow_inputs(graph: Graph, ranges: Ranges) -> tuple[Graph, Ranges]:
    """Put a copy before each narrow input of a concat that another kind of operator reads too.

    Returns the graph and the ranges with those of the copies.
    """
    for node in graph.nodes():
        if node.op is Op.CONCAT and not is_on_host(node):
            for name in dict.fromkeys(node.inputs):
                if _loses(graph, node, name, ranges):
                    graph, ranges = _separate(graph, graph.node(node.name), name, ranges)
    return graph, ranges


def _loses(graph: Graph, concat: Node, name: str, ranges: Ranges) -> bool:
    readers = [reader for reader in graph.consumers(name) if not is_on_host(reader)]
    others = [reader for reader in readers if reader.op not in KEEP_QUANTIZATION]
    return bool(others) and _span(ranges[name]) * NARROW < _span(ranges[concat.output])


def _span(limits: tuple[float, float]) -> float:
    return max(limits[1], 0.0) - min(limits[0], 0.0)


def _separate(graph: Graph, concat: Node, name: str, ranges: Ranges) -> tuple[Graph, Ranges]:
    source = graph.tensors[name]
    copy = replace(source, name=unique_name(f"{name}_rescaled", graph.tensors))
    step = Node(unique_name(f"{concat.name}_rescale", graph.networkx), Op.IDENTITY, (name,), (copy.name,))
    reader = replace(concat, inputs=tuple(copy.name if part == name else part for part in concat.inputs))
    nodes = [part for node in graph.nodes() for part in ([step, reader] if node is concat else [node])]
    before = set(graph.tensors)
    ones, zeros = (np.full(source.shape[1], value, np.float32) for value in (1, 0))
    edit = Edit(graph.replace(nodes=nodes, tensors=[copy]))
    replace_by_channelwise(edit, step, ones, zeros, {})
    graph = edit.graph()
    made = [tensor.name for tensor in graph.tensors.values() if tensor.name not in before and not tensor.is_constant]
    return graph, ranges | dict.fromkeys(made, ranges[name])
