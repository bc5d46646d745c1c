"""Remove nodes whose result nothing reads."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.graph import Graph


@dataclass(frozen=True)
class RemoveDead:
    """Keep only the nodes that a graph output depends on."""

    name: str = "remove_dead"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without dead nodes."""
        needed = set(graph.outputs)
        kept = []
        for node in reversed(graph.nodes()):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                kept.append(node)
        return graph.replace(nodes=reversed(kept))
