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
        """Return the graph without identities.

        Raises:
            ModelError: an output of the graph is only another name of an input or of another output (node named).
        """
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
        raise node.error(f"output '{target}' is only another name of '{source}': give the model one name for it")
    renamed = [replace(other, outputs=(target,)) if other is producer else other for other in others]
    return graph.replace(nodes=redirect(renamed, {source: target}))
