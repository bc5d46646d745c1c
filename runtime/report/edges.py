"""Which layer reads what which layer computes: the quantized graph's edges between the program's nodes."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.graph import Graph
from machine.program import Program


@dataclass(frozen=True)
class Edge:
    """A tensor on its way from one node of the program to another (indices in `Program.nodes`)."""

    source: int
    target: int
    tensor: str
    shape: tuple[int, ...]


def program_edges(program: Program) -> tuple[Edge, ...]:
    """Return the edges in order of the target, then of its operands; none for a kernel.

    A node of the graph that the compiler fused into another, or made a mere change of addresses, counts as part of the
    last of the nodes whose results it reads; one that reads none (an input's reshape) is passed over.
    """
    if program.graph is None:
        return ()
    graph = Graph.from_dict(*program.graph)
    records = {record.name: index for index, record in enumerate(program.nodes)}
    makers: dict[str, int] = {}
    edges: dict[tuple[int, int], Edge] = {}
    for node in graph.nodes():
        sources = [(name, makers[name]) for name in node.inputs if name in makers]
        target = records.get(node.name, max((maker for _, maker in sources), default=None))
        if target is None:
            continue
        makers.update(dict.fromkeys(node.outputs, target))
        for name, source in sources:
            if source != target:
                edges.setdefault((source, target), Edge(source, target, name, graph.tensors[name].shape))
    return tuple(sorted(edges.values(), key=lambda edge: edge.target))
