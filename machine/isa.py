"""The instruction set: one table of formats, from which encoder, decoder, Verilog header and ISA page are made.

An instruction is 64 bytes, read as one little-endian 512-bit integer. Fields are packed from bit 0 upwards in the
order of the table; bits above the last field are reserved and must be zero. A *count* field holds the count minus
one, so that no encoding of it is illegal. Addresses and strides of the scratchpad are in granules of
min(rows, columns) bytes, accumulator addresses in rows, memory addresses and strides in bytes; strides add modulo
2**(width of the field).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from functools import cached_property
from types import MappingProxyType

from machine.config import ADDRESS_BITS
from machine.errors import ProgramError

INSTRUCTION_BYTES = 64
INSTRUCTION_BITS = 8 * INSTRUCTION_BYTES
OPCODE_BITS = 4
ENGINE_COUNT = 5


class Engine(IntEnum):
    """The engines, in the order of the bits of a token mask."""

    LOAD = 0
    WEIGHTS = 1
    MATRIX = 2
    VECTOR = 3
    STORE = 4


class Opcode(IntEnum):
    """Instruction kinds. An engine's opcode is its index plus one; 6 to 15 are reserved."""

    HALT = 0
    LOAD = 1
    WEIGHTS = 2
    MATRIX = 3
    VECTOR = 4
    STORE = 5


class LoadSpace(IntEnum):
    """Destination of a load; 3 is reserved."""

    SCRATCHPAD = 0
    PARAMETERS = 1
    TABLES = 2


class VectorSource(IntEnum):
    """Where the vector engine's operand A comes from."""

    SCRATCHPAD = 0
    ACCUMULATOR = 1


class VectorReduce(IntEnum):
    """How the taps of one result are combined; 3 to 7 are reserved."""

    SUM = 0
    MAX = 1
    MAC = 2


class FieldKind(StrEnum):
    """How a field's value maps to its bits."""

    UNSIGNED = "unsigned"
    SIGNED = "signed"
    COUNT = "count"


@dataclass(frozen=True)
class Field:
    """One field of a format: its name, width, kind and meaning. `legal` lists the legal values of an enumeration."""

    name: str
    bits: int
    meaning: str
    kind: FieldKind = FieldKind.UNSIGNED
    legal: tuple[int, ...] | None = None

    @cached_property
    def mask(self) -> int:
        """A one for each of its bits, from bit 0."""
        return (1 << self.bits) - 1

    @cached_property
    def minimum(self) -> int:
        """Smallest legal value."""
        if self.kind is FieldKind.SIGNED:
            return -(1 << (self.bits - 1))
        return 1 if self.kind is FieldKind.COUNT else 0

    @cached_property
    def maximum(self) -> int:
        """Largest legal value."""
        if self.kind is FieldKind.SIGNED:
            return (1 << (self.bits - 1)) - 1
        return self.mask + (self.kind is FieldKind.COUNT)


@dataclass(frozen=True)
class Format:
    """One instruction kind: opcode, fields in order from bit 0, and its effect in words."""

    opcode: Opcode
    fields: tuple[Field, ...]
    effect: str

    @cached_property
    def used_bits(self) -> int:
        """Bits from 0 that fields occupy; those above are reserved."""
        return sum(entry.bits for entry in self.fields)

    def offsets(self) -> Mapping[str, int]:
        """Return the lowest bit of each field."""
        return self._offsets

    @cached_property
    def _offsets(self) -> Mapping[str, int]:
        result, position = {}, 0
        for entry in self.fields:
            result[entry.name] = position
            position += entry.bits
        return MappingProxyType(result)


def _count(name: str, bits: int, meaning: str) -> Field:
    return Field(name, bits, meaning, FieldKind.COUNT)


def _address(name: str, meaning: str) -> Field:
    return Field(name, ADDRESS_BITS, meaning)


def _int8(name: str, meaning: str) -> Field:
    return Field(name, 8, meaning, FieldKind.SIGNED)


_OPCODE = Field("opcode", OPCODE_BITS, "instruction kind", legal=tuple(Opcode))
_TOKENS = (
    Field("wait", ENGINE_COUNT, "engines from which one token each is consumed at issue (own bit must be 0)"),
    Field("send", ENGINE_COUNT, "engines to which one token each is sent at retirement (own bit must be 0)"),
)


