"""Move clips and functions before the operations that they commute with, so that they meet what makes their input."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from compiler.graph import Graph, Node, Op
from compiler.passes.base import ACTIVATED, only_consumer, unique_name

COMMUTING = {
    Op.CLIP: frozenset({Op.MAX_POOL, Op.RESHAPE, Op.SLICE, Op.TRANSPOSE, Op.GATHER}),
    Op.FUNCTION: frozenset({Op.RESHAPE, Op.SLICE, Op.TRANSPOSE, Op.GATHER}),
}
"""What each of the two may pass: a function need not ascend, so a maximum must come first."""
MEETING = {
    Op.CLIP: frozenset(ACTIVATED),
    Op.FUNCTION: frozenset({Op.CONV2D, Op.DENSE, Op.MUL, Op.MAX_POOL, Op.AVERAGE_POOL}),
}
"""The operations whose last step each can be."""



@dataclass(frozen=True)
class HoistClip:
    """clip(max_pool(x)) becomes max_pool(clip(x)), clip(reshape(x)) becomes reshape(clip(x)): the same values.

    function(reshape(x)) becomes reshape(function(x)) alike, and clip(concat(x, y)) becomes concat(clip(x), clip(y)).
    """

    name: str = "hoist_clip"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with clips and functions moved as far up as they go."""
        for node in graph.nodes():
            if node.op in COMMUTING:
                graph = _hoist(graph, node)
        return graph


def _hoist(graph: Graph, node: Node) -> Graph:
    while (above := _alone(graph, node, node.inputs[0])) is not None and above.op in COMMUTING[node.op]:
        if not _meets(graph, node, node.inputs[0], node.op, MEETING[node.op]):
            return graph
        graph, node = _swap(graph, above, node)
    if above is None or above.op not in (Op.CONCAT, Op.INTERLEAVE):
        return graph
    either = MEETING[Op.CLIP] | MEETING[Op.FUNCTION]  # a clip that meets a pool is a function there
    if not all(_meets(graph, above, name, node.op, either) for name in above.inputs):
        return graph
    graph, parts = _divide(graph, above, node)
    for part in parts:
        graph = _hoist(graph, part)
    return graph


def _meets(graph: Graph, reader: Node, name: str, op: Op, legal: Collection[Op]) -> bool:
    """Whether what the reader alone reads comes, past what `op` may pass, from one of the legal operators."""
    reached = _alone(graph, reader, name)
    while reached is not None and reached.op in COMMUTING[op] and reached.op not in legal:
        reached = _alone(graph, reached, reached.inputs[0])
    return reached is not None and reached.op in legal


def _alone(graph: Graph, reader: Node, name: str) -> Node | None:
    """Return the producer of a node's input, where the node alone reads it."""
    producer = graph.producer(name)
    if producer is None:
        return None
    only = only_consumer(graph, producer.output)
    return producer if only is not None and only.name == reader.name else None


def _swap(graph: Graph, above: Node, clip: Node) -> tuple[Graph, Node]:
    source = graph.tensors[above.inputs[0]]
    between = replace(source, name=unique_name(f"{source.name}_clipped", graph.tensors))
    first = replace(clip, inputs=(source.name,), outputs=(between.name,))
    second = replace(above, inputs=(between.name,), outputs=clip.outputs)
    swapped = {clip.name: second, above.name: first}
    nodes = [swapped.get(node.name, node) for node in graph.nodes()]
    return graph.replace(nodes=nodes, tensors=[between]), first


def _divide(graph: Graph, concat: Node, clip: Node) -> tuple[Graph, list[Node]]:
    """Put a clip of its own behind each input of a concat in place of the one behind it."""
    taken, parts, tensors = dict.fromkeys((*graph.tensors, *graph.networkx)), [], []
    for index, name in enumerate(concat.inputs):
        between, own = (unique_name(wanted, taken) for wanted in (f"{name}_clipped", f"{clip.name}_part"))
        own = clip.name if index == 0 else own
        taken |= {between: None, own: None}
        tensors.append(replace(graph.tensors[name], name=between))
        parts.append(replace(clip, name=own, inputs=(name,), outputs=(between,)))
    joined = replace(concat, inputs=tuple(tensor.name for tensor in tensors), outputs=clip.outputs)
    nodes = [
        made for node in graph.nodes() if node.name != clip.name
        for made in ([*parts, joined] if node.name == concat.name else [node])
    ]
    return graph.replace(nodes=nodes, tensors=tensors), parts
