"""Evaluate what depends on constants only."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.graph import Graph, Node, Tensor
from compiler.importer.float_session import run_float_graph


@dataclass(frozen=True)
class FoldConstants:
    """A node all of whose inputs are constants is run by ONNX Runtime, and its result becomes a constant."""

    name: str = "fold_constants"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without nodes that depend on constants only."""
        constant = {tensor.name for tensor in graph.tensors.values() if tensor.is_constant}
        folded: list[Node] = []
        for node in graph.nodes():
            if constant.issuperset(node.inputs):
                folded.append(node)
                constant.update(node.outputs)
        if not folded:
            return graph
        results = [name for node in folded for name in node.outputs]
        values = run_float_graph(Graph.build(folded, graph.tensors.values(), (), results), {})
        gone = {node.name for node in folded}
        kept = [node for node in graph.nodes() if node.name not in gone]
        return graph.replace(nodes=kept, tensors=[Tensor.constant(name, data) for name, data in values.items()])