def _outer(side: str) -> tuple[Field, ...]:
    fields: list[Field] = []
    for dimension in (1, 2, 3):
        fields += [
            _count(f"count{dimension}", 12, f"lines along dimension {dimension} (1 is the innermost)"),
            Field(f"memory_stride{dimension}", 32, f"bytes of memory from one line to the next along {dimension}"),
            _address(
                f"{side}_stride{dimension}", f"granules of scratchpad from one line to the next along {dimension}"
            ),
        ]
    return tuple(fields)


HALT = Format(Opcode.HALT, (_OPCODE,), "Wait until every queue is empty and every engine idle, then end the program.")

LOAD = Format(
    Opcode.LOAD,
    (
        _OPCODE,
        *_TOKENS,
        Field("space", 2, "destination: 0 scratchpad, 1 parameter memory, 2 table memory", legal=tuple(LoadSpace)),
        Field("memory_address", 32, "byte address of the first line"),
        Field("line_bytes", 20, "bytes of a line in memory; 0 reads nothing and writes the fill value only"),
        _address("destination", "scratchpad address of the first word (or parameter or table word address)"),
        _count("words", 16, "words written for each line"),
        Field("window_bytes", 9, "bytes of each word that are written, at most rows or columns"),
        Field("window_stride", 13, "bytes of the line from one word's window to the next"),
        Field("window_pad", 13, "bytes of fill before the line's first byte"),
        Field("lane_offset", 8, "first byte of the word that is written"),
        _int8("fill", "value of window bytes that lie outside the line"),
        *_outer("destination"),
    ),
    "for d3, d2, d1: line = memory[memory_address + d3*memory_stride3 + d2*memory_stride2 + d1*memory_stride1 :] "
    "[:line_bytes]; for w in words: for b in window_bytes: p = w*window_stride + b - window_pad; "
    "space[destination + d3*destination_stride3 + d2*destination_stride2 + d1*destination_stride1 + w words]"
    "[lane_offset + b] = line[p] if 0 <= p < line_bytes else fill. Other bytes of the word keep their value.",
)

WEIGHTS = Format(
    Opcode.WEIGHTS,
    (
        _OPCODE,
        *_TOKENS,
        Field("source", 1, "0 memory; 1 (scratchpad) is reserved", legal=(0,)),
        Field("transpose", 1, "reserved for scratchpad sources", legal=(0,)),
        Field("memory_address", 32, "byte address of the first tile; the low bits below the bus width are ignored"),
        _count("tiles", 16, "weight tiles, contiguous in memory, each rows x columns bytes, row by row"),
        _int8("zero_point", "subtracted from every weight: the array's operand is 9-bit signed"),
    ),
    "push `tiles` weight tiles into the weight FIFO.",
)

MATRIX = Format(
    Opcode.MATRIX,
    (
        _OPCODE,
        *_TOKENS,
        _address("a", "scratchpad address of the first activation row"),
        _address("a_span", "largest offset that one pass reads from its first row: sum of (row count - 1) * stride"),
        *(
            _count(f"row_count{i}", bits, f"rows along row dimension {i} (0 is the innermost)")
            for i, bits in ((0, 12), (1, 12), (2, 8))
        ),
        *(_address(f"row_stride{i}", f"granules from one row to the next along row dimension {i}") for i in (0, 1, 2)),
        *(
            _count(f"tap_count{i}", bits, f"weight tiles along reduction dimension {i} (0 is the innermost)")
            for i, bits in ((0, 8), (1, 8), (2, 12))
        ),
        *(_address(f"tap_stride{i}", f"granules from one tap to the next along dimension {i}") for i in (0, 1, 2)),
        _count("blocks", 10, "output-channel blocks"),
        _address("block_stride", "granules of activation from one output-channel block to the next (0 but for groups)"),
        Field("accumulator", 16, "first accumulator row; a pass stays in one half"),
        Field("accumulator_stride", 16, "accumulator rows from one output-channel block to the next"),
        Field("accumulate", 1, "1: add to what the accumulators hold; 0: the first tap overwrites"),
        _int8("zero_point", "subtracted from every activation: the array's operand is 9-bit signed"),
    ),
    "for b in blocks: for t2, t1, t0: pop one weight tile W; for r2, r1, r0 with linear row index m: "
    "x = scratchpad[a + b*block_stride + sum t*tap_stride + sum r*row_stride] (rows bytes); "
    "p = (x - zero_point) @ W; row = accumulator + b*accumulator_stride + m; "
    "accumulators[row] = p if first tap and not accumulate else accumulators[row] + p (modulo 2**32).",
)

