"""Nodes that only the host can execute, whatever the policy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from compiler.graph import ON_HOST, PLACEMENT, Graph, Node, is_on_host
from compiler.passes.legality import batch_reason

REASON = "reason"
"""The attribute that says why a node is on the host."""


def forced_reasons(graph: Graph) -> dict[str, str]:
    """Return why the accelerator cannot execute nodes of a fused float graph, by node name; host nodes are left out."""
    found = {node.name: batch_reason(graph, node) for node in graph.nodes() if not is_on_host(node)}
    return {name: reason for name, reason in found.items() if reason is not None}


def put_on_host(graph: Graph, reasons: Mapping[str, str]) -> Graph:
    """Return the graph with nodes on the host, for the given reasons by node name."""
    return graph.replace(nodes=[_moved(node, reasons[node.name]) if node.name in reasons else node
                                for node in graph.nodes()])


def _moved(node: Node, reason: str) -> Node:
    return replace(node, attributes={**node.attributes, PLACEMENT: ON_HOST, REASON: reason})
