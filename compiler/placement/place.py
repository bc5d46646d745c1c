"""The stage `place`: which nodes of the fused float graph the accelerator executes, and which the host.

What the accelerator can execute stays there, except for what only pays for its crossings: a *region* is a largest set
of such nodes that are connected by tensors between them. A region stays whole if it holds a convolution or a product,
or if no node of the host makes what it reads or reads what it makes. The others - a few cheap nodes beside nodes of the
host - are divided by the cheapest cut (`compiler.placement.cut`). So a network that the accelerator can execute is on
the accelerator whole, however small it is and however fast the host.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

import networkx as nx

from compiler.graph import ON_HOST, PLACEMENT, REASON, Graph, Node, Op, is_on_host
from compiler.passes.legality import verify_fused
from compiler.placement.capability import obstacle
from compiler.placement.cut import Choice, Cut, Flow, cheapest
from compiler.placement.prices import DEFAULT_HOST, HostModel, accelerator_cycles, crossing_cycles, host_cycles
from machine.config import Machine
from machine.errors import CompileError

KEPT = "it is to be kept in float"
CHEAPER = "it costs less there than its tensors' way to the accelerator and back"
ANCHORS = (Op.CONV2D, Op.DENSE)
"""What keeps a region on the accelerator."""


class Policy(StrEnum):
    """What may be on the host."""

    AUTO = "auto"
    ACCELERATOR_ONLY = "accelerator-only"


@dataclass(frozen=True)
class PlacementOptions:
    """How nodes are placed.

    Attributes:
        policy: `auto` places by cost; `accelerator-only` refuses what would be on the host.
        keep_float: names of nodes that are put on the host, in float.
        host: what the host costs.
    """

    policy: Policy = Policy.AUTO
    keep_float: tuple[str, ...] = ()
    host: HostModel = DEFAULT_HOST


DEFAULT_PLACEMENT = PlacementOptions()


@dataclass(frozen=True)
class Placed:
    """The graph with its nodes placed, and the cut that placed them."""

    graph: Graph
    cut: Cut | None


def place(graph: Graph, machine: Machine | None, options: PlacementOptions) -> Placed:
    """Return the graph with the attributes `placement` and `reason` on the nodes of the host.

    Without a machine there are no prices: only what is forced is on the host, and there is no cut.

    Raises:
        CompileError: a name in `keep_float` is no node's, or the policy refuses a node (named, with the reason).
    """
    reasons = forced(graph, machine, options.keep_float)
    if options.policy is Policy.ACCELERATOR_ONLY:
        for name, reason in reasons.items():
            node = graph.node(name)
            raise CompileError(
                f"node '{name}' ({node.operator}): {reason}; the placement '{options.policy}' allows nothing on the "
                "host"
            )
    cut = None
    if machine is not None:
        cut = cheapest(_choices(graph, machine, options.host, reasons), _flows(graph, machine, options.host))
    reasons |= {name: CHEAPER for name in (cut.host if cut is not None else ()) if name not in reasons}
    nodes = [_on_host(node, reasons[node.name]) if node.name in reasons else node for node in graph.nodes()]
    return Placed(graph.replace(nodes=nodes), cut)


def verify_placed(graph: Graph) -> None:
    """Check a placed graph: a fused graph whose nodes are on the host, with a reason, or can be on the accelerator.

    Raises:
        ModelError: a node is not legal where it is (named).
    """
    verify_fused(graph)
    for node in graph.nodes():
        if is_on_host(node):
            node.text(REASON)
        elif (reason := obstacle(graph, node)) is not None:
            raise node.error(reason)


def forced(graph: Graph, machine: Machine | None = None, keep_float: Iterable[str] = ()) -> dict[str, str]:
    """Return the reasons of the nodes that are on the host whatever it costs, by name in the graph's order.

    Without a machine only what no machine can execute is found, and what is kept.

    Raises:
        CompileError: a name in `keep_float` is no node's; close ones are listed.
    """
    kept, names = set(keep_float), [node.name for node in graph.nodes()]
    for name in sorted(kept - set(names)):
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.5) or names[:3]
        raise CompileError(f"no node is called '{name}'; close are {', '.join(repr(each) for each in close)}")
    found: dict[str, str] = {}
    for node in graph.nodes():
        reason = obstacle(graph, node, machine)
        if reason is not None:
            own = node.attributes.get(REASON)
            found[node.name] = own if isinstance(own, str) else reason
        elif node.name in kept:
            found[node.name] = KEPT
    return found


def regions(graph: Graph, host: Iterable[str]) -> list[frozenset[str]]:
    """Return the largest sets of nodes off the host that tensors between them connect."""
    rest = nx.Graph()
    rest.add_nodes_from(name for name in graph.networkx if name not in set(host))
    rest.add_edges_from((a, b) for a, b in graph.networkx.edges() if a in rest and b in rest)
    return [frozenset(region) for region in nx.connected_components(rest)]


def _movable(graph: Graph, host: Iterable[str]) -> frozenset[str]:
    """Return the nodes that the cut may place: those of regions without an anchor beside the host's nodes."""
    host = set(host)
    found: frozenset[str] = frozenset()
    for region in regions(graph, host):
        beside = any({*graph.networkx.predecessors(name), *graph.networkx.successors(name)} & host for name in region)
        if beside and all(graph.node(name).op not in ANCHORS for name in region):
            found |= region
    return found


def _choices(graph: Graph, machine: Machine, host: HostModel, reasons: dict[str, str]) -> list[Choice]:
    movable = _movable(graph, reasons)
    return [
        Choice(
            node.name,
            None if node.name in reasons else accelerator_cycles(graph, machine, node),
            host_cycles(graph, machine, host, node) if node.name in reasons or node.name in movable else None,
        )
        for node in graph.nodes()
    ]


def _flows(graph: Graph, machine: Machine, host: HostModel) -> list[Flow]:
    """Return the tensors between nodes, and between nodes and the host's ends of the graph."""
    flows = []
    for name in (*graph.inputs, *(name for node in graph.nodes() for name in node.outputs)):
        producer, price = graph.producer(name), crossing_cycles(graph, machine, host, name)
        readers: list[str | None] = [reader.name for reader in graph.consumers(name)]
        if name in graph.outputs:
            readers.append(None)
        flows.append(Flow(name, None if producer is None else producer.name, tuple(readers), price, price))
    return flows


def _on_host(node: Node, reason: str) -> Node:
    return replace(node, attributes={**node.attributes, PLACEMENT: ON_HOST, REASON: reason})