VECTOR = Format(
    Opcode.VECTOR,
    (
        _OPCODE,
        *_TOKENS,
        Field("source", 1, "operand A: 0 scratchpad (int8), 1 accumulators (int32)", legal=tuple(VectorSource)),
        Field(
            "reduce", 3, "taps of a result: 0 sum, 1 maximum, 2 multiply-accumulate with B", legal=tuple(VectorReduce)
        ),
        Field("use_residual", 1, "1: B is the second operand of a quantized addition (reduce must not be 2)"),
        Field("rescale", 1, "1: bias and requantize by the parameters; 0: pass the value on"),
        _count("blocks", 10, "channel blocks"),
        *(
            _count(f"{name}_count", bits, meaning)
            for name, bits, meaning in (
                ("y", 12, "results along y"),
                ("x", 12, "results along x (inner)"),
                ("ky", 8, "taps along y"),
                ("kx", 8, "taps along x (innermost)"),
            )
        ),
        _address("a", "address of A: granules of scratchpad, or accumulator rows"),
        _address("a_span", "largest offset of A from its first address"),
        *(_address(f"a_{name}_stride", f"step of A along {name}") for name in ("block", "y", "x", "ky", "kx")),
        _address("b", "scratchpad address of B (multiplier of MAC, or residual)"),
        _address("b_span", "largest offset of B from its first address"),
        *(_address(f"b_{name}_stride", f"step of B along {name}") for name in ("block", "y", "x", "ky", "kx")),
        _address("d", "scratchpad address of the first result"),
        _address("d_span", "largest offset of a result from the first"),
        *(_address(f"d_{name}_stride", f"step of the result along {name}") for name in ("block", "y", "x")),
        _int8("a_zero_point", "subtracted from A where A is int8 and reduce is sum or MAC"),
        _int8("b_zero_point", "subtracted from B"),
        _int8("zero_point", "added after requantization (and subtracted again before a residual addition)"),
        _int8("low", "lower clamp after requantization"),
        _int8("high", "upper clamp after requantization"),
        Field("parameters", 10, "parameter entry of block 0; block i uses entry parameters + i"),
        Field("record", 10, "parameter entry that holds the residual addition's scalars"),
        Field("table", 2, "0 none; 1, 2: look results up in table 0, 1 (use_residual must be 0)", legal=(0, 1, 2)),
        Field("subtract", 1, "1: the residual operand is subtracted, not added (use_residual must be 1)"),
    ),
    "for block, y, x: v = reduce over ky, kx of A (and B); [bias, requantize, zero point, clamp]; "
    "[residual addition or table]; scratchpad[d + ...] = v. See docs/units/vector.md.",
)

STORE = Format(
    Opcode.STORE,
    (
        _OPCODE,
        *_TOKENS,
        Field("memory_address", 32, "byte address of the first line"),
        _address("source", "scratchpad address of the first word"),
        _address("source_span", "largest offset in a line: (words - 1) * word_stride"),
        _count("words", 16, "words read for each line"),
        _address("word_stride", "granules from one word to the next"),
        Field("window_bytes", 9, "bytes taken from each word, from 1 to max(rows, columns)"),
        Field("lane_offset", 8, "first byte taken"),
        *_outer("source"),
    ),
    "for d3, d2, d1: memory[memory_address + strides :][: words * window_bytes] = concatenation over w in words of "
    "scratchpad[source + strides + w*word_stride][lane_offset : lane_offset + window_bytes].",
)

