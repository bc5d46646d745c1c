"""What the compiler hands over: instructions, memory image, and what a run and a profile need to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from compiler.graph import Node
from machine.config import Machine
from machine.isa import Instruction
from machine.program import NodeRecord, TensorDescriptor


@dataclass(frozen=True, slots=True, eq=False)
class CompiledProgram:
    """A compiled network.

    `memory` is the image from address 0: instructions, then constants; activations follow, up to `memory_bytes`.
    `inputs` and `outputs` are the tensors at the machine's edge (where the edge is blocked, the addresses are those of
    the blocks). `layer_of[i]` is the index in `layers` of instruction i, -1 for halt. `host_before` and
    `host_after` are the nodes that the host executes.
    """

    machine: Machine
    instructions: tuple[Instruction, ...]
    layer_of: tuple[int, ...]
    memory: npt.NDArray[np.uint8]
    memory_bytes: int
    inputs: tuple[TensorDescriptor, ...]
    outputs: tuple[TensorDescriptor, ...]
    layers: tuple[NodeRecord, ...]
    host_before: tuple[Node, ...]
    host_after: tuple[Node, ...]

    @property
    def node_names(self) -> tuple[str, ...]:
        """The node behind each instruction, "" for halt."""
        return tuple(self.layers[layer].name if layer >= 0 else "" for layer in self.layer_of)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the model on the machine."""
        return sum(layer.macs for layer in self.layers)
