"""Why the accelerator cannot execute a node of the fused float graph: the rules of later stages, asked early.

The rules are the functions that the quantized graph, the partition and lowering themselves refuse by; a function
becomes a table when it is quantized.
"""

from __future__ import annotations

from compiler.backend.limits import divisors_reason, window_reason
from compiler.backend.partition import activations, operator_reason, shape_reason
from compiler.graph import Graph, Node, Op
from compiler.passes.legality import batch_reason
from machine.config import Machine


def obstacle(graph: Graph, node: Node, machine: Machine | None = None) -> str | None:
    """Return why the accelerator cannot execute a node, None where it can.

    Without a machine only what no machine can execute is found.
    """
    op = Op.TABLE if node.op is Op.FUNCTION else node.op
    reason = operator_reason(op) or batch_reason(graph, node)
    if reason is not None:
        return reason
    found = (shape_reason(op, name, graph.tensors[name].shape) for name in activations(node))
    reason = next((reason for reason in found if reason is not None), None) or window_reason(graph, node)
    return reason or (None if machine is None else divisors_reason(graph, node, machine))
