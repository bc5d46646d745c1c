"""What a pass is, and the two steps that most of them are made of."""

from __future__ import annotations

from collections.abc import Collection, Container
from dataclasses import dataclass, field
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


class Readers(Protocol):
    """A graph or an edit of one, as far as who reads what."""

    @property
    def outputs(self) -> Collection[str]:
        """Names of the graph's output tensors."""

    def reads(self, tensor: str) -> tuple[Node, ...]:
        """Return the nodes that read a tensor, once for each time that they do."""


def only_consumer(graph: Readers, tensor: str) -> Node | None:
    """Return the node that alone reads a node's output, once; None where several do, or where it is a graph output."""
    readers = graph.reads(tensor)
    return readers[0] if len(readers) == 1 and tensor not in graph.outputs else None


def unique_name(wanted: str, taken: Container[str]) -> str:
    """Return `wanted`, or `wanted` with the first free number appended."""
    name, number = wanted, 1
    while name in taken:
        number += 1
        name = f"{wanted}_{number}"
    return name


@dataclass(frozen=True)
class Either:
    """What lies in one of two containers, without a union being made of them."""

    first: Container[str]
    second: Container[str]

    def __contains__(self, name: object) -> bool:
        """Whether one of them holds it."""
        return name in self.first or name in self.second


@dataclass
class Names:
    """Unique names without a search from the first number each time: names that were taken or given stay so."""

    taken: Container[str]
    given: set[str] = field(default_factory=set)
    reached: dict[str, int] = field(default_factory=dict)

    def unique(self, wanted: str) -> str:
        """Return `wanted`, or `wanted` with the first free number appended."""
        number = self.reached.get(wanted, 1)
        while (name := wanted if number == 1 else f"{wanted}_{number}") in self.taken or name in self.given:
            number += 1
        self.given.add(name)
        self.reached[wanted] = number + 1
        return name

    def release(self, wanted: str, name: str) -> None:
        """Let a name be given again that was given for `wanted`."""
        self.given.discard(name)
        self.reached.pop(wanted, None)
