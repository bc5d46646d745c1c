"""Programs that reach the edge of a field, or the rule of the verifier because of which no legal program does.

For each edge a few instructions are tried that have it and are as small as can be otherwise, on machines as large as
their configuration allows. The verifier decides; what it says of the last one is the reason why there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from compiler.verify_program import InstructionError, verify_program
from machine.config import ADDRESS_BITS, Machine
from machine.errors import ProgramError
from machine.isa import ENGINE_OF, FORMATS, Engine, Field, Instruction, Opcode, make

HIGH_ADDRESS = 1 << 15
"""Where stores write and weights are read, and where the program stands that leaves address 0 free."""
APART_BYTES = 4096
"""Between the end of memory and where the store at an edge and the others write."""
Values = dict[str, int]


@dataclass(frozen=True)
class Edge:
    """A field of an instruction at one of the values that coverage counts.

    Attributes:
        opcode: the instruction.
        field: the field's name.
        edge: `min`, `max`, `other`, or `= V` for a value of an enumeration.
        value: the value.
    """

    opcode: Opcode
    field: str
    edge: str
    value: int

    @property
    def goal(self) -> str:
        """What coverage calls it."""
        return f"{self.opcode.name.lower()}.{self.field} {self.edge}"


def edges_of(opcode: Opcode) -> list[Edge]:
    """Return the edges of all fields of a kind, in the order of the format."""
    fields = FORMATS[opcode].fields[1:]
    return [Edge(opcode, field.name, edge, value) for field in fields for edge, value in _edges(opcode, field)]


def _edges(opcode: Opcode, field: Field) -> Iterator[tuple[str, int]]:
    """Yield name and value of the edges of a field; tokens are without the engine's own bit."""
    if field.legal is not None:
        yield from ((f"= {int(value)}", int(value)) for value in field.legal)
        return
    own = 1 << ENGINE_OF[opcode] if field.name in ("wait", "send") else 0
    yield "min", field.minimum
    yield "max", field.maximum - own
    if field.bits > 1:
        yield "other", 1 if field.minimum < 1 and own != 1 else 2


EDGES = tuple(edge for opcode in ENGINE_OF for edge in edges_of(opcode))
"""The edges of all fields of all instructions."""


@dataclass(frozen=True)
class EdgeProgram:
    """A legal program with an instruction at an edge, and where it stands in memory."""

    instructions: tuple[Instruction, ...]
    program_address: int


@lru_cache(maxsize=4096)
def edge_program(machine: Machine, edge: Edge, memory_bytes: int) -> EdgeProgram | str:
    """Return a legal program with an instruction at the edge; or why none was found, in the verifier's words."""
    reason = ""
    for values in _templates(machine, memory_bytes, edge):
        values = _with_spans(values | {edge.field: edge.value}, edge)
        for address in (0, HIGH_ADDRESS):
            instructions = [*_around(machine, memory_bytes, edge.opcode, values), make(Opcode.HALT)]
            try:
                verify_program(machine, instructions, memory_bytes, address)
            except InstructionError as error:
                if reason == "" or instructions[error.index].opcode is edge.opcode:
                    reason = str(error).split("): ", 1)[-1]
            except ProgramError as error:
                reason = reason or str(error)
            else:
                return EdgeProgram(tuple(instructions), address)
    return reason


def largest_machine(rows: int, columns: int) -> Machine:
    """Return a machine of a shape with as much of everything as the configuration allows."""
    return Machine(
        name="largest",
        rows=rows,
        columns=columns,
        scratchpad_bytes=min(rows, columns) << ADDRESS_BITS,
        scratchpad_banks=16,
        accumulator_bytes=columns * 4 << 16,
        weight_fifo_tiles=1024,
        parameter_entries=1024,
        load_buffer_bytes=1 << 20,
        bus_bytes=min(64, rows * columns),
        read_latency_cycles=1,
    )


LARGEST_MACHINES = (largest_machine(256, 256), largest_machine(4, 4))
"""What has room for every field: the widest words, and the most words in the fewest bytes."""


def unreachable(goals: Sequence[str], machines: Sequence[Machine], memory_bytes: int) -> dict[str, str]:
    """Return those of some goals of coverage that no legal program reaches on any of some machines, and why."""
    found = {}
    for edge in EDGES:
        if edge.goal in goals:
            answers = [edge_program(machine, edge, memory_bytes) for machine in machines]
            if all(isinstance(answer, str) for answer in answers):
                found[edge.goal] = str(answers[0])
    return found


