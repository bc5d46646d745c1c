"""The parts of a graph: operators, quantization, tensors, nodes (`compiler.graph` gives them to the rest)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy.typing as npt

from machine.errors import ModelError

AttributeValue = int | float | str | tuple[int, ...] | tuple[float, ...]


class Op(StrEnum):
    """The canonical operators. The comment names the stages in which an operator is legal."""

    CONV2D = "conv2d"  # every stage; depthwise is groups == input channels
    DENSE = "dense"  # every stage
    ADD = "add"  # every stage
    SUB = "sub"  # every stage
    MUL = "mul"  # every stage
    MAX_POOL = "max_pool"  # every stage
    AVERAGE_POOL = "average_pool"  # every stage
    RESHAPE = "reshape"  # every stage
    CONCAT = "concat"  # every stage; attribute axis
    SLICE = "slice"  # every stage; attributes starts, stops, steps, one for each axis
    PAD = "pad"  # every stage; attributes pads (all befores, then all afters), value
    TRANSPOSE = "transpose"  # every stage; attribute permutation
    GATHER = "gather"  # every stage; attributes counts, indices (see compiler.gather)
    INTERLEAVE = "interleave"  # every stage; attributes factors, size (see compiler.gather)
    SOFTMAX = "softmax"  # every stage; runs on the host
    ONNX = "onnx"  # every stage; runs on the host; an operator of the model as it is (see compiler.importer.opaque)
    FUNCTION = "function"  # float graph; attribute expression (see compiler.expression)
    TABLE = "table"  # quantized graph: every value is looked up in a constant of 256 entries
    RELU = "relu"  # until fused
    CLIP = "clip"  # until fused
    CONV_TRANSPOSE2D = "conv_transpose2d"  # until divided; weight [CO, CI / groups, KH, KW] like conv2d's
    BATCH_NORMALIZATION = "batch_normalization"  # until folded
    GLOBAL_AVERAGE_POOL = "global_average_pool"  # until canonicalised
    IDENTITY = "identity"  # until canonicalised
    QUANTIZE = "quantize"  # quantized graph; runs on the host
    DEQUANTIZE = "dequantize"  # quantized graph; runs on the host


MOVES = frozenset({Op.CONCAT, Op.SLICE, Op.PAD, Op.TRANSPOSE, Op.GATHER, Op.INTERLEAVE})
"""Operators that only move values: every value of the output is one of an input, or the padding value."""
BINARY = frozenset({Op.ADD, Op.SUB, Op.MUL})
"""Operators of two operands, element by element, which broadcast to each other."""
CONVERSIONS = frozenset({Op.QUANTIZE, Op.DEQUANTIZE})
"""Operators of the host that convert a tensor where it crosses between host and accelerator."""
HOST_OPS = CONVERSIONS | {Op.SOFTMAX, Op.ONNX}
"""Operators that only the host executes."""
REASON = "reason"
"""The attribute that says why a node is on the host."""
PLACEMENT = "placement"
"""The attribute that puts a node of any other operator on the host, in float32: its value is then `ON_HOST`."""
ON_HOST = "host"


@dataclass(frozen=True, slots=True)
class Quantization:
    """Affine quantization, `real = scale * (q - zero_point)`.

    Activations have one scale and `axis` None. Weights and biases have one scale for each index of `axis` and
    `zero_point` 0.

    Raises:
        ModelError: a scale is not a finite positive number, or their count contradicts `axis`.
    """

    scale: tuple[float, ...]
    zero_point: int
    axis: int | None = None

    def __post_init__(self) -> None:
        """Check the scales."""
        if not self.scale or any(not math.isfinite(s) or s <= 0 for s in self.scale):
            raise ModelError(f"quantization scales must be finite and positive, got {self.scale[:4]}")
        if self.axis is None and len(self.scale) != 1:
            raise ModelError(f"quantization without an axis has one scale, got {len(self.scale)}")


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """One value of the graph: `dtype` is a NumPy name, `data` is there for constants only."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: Quantization | None = None
    data: npt.NDArray[Any] | None = None

    @staticmethod
    def constant(name: str, data: npt.NDArray[Any], quantization: Quantization | None = None) -> Tensor:
        """Return a constant tensor with the shape and type of `data`."""
        return Tensor(name, tuple(data.shape), str(data.dtype), quantization, data)

    @property
    def is_constant(self) -> bool:
        """Whether the tensor holds data."""
        return self.data is not None

    @property
    def array(self) -> npt.NDArray[Any]:
        """The constant's data.

        Raises:
            ModelError: the tensor is not a constant.
        """
        if self.data is None:
            raise ModelError(f"tensor '{self.name}' is not a constant")
        return self.data

    @property
    def affine(self) -> Quantization:
        """The tensor's quantization.

        Raises:
            ModelError: the tensor is not quantized.
        """
        if self.quantization is None:
            raise ModelError(f"tensor '{self.name}' is not quantized")
        return self.quantization

    @property
    def scale(self) -> float:
        """The single scale of a quantized activation."""
        return self.affine.scale[0]

    @property
    def zero_point(self) -> int:
        """The zero point of a quantized activation."""
        return self.affine.zero_point


@dataclass(frozen=True, slots=True)
class Node:
    """One operation: names of the tensors it reads and writes, and its attributes."""

    name: str
    op: Op
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Freeze the attributes."""
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))

    def __reduce__(self) -> tuple[type[Node], tuple[object, ...]]:
        """Let nodes be copied deeply and sent to other processes, which a frozen mapping by itself does not."""
        return Node, (self.name, self.op, self.inputs, self.outputs, dict(self.attributes))

    @property
    def output(self) -> str:
        """The name of the node's single output."""
        return self.outputs[0]

    @property
    def operator(self) -> str:
        """What reports call the node's operator: of an `onnx` node the model's own name for it."""
        return self.text("op_type") if self.op is Op.ONNX else self.op.value

    def integer(self, name: str) -> int:
        """Return an integer attribute.

        Raises:
            ModelError: it is missing or not an integer.
        """
        value = self.attributes.get(name)
        if not isinstance(value, int):
            raise self.error(f"attribute '{name}' must be an integer, got {value!r}")
        return value

    def integers(self, name: str) -> tuple[int, ...]:
        """Return an attribute that is a tuple of integers.

        Raises:
            ModelError: it is missing or not a tuple of integers.
        """
        value = self.attributes.get(name)
        if not isinstance(value, tuple):
            raise self.error(f"attribute '{name}' must be a tuple of integers, got {value!r}")
        integers = tuple(v for v in value if isinstance(v, int))
        if len(integers) != len(value):
            raise self.error(f"attribute '{name}' must be a tuple of integers, got {value!r}")
        return integers

    def number(self, name: str) -> float:
        """Return a real attribute.

        Raises:
            ModelError: it is missing or not a number.
        """
        value = self.attributes.get(name)
        if not isinstance(value, int | float):
            raise self.error(f"attribute '{name}' must be a number, got {value!r}")
        return float(value)

    def text(self, name: str) -> str:
        """Return an attribute that is text.

        Raises:
            ModelError: it is missing or not text.
        """
        value = self.attributes.get(name)
        if not isinstance(value, str):
            raise self.error(f"attribute '{name}' must be text, got {value!r}")
        return value

    def error(self, reason: str) -> ModelError:
        """Return an error that names this node and its operator."""
        return ModelError(f"node '{self.name}' ({self.op}): {reason}")


def is_on_host(node: Node) -> bool:
    """Whether the host executes a node: by its operator, or because the attribute `placement` says so."""
    return node.op in HOST_OPS or node.attributes.get(PLACEMENT) == ON_HOST
