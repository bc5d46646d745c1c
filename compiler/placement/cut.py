"""The cheapest placement of nodes on two processors, as a minimum cut.

The construction is Stone's ("Multiprocessor Scheduling with the Aid of Network Flow Algorithms", IEEE Transactions on
Software Engineering SE-3(1), 1977), with tensors in place of his pairs of modules. The source stands for the
accelerator and the sink for the host; a node is where its side of the cut is. An arc costs its capacity when it leads
from the accelerator's side to the host's:

- source -> node: the price of the node on the host; node -> sink: its price on the accelerator. A node that has one
  side only has an arc without a limit, which no cut of finite cost holds.
- A tensor is paid for once for each direction, however many nodes read it. To the host: an arc of the price leads from
  its producer to a vertex of its own, and arcs without a limit lead from there to every reader, so that the vertex is
  on the host's side as soon as one reader is. To the accelerator: arcs without a limit lead from every reader to
  another vertex, and an arc of the price from there to the producer.

Prices are integers, so that a cut's cost is exact. Of several cheapest placements the one with the most nodes on the
accelerator is taken; there is one such (the cheapest cuts are closed under union), whatever way the flow was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx

from machine.errors import CompileError

Vertex = tuple[str, str]
"""What a vertex is ("side", "node", "to host", "to accelerator"), and the name of the node or tensor."""
ACCELERATOR: Vertex = ("side", "accelerator")
HOST: Vertex = ("side", "host")


@dataclass(frozen=True, slots=True)
class Choice:
    """A node and what it costs on either side, in cycles; None where it cannot be there."""

    name: str
    accelerator: int | None
    host: int | None


@dataclass(frozen=True, slots=True)
class Flow:
    """A tensor that may cross: who makes it, who reads it (None: the host itself), and its price each way in cycles."""

    tensor: str
    producer: str | None
    readers: tuple[str | None, ...]
    to_host: int
    to_accelerator: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The cheapest placement: the graph that was cut, the names of the host's nodes, and the cost in cycles."""

    graph: nx.DiGraph
    host: frozenset[str]
    cost: int

    def text(self) -> str:
        """Return vertices with their sides and arcs with their capacities, a line each, in the order they were made."""
        lines = [f"cost {self.cost}"]
        lines += [f"{_name(vertex)}: {data['side']}" for vertex, data in self.graph.nodes(data=True)]
        for tail, head, data in self.graph.edges(data=True):
            is_cut = (self.graph.nodes[tail]["side"], self.graph.nodes[head]["side"]) == ("accelerator", "host")
            capacity = data.get("capacity", "no limit")
            lines.append(f"{_name(tail)} -> {_name(head)}: {capacity}{', cut' if is_cut else ''}")
        return "\n".join(lines) + "\n"


def cheapest(choices: Sequence[Choice], flows: Iterable[Flow]) -> Cut:
    """Return the placement of least cost, the one with the most nodes on the accelerator where several cost the least.

    Raises:
        CompileError: a node can be on neither side, or a price is negative (node or tensor named).
    """
    graph = nx.DiGraph()
    graph.add_nodes_from((ACCELERATOR, HOST))
    for choice in choices:
        _add_choice(graph, choice)
    for flow in flows:
        _add_flow(graph, flow)
    cost, (accelerator, host) = nx.minimum_cut(graph, ACCELERATOR, HOST)
    for side, vertices in (("accelerator", accelerator), ("host", host)):
        for vertex in vertices:
            graph.nodes[vertex]["side"] = side
    return Cut(graph, frozenset(name for kind, name in host if kind == "node"), int(cost))


def cost_of(choices: Iterable[Choice], flows: Iterable[Flow], host: frozenset[str]) -> int | None:
    """Return what a placement costs, straight from the prices; None where a node cannot be where it is."""
    total = 0
    for choice in choices:
        price = choice.host if choice.name in host else choice.accelerator
        if price is None:
            return None
        total += price
    for flow in flows:
        made_on_host = flow.producer is None or flow.producer in host
        read_on_host = {reader is None or reader in host for reader in flow.readers}
        if made_on_host and False in read_on_host:
            total += flow.to_accelerator
        if not made_on_host and True in read_on_host:
            total += flow.to_host
    return total


def _add_choice(graph: nx.DiGraph, choice: Choice) -> None:
    if choice.accelerator is None and choice.host is None:
        raise CompileError(f"node '{choice.name}': neither the accelerator nor the host can execute it")
    if min(choice.accelerator or 0, choice.host or 0) < 0:
        raise CompileError(f"node '{choice.name}': prices must not be negative, got {choice}")
    vertex = ("node", choice.name)
    _add_arc(graph, ACCELERATOR, vertex, choice.host)
    _add_arc(graph, vertex, HOST, choice.accelerator)


def _add_flow(graph: nx.DiGraph, flow: Flow) -> None:
    if min(flow.to_host, flow.to_accelerator) < 0:
        raise CompileError(f"tensor '{flow.tensor}': prices must not be negative, got {flow}")
    producer, readers = _vertex(flow.producer), dict.fromkeys(_vertex(reader) for reader in flow.readers)
    to_host, to_accelerator = ("to host", flow.tensor), ("to accelerator", flow.tensor)
    if producer != HOST:
        _add_arc(graph, producer, to_host, flow.to_host)
        for reader in readers:
            _add_arc(graph, to_host, reader, None)
    _add_arc(graph, to_accelerator, producer, flow.to_accelerator)
    for reader in readers:
        if reader != HOST:
            _add_arc(graph, reader, to_accelerator, None)


def _add_arc(graph: nx.DiGraph, tail: Vertex, head: Vertex, capacity: int | None) -> None:
    """Add an arc; one without a capacity has no limit, as networkx has it."""
    graph.add_edge(tail, head, **({} if capacity is None else {"capacity": capacity}))


def _vertex(name: str | None) -> Vertex:
    return HOST if name is None else ("node", name)


def _name(vertex: Vertex) -> str:
    return f"{vertex[0]} '{vertex[1]}'"
