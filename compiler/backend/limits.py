"""Limits of the vector engine's kernels: lowering refuses by them, and placement asks them before.

They hold for nodes of the fused float graph as for those of the quantized graph: only shapes and attributes count.
"""

from __future__ import annotations

import numpy as np

from compiler.graph import Graph, Node, Op
from compiler.quantizer.parameters import window_counts
from machine.config import Machine
from machine.isa import FORMATS, Opcode

WINDOW = next(entry.maximum for entry in FORMATS[Opcode.VECTOR].fields if entry.name == "ky_count")
"""Rows, and columns, of the largest window that one instruction goes through."""


def is_depthwise(graph: Graph, node: Node) -> bool:
    """Return whether a node is a convolution whose output channels each read one input channel of their own."""
    if node.op is not Op.CONV2D:
        return False
    groups, weight = node.integer("groups"), graph.tensors[node.inputs[1]]
    return groups > 1 and groups == weight.shape[0] and weight.shape[1] == 1


def most_divisors(machine: Machine) -> int:
    """Return how many different divisors the windows of one average may have: a half of the parameter memory."""
    return machine.parameter_entries // 2


def window_reason(graph: Graph, node: Node) -> str | None:
    """Return why a pool or a depthwise convolution has too large a window, None where it has not, and of others."""
    if node.op in (Op.MAX_POOL, Op.AVERAGE_POOL):
        height, width = node.integers("kernel")
    elif is_depthwise(graph, node):
        height, width = graph.tensors[node.inputs[1]].shape[2:]
    else:
        return None
    return None if max(height, width) <= WINDOW else f"window {height}x{width}; legal is up to {WINDOW}x{WINDOW}"


def divisors_reason(graph: Graph, node: Node, machine: Machine) -> str | None:
    """Return why an average has too many different divisors for a machine, None where it has not, and of others."""
    if node.op is not Op.AVERAGE_POOL:
        return None
    found = len(np.unique(window_counts(node, graph.tensors[node.inputs[0]], graph.tensors[node.output])))
    most = most_divisors(machine)
    return None if found <= most else f"its windows have {found} different divisors; legal are {most}"
