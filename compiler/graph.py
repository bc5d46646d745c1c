"""The compiler's graph: nodes are operations, edges are tensors.

A `Graph` wraps a `networkx.MultiDiGraph`: each networkx node is named by an operation and carries its `Node`; each
edge carries the name of the tensor that flows along it and the input position it feeds. Tensors, graph inputs and
graph outputs lie in the networkx graph's own attributes, so the networkx graph is the whole graph: take it out with
`Graph.networkx`, hand one in with `Graph.from_networkx`.

A graph is not edited in place; a pass builds a new one with `Graph.build` or `Graph.replace`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import networkx as nx
import numpy.typing as npt

from compiler.graph_dict import node_from_dict, node_to_dict, tensor_from_dict, tensor_to_dict, texts
from compiler.graph_types import (
    BINARY,
    CONVERSIONS,
    HOST_OPS,
    MOVES,
    ON_HOST,
    PLACEMENT,
    REASON,
    AttributeValue,
    Node,
    Op,
    Quantization,
    Tensor,
    is_on_host,
)
from machine.errors import ModelError

__all__ = [
    "BINARY", "CONVERSIONS", "HOST_OPS", "MOVES", "ON_HOST", "PLACEMENT", "REASON", "AttributeValue", "Graph", "Node",
    "Op", "Quantization", "Tensor", "is_on_host",
]

FORMAT_VERSION = 1


class Graph:
    """A directed acyclic graph of operations, with named tensors; see the module's text for its networkx form."""

    def __init__(self, graph: nx.MultiDiGraph) -> None:
        """Wrap a networkx graph that is known to be sound; `from_networkx` is the checked way in."""
        self._graph = graph
        self._producer = {name: node.name for node in self._nodes_unordered() for name in node.outputs}
        self._order: tuple[Node, ...] | None = None
        self._consumers: dict[str, list[Node]] | None = None

    @classmethod
    def build(
        cls, nodes: Iterable[Node], tensors: Iterable[Tensor], inputs: Sequence[str], outputs: Sequence[str],
        verify: bool = True,
    ) -> Graph:
        """Return the graph of `nodes`, verified unless told not to; tensors that nothing refers to are left out.

        Raises:
            ModelError: the parts do not form a graph (see `verify`).
        """
        nodes = tuple(nodes)
        used = {name for node in nodes for name in (*node.inputs, *node.outputs)} | {*inputs, *outputs}
        graph = nx.MultiDiGraph(
            tensors={t.name: t for t in tensors if t.name in used}, inputs=tuple(inputs), outputs=tuple(outputs)
        )
        for node in nodes:
            if node.name in graph:
                raise node.error("another node has the same name")
            graph.add_node(node.name, node=node)
        graph.add_edges_from(_edges(nodes))
        return cls.from_networkx(graph) if verify else cls(graph)

    @classmethod
    def from_networkx(cls, graph: nx.MultiDiGraph) -> Graph:
        """Wrap and verify a networkx graph in the form that `networkx` returns.

        Raises:
            ModelError: an attribute is missing, or the graph is not sound (see `verify`).
        """
        missing = [key for key in ("tensors", "inputs", "outputs") if key not in graph.graph]
        if missing:
            raise ModelError(f"networkx graph: graph attribute '{missing[0]}' is missing")
        for name, data in graph.nodes(data=True):
            if not isinstance(data.get("node"), Node) or data["node"].name != name:
                raise ModelError(f"networkx graph: node '{name}' needs an attribute 'node', a Node of the same name")
        wrapped = cls(graph)
        wrapped.verify()
        return wrapped

    @property
    def networkx(self) -> nx.MultiDiGraph:
        """The networkx graph itself (not a copy)."""
        return self._graph

    @property
    def tensors(self) -> dict[str, Tensor]:
        """All tensors by name."""
        tensors: dict[str, Tensor] = self._graph.graph["tensors"]
        return tensors

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the graph's input tensors."""
        return tuple(self._graph.graph["inputs"])

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the graph's output tensors."""
        return tuple(self._graph.graph["outputs"])

    def nodes(self) -> tuple[Node, ...]:
        """All nodes in topological order, ties broken by the order of insertion."""
        if self._order is None:
            position = {name: index for index, name in enumerate(self._graph)}
            order = nx.lexicographical_topological_sort(self._graph, key=position.__getitem__)
            self._order = tuple(self.node(name) for name in order)
        return self._order

    def node(self, name: str) -> Node:
        """Return the node of that name (KeyError when there is none)."""
        node: Node = self._graph.nodes[name]["node"]
        return node

    def producer(self, tensor: str) -> Node | None:
        """Return the node that writes a tensor, None for graph inputs and constants."""
        name = self._producer.get(tensor)
        return None if name is None else self.node(name)

    def consumers(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read a tensor, in topological order, each once."""
        if self._consumers is None:
            self._consumers = {}
            for node in self.nodes():
                for name in dict.fromkeys(node.inputs):
                    self._consumers.setdefault(name, []).append(node)
        return tuple(self._consumers.get(tensor, ()))

    def reads(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read a node's output, once for each time that they do, in no particular order."""
        edges = self._graph.out_edges(self._producer[tensor], data=True)
        return tuple(self.node(reader) for _, reader, data in edges if data["tensor"] == tensor)

    def replace(
        self,
        *,
        nodes: Iterable[Node] | None = None,
        tensors: Iterable[Tensor] = (),
        inputs: Sequence[str] | None = None,
        outputs: Sequence[str] | None = None,
    ) -> Graph:
        """Return a new graph with other nodes, and with `tensors` added or put in place of those of the same name.

        It is not verified: a pass may replace hundreds of nodes one by one, and is verified when it is done.
        """
        merged = self.tensors | {t.name: t for t in tensors}
        return Graph.build(
            self.nodes() if nodes is None else nodes,
            merged.values(),
            self.inputs if inputs is None else inputs,
            self.outputs if outputs is None else outputs,
            verify=False,
        )

    def verify(self) -> None:
        """Check what holds at every stage; what holds at one stage only is in `compiler.passes.legality`.

        Raises:
            ModelError: a tensor is missing, written twice, never written, of another shape than its data, a cycle, or
                edges that contradict the nodes' inputs and outputs.
        """
        self._verify_tensors()
        self._verify_references()
        expected = {edge[:3]: edge[3] for edge in _edges(self._nodes_unordered())}
        if {edge[:3]: edge[3] for edge in self._graph.edges(keys=True, data=True)} != expected:
            raise ModelError("graph: the edges contradict the nodes' inputs and outputs")
        if not nx.is_directed_acyclic_graph(self._graph):
            cycle = " -> ".join(str(edge[0]) for edge in nx.find_cycle(self._graph))
            raise ModelError(f"graph: the nodes form a cycle: {cycle}")

    def to_dict(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[Any]]]:
        """Return the whole graph as a JSON-able dict and a dict of constant arrays by tensor name (lossless)."""
        header = {
            "version": FORMAT_VERSION,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "nodes": [node_to_dict(node) for node in self.nodes()],
            "tensors": [tensor_to_dict(tensor) for tensor in self.tensors.values()],
        }
        return header, {t.name: t.data for t in self.tensors.values() if t.data is not None}

    @classmethod
    def from_dict(cls, header: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Graph:
        """Return the graph that `to_dict` described.

        Raises:
            ModelError: another version, a missing field or array, or an unsound graph.
        """
        try:
            if header["version"] != FORMAT_VERSION:
                raise ModelError(f"graph: format version {header['version']!r}, expected {FORMAT_VERSION}")
            nodes = [node_from_dict(entry) for entry in header["nodes"]]
            tensors = [tensor_from_dict(entry, arrays) for entry in header["tensors"]]
            return cls.build(nodes, tensors, texts(header["inputs"]), texts(header["outputs"]))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ModelError(f"graph: malformed description ({error})") from error

    def _nodes_unordered(self) -> list[Node]:
        return [data["node"] for _, data in self._graph.nodes(data=True)]

    def _verify_tensors(self) -> None:
        for name, tensor in self.tensors.items():
            if tensor.name != name:
                raise ModelError(f"graph: tensor '{tensor.name}' is listed under the name '{name}'")
            if any(dim < (0 if tensor.is_constant else 1) for dim in tensor.shape):  # constants may be empty
                raise ModelError(f"tensor '{name}': dimensions must be positive, got {tensor.shape}")
            if tensor.data is not None and (tensor.data.shape, str(tensor.data.dtype)) != (tensor.shape, tensor.dtype):
                raise ModelError(
                    f"tensor '{name}' is {tensor.dtype}{list(tensor.shape)}, "
                    f"its data {tensor.data.dtype}{list(tensor.data.shape)}"
                )

    def _verify_references(self) -> None:
        written: set[str] = set(self.inputs)
        for node in self._nodes_unordered():
            for name in (*node.inputs, *node.outputs):
                if name not in self.tensors:
                    raise node.error(f"tensor '{name}' does not exist")
            for name in node.outputs:
                if name in written or self.tensors[name].is_constant:
                    raise node.error(f"tensor '{name}' is written twice, or is a graph input or a constant")
                written.add(name)
        for name in (*self.inputs, *self.outputs):
            if name not in self.tensors:
                raise ModelError(f"graph: input or output '{name}' is not a tensor")
        read = {name for node in self._nodes_unordered() for name in node.inputs} | set(self.outputs)
        for name in sorted(read - written):
            if not self.tensors[name].is_constant:
                raise ModelError(f"tensor '{name}' is read, but no node writes it")


def _edges(nodes: Iterable[Node]) -> list[tuple[str, str, str, dict[str, Any]]]:
    """Edges (producer, consumer, key, data) that the nodes' inputs and outputs imply."""
    nodes = tuple(nodes)
    producer = {name: node.name for node in nodes for name in node.outputs}
    return [
        (producer[tensor], node.name, f"{tensor}:{index}", {"tensor": tensor, "input": index})
        for node in nodes
        for index, tensor in enumerate(node.inputs)
        if tensor in producer
    ]
