"""What the compiler hands over: instructions, memory image, and what a run and a profile need to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.graph import AttributeValue
from machine.config import Machine
from machine.isa import Instruction


@dataclass(frozen=True, slots=True)
class TensorDescriptor:
    """An int8 tensor at the machine's edge, at `address`.

    `layout` is "dense" (the model's own bytes) or "blocked" (C/b, H, W, b), with b the machine's word.
    `host_name` is the model's tensor that the host quantizes from or dequantizes to ("" if there is none).
    """

    name: str
    host_name: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    address: int
    bytes: int
    layout: str = "dense"


@dataclass(frozen=True, slots=True)
class HostOperator:
    """A node that the host executes; `scale` and `zero_point` belong to quantize and dequantize."""

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: tuple[tuple[str, AttributeValue], ...]
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class LayerReport:
    """One layer: the model's nodes in it, its tile, the least cycles of each resource, and the estimate of all.

    `matrix_cycles` is MACs over the array (0 for layers of the vector engine), `vector_cycles` the vector engine's
    reads, `read_cycles` and `write_cycles` the bytes that move over the bus.
    """

    name: str
    nodes: tuple[str, ...]
    kernel: str
    tile: tuple[int, int, int]
    items: int
    macs: int
    matrix_cycles: int
    vector_cycles: int
    read_cycles: int
    write_cycles: int
    estimated_cycles: int
    source: str
    output: str

    @property
    def bound_cycles(self) -> int:
        """What the layer would take alone and without a lost cycle."""
        return max(self.matrix_cycles, self.vector_cycles, self.read_cycles, self.write_cycles)


@dataclass(frozen=True, slots=True, eq=False)
class CompiledProgram:
    """A compiled network.

    `memory` is the image from address 0: instructions, then constants; activations follow, up to `memory_bytes`.
    `layer_of[i]` is the index in `layers` of instruction i, -1 for halt.
    """

    machine: Machine
    instructions: tuple[Instruction, ...]
    layer_of: tuple[int, ...]
    memory: npt.NDArray[np.uint8]
    memory_bytes: int
    inputs: tuple[TensorDescriptor, ...]
    outputs: tuple[TensorDescriptor, ...]
    layers: tuple[LayerReport, ...]
    host_before: tuple[HostOperator, ...]
    host_after: tuple[HostOperator, ...]

    @property
    def node_names(self) -> tuple[str, ...]:
        """The node behind each instruction, "" for halt."""
        return tuple(self.layers[layer].name if layer >= 0 else "" for layer in self.layer_of)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the model on the machine."""
        return sum(layer.macs for layer in self.layers)