FORMATS: dict[Opcode, Format] = {entry.opcode: entry for entry in (HALT, LOAD, WEIGHTS, MATRIX, VECTOR, STORE)}
ENGINE_OF: dict[Opcode, Engine] = {
    Opcode.LOAD: Engine.LOAD,
    Opcode.WEIGHTS: Engine.WEIGHTS,
    Opcode.MATRIX: Engine.MATRIX,
    Opcode.VECTOR: Engine.VECTOR,
    Opcode.STORE: Engine.STORE,
}


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction: its opcode and every field's value (counts as counts, not minus one)."""

    opcode: Opcode
    values: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> int:
        """Return the value of a field."""
        return self.values[name]

    @property
    def engine(self) -> Engine | None:
        """The engine that executes it; None for halt."""
        return ENGINE_OF.get(self.opcode)


def make(opcode: Opcode, **values: int) -> Instruction:
    """Build an instruction; fields not given are 0 (counts 1).

    Raises:
        ProgramError: an unknown field, or a value outside its range.
    """
    layout = FORMATS[opcode]
    complete: dict[str, int] = {}
    remaining = dict(values)
    for entry in layout.fields:
        if entry.name == "opcode":
            value = int(opcode)
        else:
            value = int(remaining.pop(entry.name, 1 if entry.kind is FieldKind.COUNT else 0))
        _check_value(opcode, entry, value)
        complete[entry.name] = value
    if remaining:
        legal = ", ".join(entry.name for entry in layout.fields[1:]) or "none"
        raise ProgramError(f"{opcode.name.lower()} has no field {next(iter(remaining))!r}; legal are {legal}")
    return Instruction(opcode, complete)


def _check_value(opcode: Opcode, entry: Field, value: int) -> None:
    if not entry.minimum <= value <= entry.maximum:
        raise ProgramError(
            f"{opcode.name.lower()}.{entry.name} = {value}: legal are {entry.minimum} to {entry.maximum}"
        )
    if entry.legal is not None and value not in entry.legal:
        legal = ", ".join(str(int(item)) for item in entry.legal)
        raise ProgramError(f"{opcode.name.lower()}.{entry.name} = {value}: legal are {legal}")


def encode(instruction: Instruction) -> bytes:
    """Encode an instruction in 64 bytes."""
    word, position = 0, 0
    for entry in FORMATS[instruction.opcode].fields:
        value = instruction.values[entry.name]
        if entry.kind is FieldKind.COUNT:
            value -= 1
        word |= (value & entry.mask) << position
        position += entry.bits
    return word.to_bytes(INSTRUCTION_BYTES, "little")


def decode(data: bytes) -> Instruction:
    """Decode 64 bytes; the exact inverse of `encode`.

    Raises:
        ProgramError: wrong length, unknown opcode, reserved bits set, an illegal enumeration value, or an engine that
            waits for or sends to itself.
    """
    if len(data) != INSTRUCTION_BYTES:
        raise ProgramError(f"an instruction is {INSTRUCTION_BYTES} bytes, received {len(data)}")
    word = int.from_bytes(data, "little")
    code = word & ((1 << OPCODE_BITS) - 1)
    if code not in Opcode._value2member_map_:
        raise ProgramError(f"unknown opcode {code}; legal are 0 to {max(Opcode)}")
    layout = FORMATS[Opcode(code)]
    if word >> layout.used_bits:
        raise ProgramError(f"{layout.opcode.name.lower()} has reserved bits set above bit {layout.used_bits - 1}")
    values: dict[str, int] = {}
    for entry in layout.fields:
        value = word & entry.mask
        word >>= entry.bits
        if entry.kind is FieldKind.COUNT:
            value += 1
        elif entry.kind is FieldKind.SIGNED and value > entry.maximum:
            value -= 1 << entry.bits
        if entry.legal is not None:  # every other kind has a meaning for each pattern of its bits
            _check_value(layout.opcode, entry, value)
        values[entry.name] = value
    instruction = Instruction(layout.opcode, values)
    engine = instruction.engine
    if engine is not None and (values["wait"] | values["send"]) >> engine & 1:
        raise ProgramError(f"{layout.opcode.name.lower()} waits for or sends to itself")
    return instruction
