"""The tensors of a program that cross between host and accelerator, their bytes and what that is expected to take."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from compiler.graph import Graph, Op
from compiler.placement.prices import transfer_cycles
from machine.errors import ProgramError
from machine.program import Program


class Direction(StrEnum):
    """Which way a tensor goes."""

    TO_ACCELERATOR = "to accelerator"
    TO_HOST = "to host"
    BETWEEN_SEGMENTS = "between segments"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A tensor that crosses.

    Attributes:
        tensor: the int8 tensor's name in the quantized graph.
        direction: which way; between segments the host takes it out of memory and puts it back as it is.
        size_bytes: its int8 values, those of all samples of a run; between segments they move twice.
        expected_cycles: the conversion on the host and the way of the bytes, in cycles of the accelerator.
    """

    tensor: str
    direction: Direction
    size_bytes: int
    expected_cycles: int

    def to_dict(self) -> dict[str, str | int]:
        """Return the stable JSON keys."""
        return {
            "tensor": self.tensor, "direction": str(self.direction), "bytes": self.size_bytes,
            "expected_cycles": self.expected_cycles,
        }


def crossings(program: Program) -> tuple[Crossing, ...]:
    """Return a program's crossings: the conversions of its graph in order, then the tensors between segments.

    Raises:
        ProgramError: a conversion of the graph is none of the program's nodes.
        ModelError: the graph is not sound.
    """
    return (*_converted(program), *_between_segments(program))


def _converted(program: Program) -> Iterator[Crossing]:
    if program.graph is None:
        return
    graph, records = Graph.from_dict(*program.graph), {record.name: record for record in program.nodes}
    for node in graph.nodes():
        if node.op is Op.QUANTIZE:
            tensor, direction = graph.tensors[node.output], Direction.TO_ACCELERATOR
        elif node.op is Op.DEQUANTIZE:
            tensor, direction = graph.tensors[node.inputs[0]], Direction.TO_HOST
        else:
            continue
        if node.name not in records:
            raise ProgramError(f"the graph's node '{node.name}' is none of the program's")
        size_bytes = program.batch * math.prod(tensor.shape)
        yield Crossing(tensor.name, direction, size_bytes, records[node.name].expected_cycles)


def _between_segments(program: Program) -> Iterator[Crossing]:
    for index, segment in enumerate(program.segments):
        later = {entry.tensor for after in program.segments[index + 1 :] for entry in after.inputs}
        for entry in segment.outputs:
            if entry.tensor in later:
                cycles = 2 * transfer_cycles(program.machine, entry.size_bytes)
                yield Crossing(entry.tensor, Direction.BETWEEN_SEGMENTS, entry.size_bytes, cycles)
