"""What a program file is made of: tensors at the machine's edge, nodes of the model, segments of the accelerator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from machine.isa import Instruction


@dataclass(frozen=True)
class TensorDescriptor:
    """An input or output of the accelerator: dense int8 in the model's own layout at an address in memory.

    `tensor` names it in the quantized graph; `shape` has the batch axis first (the samples of one run).
    """

    tensor: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    address: int

    @property
    def size_bytes(self) -> int:
        """Bytes of the samples of one run."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class NodeRecord:
    """What the profile knows of one node of the source model (or of a group that was fused).

    The cycles are the least that each resource is busy with the node: MACs over the array, reads of the vector engine,
    bytes over the read and the write bus.

    Attributes:
        name: the node's name (of a group the first one's).
        operator: its operator, those of a group joined by "+".
        placement: "accelerator" or "host".
        macs: multiply-accumulates.
        parameters: constants of the model, in elements.
        matrix_cycles: MACs over the array, 0 where the vector engine does the work.
        vector_cycles: reads of the vector engine.
        read_cycles: `read_bytes` at the bus's rate.
        write_cycles: `write_bytes` at the bus's rate.
        kernel: how the accelerator executes it, "" on the host.
        tile: rows, columns and planes of channels that are computed at a time.
        tiles: the number of such tiles.
        read_bytes: bytes that move from memory, weights and parameters included.
        write_bytes: bytes that move to memory.
        expected_cycles: what the compiler's cost model expects of it alone, in cycles of the accelerator; of a node on
            the host the host's time, of a conversion between the two also the way of its bytes.
        reason: why it is on the host; "" on the accelerator, and for conversions between the two.
    """

    name: str
    operator: str
    placement: str
    macs: int = 0
    parameters: int = 0
    matrix_cycles: int = 0
    vector_cycles: int = 0
    read_cycles: int = 0
    write_cycles: int = 0
    kernel: str = ""
    tile: tuple[int, ...] = ()
    tiles: int = 0
    read_bytes: int = 0
    write_bytes: int = 0
    expected_cycles: int = 0
    reason: str = ""

    @property
    def bound_cycles(self) -> int:
        """What the node would take alone and without a lost cycle: the most of its resources' cycles."""
        return bound_of((self,))

    @property
    def bound(self) -> str:
        """The resource whose cycles are the most: "matrix", "vector", "read" or "write"; "" where there are none."""
        cycles = {
            "matrix": self.matrix_cycles, "vector": self.vector_cycles, "read": self.read_cycles,
            "write": self.write_cycles,
        }
        return max(cycles, key=lambda resource: cycles[resource]) if any(cycles.values()) else ""


def bound_of(nodes: Sequence[NodeRecord]) -> int:
    """Return the least cycles of nodes together: the most of the sums of each resource's cycles, 0 for none.

    Nodes overlap, so this may be less than the sum of their own bounds; it is never more than what they take.
    """
    sums = (
        sum(node.matrix_cycles for node in nodes), sum(node.vector_cycles for node in nodes),
        sum(node.read_cycles for node in nodes), sum(node.write_cycles for node in nodes),
    )
    return max(sums)


@dataclass(frozen=True)
class Segment:
    """One run of the machine, from the start register to halt; the host works before and after it.

    Attributes:
        instructions: the segment's instructions, halt last; they also lie in the image at `program_address`.
        program_address: byte address of the first of them.
        instruction_nodes: for each instruction its index in the program's `nodes`, or -1.
        inputs: the tensors that are put into memory before the run.
        outputs: the tensors that are taken out of memory after it.
    """

    instructions: tuple[Instruction, ...]
    program_address: int = 0
    instruction_nodes: tuple[int, ...] = ()
    inputs: tuple[TensorDescriptor, ...] = ()
    outputs: tuple[TensorDescriptor, ...] = ()
