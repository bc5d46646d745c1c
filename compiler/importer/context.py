"""What the operator handlers work with: one ONNX node as Python values, and the graph under construction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import onnx

from compiler.graph import AttributeValue, Graph, Node, Op, Tensor
from compiler.passes.base import Names
from compiler.passes.shapes import output_shape
from machine.errors import ModelError

MOST_NUMBERS = 1 << 20
"""Numbers that an operand may have of which each says something: sizes, axes, indices."""
AnyArray = npt.NDArray[Any]
T = TypeVar("T")


@dataclass(frozen=True)
class OnnxNode:
    """An ONNX node with a unique name and its attributes as Python values (bytes decoded)."""

    name: str
    op_type: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: onnx.NodeProto

    @staticmethod
    def of(proto: onnx.NodeProto, name: str) -> OnnxNode:
        """Read an ONNX node.

        Raises:
            ModelError: an attribute has no type, or one that is not known.
        """
        try:
            values = {a.name: onnx.helper.get_attribute_value(a) for a in proto.attribute}
        except ValueError as error:
            raise ModelError(f"node '{name}' ({proto.op_type}): an attribute cannot be read: {error}") from None
        decoded = {key: v.decode(errors="replace") if isinstance(v, bytes) else v for key, v in values.items()}
        return OnnxNode(name, proto.op_type, tuple(proto.input), tuple(proto.output), decoded, proto)

    def error(self, reason: str) -> ModelError:
        """Return an error that names this node and its operator."""
        return ModelError(f"node '{self.name}' ({self.op_type}): {reason}")

    def integer(self, name: str, default: int) -> int:
        """Return an integer attribute."""
        return self._converted(name, default, int, "an integer")

    def number(self, name: str, default: float) -> float:
        """Return a real attribute."""
        return self._converted(name, default, float, "a number")

    def _converted(self, name: str, default: T, kind: Callable[[Any], T], needed: str) -> T:
        """Return an attribute as a kind of value.

        Raises:
            ModelError: it is of another kind.
        """
        value = self.attributes.get(name, default)
        try:
            return kind(value)
        except (TypeError, ValueError, OverflowError):
            raise self.error(f"attribute '{name}' is {value!r}; {needed} is needed") from None

    def text(self, name: str, default: str) -> str:
        """Return a text attribute."""
        return str(self.attributes.get(name, default))

    def integers(self, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
        """Return an attribute that is a list of integers."""
        return self._converted(name, default, lambda values: tuple(int(v) for v in values), "a list of integers")

    def has_input(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.inputs) and self.inputs[index] != ""


@dataclass(frozen=True, slots=True)
class Mark:
    """How many tensors, nodes, names of other outputs and names that were given there were."""

    tensors: int
    nodes: int
    extra_outputs: int
    given: int


@dataclass
class Context:
    """The graph under construction: tensors by ONNX name, and nodes in the model's order."""

    opset: int
    versions: Mapping[str, int]
    """The version of each domain of operators, the standard one's ("") is the opset."""
    tensors: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    extra_outputs: dict[str, str] = field(default_factory=dict)
    batch: int = 1
    """Samples that the model's own shapes are for; those of the graph are for one."""
    constant_bytes: int = 0
    """Bytes of the constants that have been computed so far."""
    model_names: frozenset[str] = frozenset()
    """Names of the model's own tensors, which no other tensor may take."""

    def __post_init__(self) -> None:
        """Begin to give names."""
        self._node_names = Names(frozenset())
        self._tensor_names = Names(self)
        self._given: list[tuple[Names, str, str]] = []

    def __contains__(self, name: object) -> bool:
        """Whether a tensor has the name, of the graph or of the model."""
        return name in self.tensors or name in self.model_names

    def mark(self) -> Mark:
        """Return what has been made up to now, for `undo`."""
        return Mark(len(self.tensors), len(self.nodes), len(self.extra_outputs), len(self._given))

    def undo(self, mark: Mark) -> None:
        """Take away all that has been made since a mark."""
        while len(self.tensors) > mark.tensors:
            self.tensors.popitem()
        while len(self.extra_outputs) > mark.extra_outputs:
            self.extra_outputs.popitem()
        del self.nodes[mark.nodes :]
        while len(self._given) > mark.given:
            names, wanted, name = self._given.pop()
            names.release(wanted, name)

    def tensor(self, node: OnnxNode, index: int) -> Tensor:
        """Return an input of a node.

        Raises:
            ModelError: the input is not given, or nothing that is supported writes it.
        """
        if not node.has_input(index):
            raise node.error(f"input {index} is missing")
        name = node.inputs[index]
        if name in self.extra_outputs:
            raise node.error(f"reads '{name}', {self.extra_outputs[name]}, which is not supported")
        if name not in self.tensors:
            raise node.error(f"input '{name}' is written by no earlier node")
        return self.tensors[name]

    def activation(self, node: OnnxNode, index: int = 0) -> Tensor:
        """Return a float32 input that is not a constant.

        Raises:
            ModelError: it is a constant or of another type.
        """
        tensor = self.tensor(node, index)
        if tensor.is_constant:
            raise node.error(f"input '{tensor.name}' is a constant; only a run-time tensor is supported there")
        if tensor.dtype != "float32":
            raise node.error(f"input '{tensor.name}' is {tensor.dtype}; only float32 is supported")
        return tensor

    def constant(self, node: OnnxNode, index: int, what: str) -> AnyArray:
        """Return the data of an input that must be a constant.

        Raises:
            ModelError: it is computed at run time, or holds NaN or infinity.
        """
        tensor = self.tensor(node, index)
        if tensor.data is None:
            raise node.error(f"the {what} '{tensor.name}' is computed at run time; only a constant is supported")
        return tensor.data

    def integers(self, node: OnnxNode, index: int, what: str) -> list[int]:
        """Return the numbers of an input that must be a constant of integers, in order.

        Raises:
            ModelError: it is computed at run time, holds anything else, or more than `MOST_NUMBERS`.
        """
        data = self.constant(node, index, what)
        if data.dtype.kind not in "iu" or data.size > MOST_NUMBERS:
            raise node.error(f"the {what} '{node.inputs[index]}' is {data.dtype} of {data.size} values; only up to "
                             f"{MOST_NUMBERS} integers are supported")
        return [int(value) for value in data.reshape(-1)]

    def number(self, node: OnnxNode, index: int, what: str) -> float:
        """Return the value of an input that must be a constant of one number (a truth value is 0 or 1).

        Raises:
            ModelError: it is computed at run time, or is not one number.
        """
        data = self.constant(node, index, what)
        if data.dtype.kind not in "fiub" or data.size != 1:
            raise node.error(f"the {what} '{node.inputs[index]}' is {data.dtype} of shape {list(data.shape)}; only one "
                             "number is supported")
        return float(data.reshape(()))

    def weight(self, node: OnnxNode, index: int, what: str) -> AnyArray:
        """Return the data of an input that must be a finite float32 constant.

        Raises:
            ModelError: it is computed at run time, is not float32, or holds NaN or infinity.
        """
        data = self.constant(node, index, what)
        if data.dtype != np.float32:
            raise node.error(f"the {what} '{node.inputs[index]}' is {data.dtype}; only float32 is supported")
        if not np.isfinite(data).all():
            raise node.error(f"the {what} '{node.inputs[index]}' holds NaN or infinity")
        return data

    def emit(
        self,
        node: OnnxNode,
        op: Op,
        x: Tensor,
        operands: Mapping[str, AnyArray] | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        second: Tensor | None = None,
        others: Sequence[Tensor] = (),
    ) -> None:
        """Add the operation that writes the node's first output: `x`, `second`, `others` and constants are its inputs.
        """
        self.emit_as(node, node.outputs[0], op, x, operands, attributes, second=second, others=others)
        self.extra_outputs |= {name: f"output {i + 1} of node '{node.name}' ({node.op_type})"
                               for i, name in enumerate(node.outputs[1:], start=1) if name}

    def emit_as(
        self,
        node: OnnxNode,
        output: str,
        op: Op,
        x: Tensor,
        operands: Mapping[str, AnyArray] | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        second: Tensor | None = None,
        others: Sequence[Tensor] = (),
    ) -> Tensor:
        """Add one operation of several that a node becomes, and return the tensor it writes."""
        name = self.unique_node_name(node.name)
        constants = [
            Tensor.constant(self.unique_tensor_name(f"{name}_{role}"), np.ascontiguousarray(data))
            for role, data in (operands or {}).items()
        ]
        inputs = [x, *([] if second is None else [second]), *others, *constants]
        for tensor in inputs:
            if tensor.dtype != "float32":
                raise node.error(f"input '{tensor.name}' is {tensor.dtype}; only float32 is supported")
        made = Node(name, op, tuple(t.name for t in inputs), (output,), attributes or {})
        try:
            shape = output_shape(made, [t.shape for t in inputs])
        except ModelError as error:
            raise node.error(str(error).removeprefix(str(made.error("")))) from error
        result = Tensor(output, shape, "float32")
        self.nodes.append(made)
        self.tensors |= {t.name: t for t in (*constants, result)}
        return result

    def unique_node_name(self, wanted: str) -> str:
        """Return the name, with a number appended where another node has it."""
        return self._give(self._node_names, wanted)

    def unique_tensor_name(self, wanted: str) -> str:
        """Return the name, with a number appended where a tensor has it or had it."""
        return self._give(self._tensor_names, wanted)

    def _give(self, names: Names, wanted: str) -> str:
        name = names.unique(wanted)
        self._given.append((names, wanted, name))
        return name

    def graph(self, inputs: list[str], outputs: list[str]) -> Graph:
        """Return the finished graph."""
        return Graph.build(self.nodes, self.tensors.values(), inputs, outputs)
