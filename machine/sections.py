"""What instructions have to do at least, and the sections of a kernel: the parts that a profile shows as layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from fractions import Fraction

from machine.config import Machine
from machine.errors import ProgramError
from machine.isa import Instruction, Opcode, VectorReduce
from machine.segments import NodeRecord

WHOLE = "kernel"
"""Name of the one section of a kernel that names none."""
OPERATOR = "section"
"""Operator of a section's record."""


@dataclass(frozen=True, slots=True)
class Work:
    """What instructions do, whatever the time: sums over them.

    Attributes:
        macs: multiply-accumulates, of the array (all its rows and columns in each cycle) and of the vector engine.
        matrix_cycles: rows that the array reads, one a cycle.
        vector_cycles: reads of the vector engine, one a cycle.
        read_bytes: bytes that load and weights read from memory.
        write_bytes: bytes that store writes to memory.
    """

    macs: int = 0
    matrix_cycles: int = 0
    vector_cycles: int = 0
    read_bytes: int = 0
    write_bytes: int = 0

    def __add__(self, other: Work) -> Work:
        """Return the sums."""
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def work_of(machine: Machine, instructions: Sequence[Instruction]) -> Work:
    """Return what instructions do together."""
    return sum((_work(machine, instruction) for instruction in instructions), Work())


def _work(machine: Machine, instruction: Instruction) -> Work:
    match instruction.opcode:
        case Opcode.LOAD:
            return Work(read_bytes=instruction["line_bytes"] * _product(instruction, "count1", "count2", "count3"))
        case Opcode.WEIGHTS:
            return Work(read_bytes=instruction["tiles"] * machine.tile_bytes)
        case Opcode.MATRIX:
            loops = [f"{kind}_count{index}" for kind in ("row", "tap") for index in (0, 1, 2)]
            cycles = _product(instruction, "blocks", *loops)
            return Work(macs=cycles * machine.rows * machine.columns, matrix_cycles=cycles)
        case Opcode.VECTOR:
            reads = _product(instruction, "blocks", "y_count", "x_count", "ky_count", "kx_count")
            macs = reads * machine.columns if instruction["reduce"] == VectorReduce.MAC else 0
            return Work(macs=macs, vector_cycles=reads)
        case Opcode.STORE:
            lines = _product(instruction, "count1", "count2", "count3")
            return Work(write_bytes=instruction["words"] * instruction["window_bytes"] * lines)
        case Opcode.HALT:
            return Work()


def _product(instruction: Instruction, *fields: str) -> int:
    return math.prod(instruction[name] for name in fields)


def check_section_name(name: str) -> None:
    """Check that a name can stand in assembly text and in a table.

    Raises:
        ProgramError: it is empty, begins or ends with a blank, has a '#', or characters that cannot be printed.
    """
    if not name or name != name.strip() or "#" in name or not name.isprintable():
        raise ProgramError(f"section {name!r}: a name is printable text without '#' and without blanks at its ends")


def section_records(
    machine: Machine, instructions: Sequence[Instruction], sections: Sequence[str]
) -> tuple[tuple[NodeRecord, ...], tuple[int, ...]]:
    """Return a record for each section, in order of the first instruction, and the index of each instruction's.

    `sections` names the section of each instruction, "" for none; where it names none at all, everything is one
    section. An instruction of no section, and halt, have index -1.

    Raises:
        ProgramError: a name is not legal, or `sections` is not as long as the instructions.
    """
    named = list(sections) if any(sections) else [WHOLE] * len(instructions)
    if len(named) != len(instructions):
        raise ProgramError(f"{len(named)} names of sections for {len(instructions)} instructions")
    members: dict[str, list[Instruction]] = {}
    for instruction, name in zip(instructions, named, strict=True):
        if name and instruction.engine is not None:
            members.setdefault(name, []).append(instruction)
    for name in members:
        check_section_name(name)
    index_of = {name: index for index, name in enumerate(members)}
    indices = tuple(
        -1 if instruction.engine is None else index_of.get(name, -1)
        for instruction, name in zip(instructions, named, strict=True)
    )
    return tuple(_record(machine, name, work_of(machine, part)) for name, part in members.items()), indices


def _record(machine: Machine, name: str, work: Work) -> NodeRecord:
    return NodeRecord(
        name, OPERATOR, "accelerator", macs=work.macs, matrix_cycles=work.matrix_cycles,
        vector_cycles=work.vector_cycles, read_cycles=read_cycles(machine, work.read_bytes),
        write_cycles=write_cycles(machine, work.write_bytes), read_bytes=work.read_bytes,
        write_bytes=work.write_bytes,
    )


def read_cycles(machine: Machine, size_bytes: int) -> int:
    """Return the cycles that the read bus takes for some bytes, rounded down."""
    return int(size_bytes / Fraction(machine.bus_bytes * machine.bus_rate_numerator, machine.bus_rate_denominator))


def bus_bytes_per_cycle(machine: Machine) -> float:
    """Return the most bytes that the bus moves in a cycle, reads and writes together."""
    return machine.bus_bytes * (1 + machine.bus_rate_numerator / machine.bus_rate_denominator)


def write_cycles(machine: Machine, size_bytes: int) -> int:
    """Return the cycles that the write bus takes for some bytes, rounded up."""
    return -(-size_bytes // machine.bus_bytes)
