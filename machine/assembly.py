"""Assembly text: one instruction a line, `opcode field=value ...`; the printer's output parses back to the same.

    # comment
    .data 0x1000 01 02 ff          bytes of the initial memory image
    .random 0x2000 256 7           256 bytes of seeded noise (seed 7)
    .memory 65536                  bytes of memory that the program may address
    .section first tile            what follows belongs to this section; without a name, to none
    load memory_address=0x1000 line_bytes=16 words=4 window_bytes=4 window_stride=4 send=matrix
    matrix a=0 row_count0=4 wait=load
    halt

Fields that are not written are 0 (counts: 1). Token masks are engine names joined by '+'. Instructions are placed at
address 0.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from machine.config import Machine
from machine.errors import AssemblyError, ProgramError
from machine.isa import FORMATS, INSTRUCTION_BYTES, Engine, FieldKind, Instruction, Opcode, encode, make
from machine.program import MEMORY_LIMIT_MAXIMUM, SECTION_ALIGNMENT, Program
from machine.sections import WHOLE, check_section_name
from machine.text import printable

_MASKS = ("wait", "send")
DATA_MAXIMUM = 1 << 30
"""Largest address of data: the image up to there is held in memory."""
DATA_LINE_BYTES = 32


def format_instruction(instruction: Instruction) -> str:
    """Print one instruction; fields with their default value are left out."""
    words = [instruction.opcode.name.lower()]
    for entry in FORMATS[instruction.opcode].fields[1:]:
        value = instruction[entry.name]
        if value == (1 if entry.kind is FieldKind.COUNT else 0):
            continue
        words.append(f"{entry.name}={_format_mask(value) if entry.name in _MASKS else value}")
    return " ".join(words)


def _format_mask(mask: int) -> str:
    return "+".join(engine.name.lower() for engine in Engine if mask >> engine & 1)


def parse_instruction(line: str) -> Instruction:
    """Parse one line without comment or directive.

    Raises:
        AssemblyError: unknown opcode or field, a value that is no number, or one outside its range.
    """
    name, *fields = line.split()
    if name.upper() not in Opcode.__members__:
        legal = ", ".join(opcode.name.lower() for opcode in Opcode)
        raise AssemblyError(f"unknown instruction {name!r}; legal are {legal}")
    values: dict[str, int] = {}
    for item in fields:
        key, separator, text = item.partition("=")
        if not separator or key in values:
            raise AssemblyError(f"field {key!r} is given twice" if separator else f"{item!r} is not field=value")
        values[key] = _parse_mask(text) if key in _MASKS else _number(text)
    try:
        return make(Opcode[name.upper()], **values)
    except ProgramError as error:
        raise AssemblyError(str(error)) from None
    except TypeError:
        raise AssemblyError(f"a field of {name!r} cannot be called 'opcode'") from None


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError:
        raise AssemblyError(f"{text!r} is not an integer (decimal, 0x.., 0b..)") from None


def _parse_mask(text: str) -> int:
    mask = 0
    for name in text.split("+"):
        if name.upper() not in Engine.__members__:
            legal = ", ".join(engine.name.lower() for engine in Engine)
            raise AssemblyError(f"unknown engine {name!r} in a token mask; legal are {legal}, joined by '+'")
        mask |= 1 << Engine[name.upper()]
    return mask


def assemble(text: str, machine: Machine, source: str = "assembly") -> Program:
    """Assemble a text into a program (a kernel: no graph, no inputs or outputs).

    Raises:
        AssemblyError: names the line and what is wrong with it.
    """
    instructions: list[Instruction] = []
    sections: list[str] = []
    section = ""
    pieces: list[tuple[int, bytes]] = []
    limit = 0
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.partition("#")[0].strip()
        if not line:
            continue
        try:
            if line.split()[0] == ".section":
                section = _section(line)
            elif line.startswith("."):
                piece, size = _directive(line.split())
                pieces += [piece] if piece else []
                limit = max(limit, size)
            else:
                instructions.append(parse_instruction(line))
                sections.append(section)
        except AssemblyError as error:
            raise AssemblyError(f"{source}, line {number}: {error}") from None
    if not instructions or instructions[-1].opcode is not Opcode.HALT:
        raise AssemblyError(f"{source}: the last instruction must be halt")
    code = b"".join(encode(instruction) for instruction in instructions)
    end = max([len(code), *(address + len(data) for address, data in pieces)])
    image = np.zeros(end, np.uint8)
    for address, data in pieces:
        if address < len(instructions) * INSTRUCTION_BYTES:
            raise AssemblyError(f"{source}: data at {address} overlaps the {len(code)} bytes of instructions at 0")
        image[address : address + len(data)] = np.frombuffer(data, np.uint8)
    image[: len(code)] = np.frombuffer(code, np.uint8)
    memory_bytes = -(-max(limit, end) // SECTION_ALIGNMENT) * SECTION_ALIGNMENT
    return Program.kernel(machine, instructions, image, memory_bytes, source, sections)


def _section(line: str) -> str:
    """Return the name that a `.section` directive gives."""
    name = line.removeprefix(".section").strip()
    try:
        if name:
            check_section_name(name)
    except ProgramError as error:
        raise AssemblyError(str(error)) from None
    return name


def _directive(words: list[str]) -> tuple[tuple[int, bytes] | None, int]:
    """Parse a directive: (address and bytes of data, memory limit)."""
    match words:
        case [".memory", size]:
            return None, _bounded(size, MEMORY_LIMIT_MAXIMUM)
        case [".data", address, *items] if items:
            try:
                data = bytes(int(item, 16) for item in items)
            except ValueError:
                raise AssemblyError(".data takes bytes as two hexadecimal digits each") from None
            return (_bounded(address), data), 0
        case [".random", address, size, seed]:
            noise = np.random.default_rng(_number(seed)).integers(0, 256, _bounded(size), dtype=np.uint8)
            return (_bounded(address), noise.tobytes()), 0
    raise AssemblyError(f"{' '.join(words)!r} is no directive; legal are .memory SIZE, .data ADDRESS BYTES.., "
                        ".random ADDRESS SIZE SEED, .section NAME")


def _bounded(text: str, maximum: int = DATA_MAXIMUM) -> int:
    value = _number(text)
    if not 0 <= value <= maximum:
        raise AssemblyError(f"{value} is outside 0 to {maximum}")
    return value


def disassemble(program: Program, data: bool | None = None) -> str:
    """Print a program as assembly text, with each instruction's place and node as a comment.

    With `data` (by default for kernels only) the text holds the whole image: it assembles to the same instructions,
    memory size and image. Without, the image holds the instructions only.
    """
    lines = [f"# machine: {program.machine.name}", f".memory {program.memory_bytes}"]
    sections = _printed_sections(program)
    is_whole = len(program.segments) == 1 and program.segments[0].program_address == 0
    for number, segment in enumerate(program.segments):
        if not is_whole:
            lines.append(f"# segment {number}: its instructions lie at {segment.program_address:#x}")
        before = -1
        for index, instruction in enumerate(segment.instructions):
            node = segment.instruction_nodes[index] if segment.instruction_nodes else -1
            if node != before and node in sections:
                lines.append(f".section {sections[node]}".rstrip())
            before = node
            name = f": {printable(program.nodes[node].name)}" if node >= 0 else ""
            lines.append(f"{format_instruction(instruction)}  # {index}{name}")
    if is_whole and (data or (data is None and program.graph is None)):
        lines += _data_lines(program)
    return "\n".join(lines) + "\n"


def _printed_sections(program: Program) -> dict[int, str]:
    """Return the names of a kernel's sections by node, "" for none of them; none where it names none."""
    if program.graph is not None or [node.name for node in program.nodes] in ([], [WHOLE]):
        return {}
    return {-1: "", **{index: printable(node.name) for index, node in enumerate(program.nodes)}}


def _data_lines(program: Program) -> Iterator[str]:
    """Print what follows the code in the image: lines of zeros are left out, but the image's last byte is not."""
    image = program.image
    for start in range(len(program.instructions) * INSTRUCTION_BYTES, image.size, DATA_LINE_BYTES):
        line = image[start : start + DATA_LINE_BYTES]
        shown = np.flatnonzero(line)
        if start + line.size == image.size:
            shown = np.append(shown, line.size - 1)
        if shown.size:
            first, last = int(shown[0]), int(shown[-1])
            yield f".data {start + first:#x} {line[first : last + 1].tobytes().hex(' ')}"
