"""The bytes that each layer moves over the memory bus, by kind: whole beats, as the hardware counts them.

A line of memory is read or written in bursts of whole beats of the bus (docs/units/memory.md), so a line that does not
begin and end at a multiple of the bus's width moves more bytes than it has.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from accel_sim.time import TimeResult
from machine.config import Machine
from machine.isa import INSTRUCTION_BYTES, Instruction, LoadSpace, Opcode
from machine.program import Program, Segment
from runtime.profile.occupancy import issue_and_retire

ACTIVATIONS, WEIGHTS, PARAMETERS, INSTRUCTIONS, RESULTS = (
    "activations", "weights", "parameters", "instructions", "results"
)
READ_KINDS = (ACTIVATIONS, WEIGHTS, PARAMETERS, INSTRUCTIONS)
"""What is read from memory: activations and a kernel's data; weights (the matrix engine's, and constants that a network
brings to the scratchpad, such as depthwise filters); parameters and tables of the vector engine; the program."""
KINDS = (*READ_KINDS, RESULTS)
"""All kinds; results are what is written."""

Traffic = dict[str, int]
"""Bytes by kind, all of `KINDS`."""


def traffic(program: Program, times: Sequence[TimeResult]) -> tuple[dict[int, Traffic], Traffic]:
    """Return the bytes on the bus of each node that has instructions, and the tail; `times` are those of the segments.

    The tail has the instructions that belong to no node, and the rest of what the hardware counted: what fetch read
    beyond the end, and what instructions moved that an error kept from retiring (reads as "instructions"). So the sum
    over nodes and tail is the hardware's count of beats times the bytes of a beat, exactly.
    """
    nodes: dict[int, Traffic] = {}
    tail = dict.fromkeys(KINDS, 0)
    for segment, time in zip(program.segments, times, strict=True):
        read_bytes, written_bytes = (beats * program.machine.bus_bytes for beats in (time.read_beats, time.write_beats))
        for node, kind, moved_bytes in _moves(program, segment, time):
            of_node = nodes.setdefault(node, dict.fromkeys(KINDS, 0)) if node >= 0 else tail
            of_node[kind] += moved_bytes
            if kind == RESULTS:
                written_bytes -= moved_bytes
            else:
                read_bytes -= moved_bytes
        tail[INSTRUCTIONS] += read_bytes
        tail[RESULTS] += written_bytes
    return nodes, tail


def _moves(program: Program, segment: Segment, time: TimeResult) -> Iterator[tuple[int, str, int]]:
    """Yield node (-1: none), kind and bytes of everything that instructions moved, their own fetch included."""
    issue, retire = issue_and_retire(time, len(segment.instructions))
    nodes = segment.instruction_nodes or (-1,) * len(segment.instructions)
    for index, (instruction, node) in enumerate(zip(segment.instructions, nodes, strict=True)):
        if issue[index] >= 0:
            yield node, INSTRUCTIONS, INSTRUCTION_BYTES
        if retire[index] < 0:
            continue
        kind = _kind(program, instruction)
        if kind:
            yield node, kind, program.machine.bus_bytes * moved_beats(program.machine, instruction)


def _kind(program: Program, instruction: Instruction) -> str:
    """Return what an instruction moves, "" for nothing.

    A network's memory begins with its constants, the image; a kernel does not say what its bytes are.
    """
    match instruction.opcode:
        case Opcode.WEIGHTS:
            return WEIGHTS
        case Opcode.STORE:
            return RESULTS
        case Opcode.LOAD if instruction["space"] != LoadSpace.SCRATCHPAD:
            return PARAMETERS
        case Opcode.LOAD:
            is_constant = program.graph is not None and instruction["memory_address"] < program.image.size
            return WEIGHTS if is_constant else ACTIVATIONS
    return ""


def moved_beats(machine: Machine, instruction: Instruction) -> int:
    """Return the beats that an instruction moves over the bus, its own fetch not included."""
    match instruction.opcode:
        case Opcode.WEIGHTS:
            return instruction["tiles"] * machine.tile_beats
        case Opcode.STORE:
            line_bytes = instruction["words"] * instruction["window_bytes"]
        case Opcode.LOAD if instruction["line_bytes"]:
            line_bytes = instruction["line_bytes"]
        case _:
            return 0
    loops = tuple(
        (instruction[f"count{i}"], instruction[f"memory_stride{i}"] % machine.bus_bytes) for i in (1, 2, 3)
    )
    return _line_beats(machine.bus_bytes, instruction["memory_address"] % machine.bus_bytes, loops, line_bytes)


@lru_cache(maxsize=1 << 12)
def _line_beats(bus_bytes: int, first: int, loops: tuple[tuple[int, int], ...], line_bytes: int) -> int:
    """Return the beats of lines that begin at `first` plus all sums of loops of (count, stride) bytes.

    Bursts are cut at multiples of a beat, so the beats of a line depend on where in a beat it begins only, and wrapping
    addresses change nothing.
    """
    lines = np.zeros(bus_bytes, np.int64)
    lines[first] = 1
    for count, stride in loops:
        period = bus_bytes // math.gcd(bus_bytes, stride)
        whole, rest = divmod(count, period)
        steps = range(min(count, period))
        lines = sum((np.roll(lines, step * stride) * (whole + (step < rest)) for step in steps), np.zeros_like(lines))
    return int(lines @ -(-(np.arange(bus_bytes) + line_bytes) // bus_bytes))
