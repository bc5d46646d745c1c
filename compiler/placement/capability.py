"""Why the accelerator cannot execute a node of the fused float graph: the rules of the partition, before it is reached.

The rules are the partition's own functions; a function becomes a table when it is quantized, and is looked up as one.
"""

from __future__ import annotations

from compiler.backend.partition import activations, operator_reason, shape_reason
from compiler.graph import Graph, Node, Op


def obstacle(graph: Graph, node: Node) -> str | None:
    """Return why the accelerator cannot execute a node, None where it can."""
    op = Op.TABLE if node.op is Op.FUNCTION else node.op
    reason = operator_reason(op)
    if reason is not None:
        return reason
    for name in activations(node):
        tensor = graph.tensors[name]
        reason = shape_reason(op, name, tensor.shape)
        if reason is not None:
            return reason
    if node.op is Op.TRANSPOSE and node.integers("permutation")[0] != 0:
        return f"permutation {list(node.integers('permutation'))} moves the batch"
    if node.op is Op.CONCAT and node.integer("axis") == 0:
        return "axis 0 is the batch"
    return None
