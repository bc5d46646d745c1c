"""Remove `identity` nodes (Identity and Dropout of the model)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.graph import Graph, Node, Op
from compiler.passes.base import redirect


@dataclass(frozen=True)
class RemoveIdentity:
    """y = identity(x) disappears: readers of y read x; where y is a graph output, x's producer writes y instead."""

    name: str = "remove_identity"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without identities, except from a graph input straight to a graph output."""
        for node in graph.nodes():
            if node.op is Op.IDENTITY:
                graph = _remove(graph, graph.node(node.name))
        return graph


def _remove(graph: Graph, node: Node) -> Graph:
    source, target = node.inputs[0], node.output
    others = [other for other in graph.nodes() if other is not node]
    if target not in graph.outputs:
        return graph.replace(nodes=redirect(others, {target: source}))
    producer = graph.producer(source)
    if producer is None or source in graph.outputs:
        return graph
    renamed = [replace(other, outputs=(target,)) if other is producer else other for other in others]
    return graph.replace(nodes=redirect(renamed, {source: target}))
