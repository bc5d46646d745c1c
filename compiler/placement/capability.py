"""Why the accelerator cannot execute a node of the fused float graph: the rules of later stages, asked early.

The rules are the partition's and the quantized graph's own functions; a function becomes a table when it is quantized.
"""

from __future__ import annotations

from compiler.backend.partition import activations, operator_reason, shape_reason
from compiler.graph import Graph, Node, Op
from compiler.passes.legality import batch_reason


def obstacle(graph: Graph, node: Node) -> str | None:
    """Return why the accelerator cannot execute a node, None where it can."""
    op = Op.TABLE if node.op is Op.FUNCTION else node.op
    reason = operator_reason(op) or batch_reason(graph, node)
    if reason is not None:
        return reason
    found = (shape_reason(op, name, graph.tensors[name].shape) for name in activations(node))
    return next((reason for reason in found if reason is not None), None)
