"""Give the operands of element-wise operators the same number of dimensions, and axes that broadcast one by one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from compiler.graph import BINARY, AttributeValue, Graph, Node, Op, Tensor
from compiler.passes.base import Names

MOST_REPETITIONS = 1 << 12
"""Inputs of the `concat` that repeats an operand along an axis."""


@dataclass(frozen=True)
class AlignOperands:
    """add(x[1, 4, 8], y[1, 8]) becomes add(x, reshape(y)[1, 1, 8]); sub and mul alike, constants are reshaped at once.

    All axes but the batch and the last two are the channels of the machine: an operand has all of them, or one value
    for all. One that has some only is repeated along the others.
    """

    name: str = "align_operands"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph whose element-wise operators have aligned operands."""
        aligner = _Aligner(graph)
        for node in graph.nodes():
            aligner.take(node)
        return graph.replace(nodes=aligner.nodes, tensors=aligner.tensors.values())


@dataclass
class _Aligner:
    """The nodes of the aligned graph, and its new tensors."""

    graph: Graph
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin to give names."""
        self.node_names, self.tensor_names = Names(self.graph.networkx), Names(self.graph.tensors)

    def take(self, node: Node) -> None:
        """Add a node, behind what aligns its operands."""
        if node.op in BINARY:
            shape = self.graph.tensors[node.output].shape
            node = replace(node, inputs=tuple(self._aligned(node, name, shape) for name in node.inputs))
        self.nodes.append(node)

    def _aligned(self, node: Node, name: str, shape: tuple[int, ...]) -> str:
        tensor = self.graph.tensors[name]
        wanted = (1,) * (len(shape) - len(tensor.shape)) + tensor.shape
        repeated = _repeated_axes(wanted, shape)
        if wanted == tensor.shape and not repeated:
            return name
        if tensor.data is not None:
            full = tuple(shape[axis] if axis in repeated else size for axis, size in enumerate(wanted))
            return self._add(f"{name}_aligned", full, np.broadcast_to(tensor.data.reshape(wanted), full).copy())
        if wanted != tensor.shape:
            name = self._step(node, Op.RESHAPE, (name,), wanted, {"shape": wanted})
        if max((shape[axis] for axis in repeated), default=0) > MOST_REPETITIONS:
            raise node.error(f"operand '{name}' would be repeated along axes {repeated} of {list(shape)}; up to "
                             f"{MOST_REPETITIONS} times is supported")
        for axis in repeated:
            wanted = (*wanted[:axis], shape[axis], *wanted[axis + 1 :])
            name = self._step(node, Op.CONCAT, (name,) * shape[axis], wanted, {"axis": axis})
        return name

    def _step(
        self, node: Node, op: Op, inputs: tuple[str, ...], shape: tuple[int, ...],
        attributes: Mapping[str, AttributeValue],
    ) -> str:
        output = self._add(f"{inputs[0]}_aligned", shape)
        self.nodes.append(Node(self.node_names.unique(f"{node.name}_align"), op, inputs, (output,), attributes))
        return output

    def _add(self, wanted: str, shape: tuple[int, ...], data: npt.NDArray[np.float32] | None = None) -> str:
        name = self.tensor_names.unique(wanted)
        self.tensors[name] = Tensor(name, shape, "float32", data=data)
        return name


def _repeated_axes(operand: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """Return the axes along which an operand must be repeated: of its channels it has some, but not all."""
    channels = range(1, len(shape) - 2)
    if math.prod(operand[1 : len(shape) - 2]) == 1:
        return []
    return [axis for axis in channels if operand[axis] == 1 and shape[axis] > 1]
