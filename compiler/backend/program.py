"""What the compiler hands over: segments, memory image, and what a run and a profile need to know."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machine.config import Machine
from machine.isa import Instruction
from machine.program import NodeRecord, Segment


@dataclass(frozen=True, slots=True, eq=False)
class CompiledProgram:
    """A compiled network.

    `memory` is the image from address 0: each segment's instructions and constants; activations follow, up to
    `memory_bytes`. The inputs and outputs of `segments` are the tensors at the machine's edge (where the edge is
    blocked, the addresses are those of the blocks). `nodes` are the host's nodes and the accelerator's layers in order
    of execution.
    """

    machine: Machine
    segments: tuple[Segment, ...]
    memory: npt.NDArray[np.uint8]
    memory_bytes: int
    nodes: tuple[NodeRecord, ...]

    @property
    def segment(self) -> Segment:
        """The only segment (ValueError where there are none or several)."""
        (segment,) = self.segments
        return segment

    @property
    def instructions(self) -> tuple[Instruction, ...]:
        """The instructions of the only segment (ValueError where there are none or several)."""
        return self.segment.instructions

    @property
    def layers(self) -> tuple[NodeRecord, ...]:
        """The layers that the accelerator executes."""
        return tuple(node for node in self.nodes if node.placement == "accelerator")
