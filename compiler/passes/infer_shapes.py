"""Derive every tensor's shape from the graph inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.graph import Graph, Op, Tensor
from compiler.passes.shapes import output_shape


@dataclass(frozen=True)
class InferShapes:
    """Shapes follow from inputs and attributes alone; whatever a tensor was said to be before is replaced.

    What an `onnx` node writes keeps the shape that the importer found.
    """

    name: str = "infer_shapes"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with derived shapes."""
        derived: dict[str, Tensor] = dict(graph.tensors)
        for node in graph.nodes():
            if node.op is Op.ONNX:
                continue
            shape = output_shape(node, [derived[name].shape for name in node.inputs])
            derived[node.output] = replace(derived[node.output], shape=shape)
        return graph.replace(tensors=derived.values())
