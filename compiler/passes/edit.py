"""A graph while a pass changes it node by node: a change costs what it touches, not what the graph holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from compiler.graph import Graph, Node, Tensor
from compiler.passes.base import unique_name


class Edit:
    """A copy of a graph to be edited; `graph` returns the result.

    Nodes stand where those stood that they replace, which decides the order of nodes that do not depend on each other.
    Tensors that nothing refers to any more are forgotten.
    """

    def __init__(self, graph: Graph) -> None:
        """Begin with a graph, which stays as it is."""
        self._graph = graph
        self.outputs = frozenset(graph.outputs)
        self.tensors: dict[str, Tensor] = dict(graph.tensors)
        self._nodes = {node.name: node for node in graph.nodes()}
        self._places: dict[str, list[str]] = {name: [name] for name in self._nodes}
        self._place_of = {name: name for name in self._nodes}
        self._producers = {name: node.name for node in self._nodes.values() for name in node.outputs}
        self._readers: dict[str, Counter[str]] = {}
        for node in self._nodes.values():
            self._add_reads(node)

    def __contains__(self, name: object) -> bool:
        """Whether a node has the name."""
        return name in self._nodes

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes as they stand now, each in its place."""
        return tuple(self._nodes[name] for names in self._places.values() for name in names)

    def node(self, name: str) -> Node:
        """Return the node of that name (KeyError when there is none)."""
        return self._nodes[name]

    def producer(self, tensor: str) -> Node | None:
        """Return the node that writes a tensor, None for graph inputs and constants."""
        name = self._producers.get(tensor)
        return None if name is None else self._nodes[name]

    def reads(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read a tensor, once for each time that they do."""
        return tuple(self._nodes[name] for name in self._readers.get(tensor, Counter()).elements())

    def unique_tensor(self, wanted: str) -> str:
        """Return the name, with a number appended where a tensor has it."""
        return unique_name(wanted, self.tensors)

    def unique_node(self, wanted: str) -> str:
        """Return the name, with a number appended where a node has it."""
        return unique_name(wanted, self)

    def replace(self, node: Node, made: Sequence[Node], tensors: Iterable[Tensor] = (), *others: Node) -> None:
        """Put nodes in the place of one, with new tensors, and take others away."""
        for gone in (node, *others):
            self._remove_links(gone)
        at = self._places[self._place_of[node.name]]
        index, place = at.index(node.name), self._place_of[node.name]
        for gone in (node, *others):
            self._places[self._place_of.pop(gone.name)].remove(gone.name)
            del self._nodes[gone.name]
        at[index:index] = [new.name for new in made]
        self.tensors |= {tensor.name: tensor for tensor in tensors}
        for new in made:
            self._place_of[new.name] = place
            self._add(new)
        self._forget(name for gone in (node, *others) for name in (*gone.inputs, *gone.outputs))

    def exchange(self, nodes: Mapping[str, Node], tensors: Iterable[Tensor] = ()) -> None:
        """Put `nodes[n]` where node `n` stands, for several at once that may take each other's names."""
        gone = [self._nodes[name] for name in nodes]
        for node in gone:
            self._remove_links(node)
        self.tensors |= {tensor.name: tensor for tensor in tensors}
        places = [(at, at.index(name)) for name in nodes for at in [self._places[self._place_of[name]]]]
        homes = [self._place_of.pop(name) for name in nodes]
        for node in gone:
            del self._nodes[node.name]
        for (at, index), home, new in zip(places, homes, nodes.values(), strict=True):
            at[index] = new.name
            self._place_of[new.name] = home
            self._add(new)
        self._forget(name for node in gone for name in (*node.inputs, *node.outputs))

    def remove(self, node: Node) -> None:
        """Take a node away."""
        self.replace(node, ())

    def redirect(self, names: Mapping[str, str]) -> None:
        """Let the nodes read `names[t]` wherever they read tensor `t`."""
        for old in names:
            for name in list(self._readers.get(old, ())):
                reader = self._nodes[name]
                self.replace(reader, [replace(reader, inputs=tuple(names.get(n, n) for n in reader.inputs))])

    def prune(self, tensors: Iterable[str]) -> None:
        """Take away the nodes that wrote tensors which nothing reads, and in turn what only they read."""
        waiting = list(tensors)
        while waiting:
            node = self.producer(waiting.pop())
            if node is not None and not any(name in self.outputs or self._readers.get(name) for name in node.outputs):
                self.remove(node)
                waiting += node.inputs

    def graph(self) -> Graph:
        """Return the graph as it stands now."""
        return self._graph.replace(nodes=self.nodes(), tensors=self.tensors.values())

    def _add(self, node: Node) -> None:
        self._nodes[node.name] = node
        self._producers |= dict.fromkeys(node.outputs, node.name)
        self._add_reads(node)

    def _add_reads(self, node: Node) -> None:
        for name in node.inputs:
            self._readers.setdefault(name, Counter())[node.name] += 1

    def _remove_links(self, node: Node) -> None:
        for name in node.inputs:
            self._readers[name].pop(node.name, None)
        for name in node.outputs:
            self._producers.pop(name, None)

    def _forget(self, names: Iterable[str]) -> None:
        for name in names:
            used = self._readers.get(name) or name in self._producers or name in self.outputs
            if not used and name not in self._graph.inputs:
                self.tensors.pop(name, None)
                self._readers.pop(name, None)
