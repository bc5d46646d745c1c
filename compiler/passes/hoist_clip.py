"""Move clips and functions before the operations that they commute with, so that they meet what makes their input."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.graph import Graph, Node, Op
from compiler.passes.base import ACTIVATED, only_consumer, unique_name

COMMUTING = {
    Op.CLIP: frozenset({Op.MAX_POOL, Op.RESHAPE, Op.SLICE, Op.TRANSPOSE}),
    Op.FUNCTION: frozenset({Op.RESHAPE, Op.SLICE, Op.TRANSPOSE}),
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

    function(reshape(x)) becomes reshape(function(x)) alike.
    """

    name: str = "hoist_clip"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with clips and functions moved as far up as they go."""
        for node in graph.nodes():
            while node.op in COMMUTING and (above := _above(graph, node)) is not None:
                graph, node = _swap(graph, above, node)
        return graph


def _above(graph: Graph, clip: Node) -> Node | None:
    """Return the node that the clip may pass, where it can reach an operation that takes it as its last step."""
    above = _alone(graph, clip)
    if above is None or above.op not in COMMUTING[clip.op]:
        return None
    reached: Node | None = above
    while reached is not None and reached.op in COMMUTING[clip.op]:
        reached = _alone(graph, reached)
    return above if reached is not None and reached.op in MEETING[clip.op] else None


def _alone(graph: Graph, reader: Node) -> Node | None:
    """Return the producer of a node's first input, where the node alone reads it."""
    producer = graph.producer(reader.inputs[0])
    return producer if producer is not None and only_consumer(graph, producer.output) is reader else None


def _swap(graph: Graph, above: Node, clip: Node) -> tuple[Graph, Node]:
    source = graph.tensors[above.inputs[0]]
    between = replace(source, name=unique_name(f"{source.name}_clipped", graph.tensors))
    first = replace(clip, inputs=(source.name,), outputs=(between.name,))
    second = replace(above, inputs=(between.name,), outputs=clip.outputs)
    swapped = {clip.name: second, above.name: first}
    nodes = [swapped.get(node.name, node) for node in graph.nodes()]
    return graph.replace(nodes=nodes, tensors=[between]), first
