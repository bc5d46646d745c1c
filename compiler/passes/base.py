"""What a pass is, and the two steps that most of them are made of."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from typing import Protocol

from compiler.graph import Graph, Node, Op

AFFINE = (Op.CONV2D, Op.CONV_TRANSPOSE2D, Op.DENSE)
"""The operators that multiply by a weight [outputs, ...] and add a bias [outputs]."""
ACTIVATED = (Op.CONV2D, Op.DENSE, Op.ADD, Op.SUB, Op.MUL)
"""The operators that clamp their output as part of the operation."""


class Pass(Protocol):
    """A frozen dataclass with a name; `apply` returns a new graph and leaves the given one as it is."""

    @property
    def name(self) -> str:
        """The pass's name, as dumps and errors show it."""

    def apply(self, graph: Graph) -> Graph:
        """Return the transformed graph.

        Raises:
            ModelError: the graph cannot be transformed (node, operator and reason named).
        """


def only_consumer(graph: Graph, tensor: str) -> Node | None:
    """Return the node that alone reads a node's output, once; None where several do, or where it is a graph output."""
    readers = graph.reads(tensor)
    return readers[0] if len(readers) == 1 and tensor not in graph.outputs else None


def redirect(nodes: Iterable[Node], names: Mapping[str, str]) -> list[Node]:
    """Return the nodes reading `names[t]` wherever they read tensor `t`."""
    return [replace(node, inputs=tuple(names.get(name, name) for name in node.inputs)) for node in nodes]


def unique_name(wanted: str, taken: Container[str]) -> str:
    """Return `wanted`, or `wanted` with the first free number appended."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name