def _templates(machine: Machine, memory_bytes: int, edge: Edge) -> Iterator[Values]:
    """Yield what the other fields may be; the smallest instruction first, then what some fields need beside them."""
    bank = machine.bank_granules
    match edge.opcode:
        case Opcode.LOAD:
            yield {"window_bytes": 1}
            yield {"window_bytes": 1, "words": 1 << 16, "window_stride": 16, "line_bytes": 1}
            yield {"window_bytes": machine.block_bytes}
        case Opcode.WEIGHTS:
            yield {"memory_address": HIGH_ADDRESS}
        case Opcode.MATRIX:
            yield {}
        case Opcode.VECTOR:
            operands = {"b": bank, "d": 2 * bank}
            yield operands
            yield operands | {"use_residual": 1}
            yield {"b": bank}
        case Opcode.STORE:
            yield {"memory_address": memory_bytes - 2 * APART_BYTES, "window_bytes": 1}
            yield {"memory_address": HIGH_ADDRESS, "window_bytes": 1}


def _with_spans(values: Values, edge: Edge) -> Values:
    """Make the loops reach what the span at the edge says, and no span but that one."""
    if not edge.field.endswith("_span"):
        return values
    count, stride = {
        (Opcode.MATRIX, "a_span"): ("row_count0", "row_stride0"),
        (Opcode.VECTOR, "a_span"): ("kx_count", "a_kx_stride"),
        (Opcode.VECTOR, "b_span"): ("kx_count", "b_kx_stride"),
        (Opcode.VECTOR, "d_span"): ("x_count", "d_x_stride"),
        (Opcode.STORE, "source_span"): ("words", "word_stride"),
    }[edge.opcode, edge.field]
    return values | ({count: 2, stride: edge.value} if edge.value else {})


def _around(machine: Machine, memory_bytes: int, opcode: Opcode, values: Values) -> list[Instruction]:
    """Return the instruction with what it needs: tiles pushed before it or taken behind it, and its tokens."""
    engine = ENGINE_OF[opcode]
    wait, send = values.get("wait", 0), values.get("send", 0)
    before = [_smallest(machine, memory_bytes, other, send=1 << engine) for other in Engine if wait >> other & 1]
    after = [_smallest(machine, memory_bytes, other, wait=1 << engine) for other in Engine if send >> other & 1]
    instruction = make(opcode, **values)
    middle = [instruction]
    if opcode is Opcode.WEIGHTS:
        middle.append(_takes(instruction["tiles"]))
    elif opcode is Opcode.MATRIX:
        taps = instruction["tap_count0"] * instruction["tap_count1"] * instruction["tap_count2"]
        middle.insert(0, make(Opcode.WEIGHTS, memory_address=HIGH_ADDRESS, tiles=taps * instruction["blocks"]))
    return [*(one for few in before for one in few), *middle, *(one for few in after for one in few)]


def _takes(tiles: int) -> Instruction:
    """Return a matrix instruction that takes so many tiles; a power of two, or at most 256."""
    return make(Opcode.MATRIX, tap_count0=min(tiles, 256), tap_count1=max(1, tiles // 256))


def _smallest(machine: Machine, memory_bytes: int, engine: Engine, wait: int = 0, send: int = 0) -> list[Instruction]:
    """Return an instruction of an engine that does next to nothing, away from all others, and what it needs."""
    tokens = {"wait": wait, "send": send}
    apart, word = 3 * machine.bank_granules, machine.granules_per_word
    matrix = make(Opcode.MATRIX, a=apart, **(tokens if engine is Engine.MATRIX else {}))
    weights = make(Opcode.WEIGHTS, memory_address=HIGH_ADDRESS, **(tokens if engine is Engine.WEIGHTS else {}))
    match engine:
        case Engine.LOAD:
            return [make(Opcode.LOAD, window_bytes=1, destination=apart + 2 * word, **tokens)]
        case Engine.VECTOR:
            return [make(Opcode.VECTOR, a=apart, d=apart + word, **tokens)]
        case Engine.STORE:
            address = memory_bytes - APART_BYTES
            return [make(Opcode.STORE, window_bytes=1, source=apart, memory_address=address, **tokens)]
        case _:
            return [weights, matrix]
