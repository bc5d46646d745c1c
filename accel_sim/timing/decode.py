"""From encoded instructions to what the stepper reads: legality, one array of records for each engine, token masks."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_sim.timing.setup import record
from machine.config import Machine
from machine.errors import ProgramError
from machine.isa import (
    ENGINE_COUNT,
    ENGINE_OF,
    FORMATS,
    INSTRUCTION_BITS,
    INSTRUCTION_BYTES,
    OPCODE_BITS,
    Engine,
    FieldKind,
    Format,
    LoadSpace,
    Opcode,
    VectorReduce,
    VectorSource,
)

Int64Array = npt.NDArray[np.int64]
WORD_BITS = 64
Words = npt.NDArray[np.uint64]
"""uint64[INSTRUCTION_BITS / 64, n]: encoded instructions, the first 64 bits of each in the first row, and so on."""

HALT = -1
ILLEGAL = -2


class Program(NamedTuple):
    """A decoded program of n instructions.

    Attributes:
        engine: int64[n], the engine of each instruction, HALT or ILLEGAL.
        wait: int64[5, most], token mask of each engine's instructions in program order.
        send: int64[5, most], the same.
        loads: records of the fields of `machine.isa.LOAD`, in program order; a record of zeros ends them.
        weights: the same of WEIGHTS.
        matrices: the same of MATRIX.
        vectors: the same of VECTOR.
        stores: the same of STORE.
    """

    engine: Int64Array
    wait: Int64Array
    send: Int64Array
    loads: Any
    weights: Any
    matrices: Any
    vectors: Any
    stores: Any


def decode_program(machine: Machine, data: bytes) -> Program:
    """Decode n x 64 bytes; instructions that are not legal on the machine are marked, not refused.

    Raises:
        ProgramError: the length is not a multiple of 64 bytes.
    """
    if len(data) % INSTRUCTION_BYTES:
        raise ProgramError(f"a program is a multiple of {INSTRUCTION_BYTES} bytes, received {len(data)}")
    words = np.frombuffer(data, dtype="<u8").reshape(-1, INSTRUCTION_BITS // WORD_BITS).T.copy()
    opcodes = words[0] & np.uint64((1 << OPCODE_BITS) - 1)
    engine = np.full(len(opcodes), ILLEGAL, dtype=np.int64)
    halts = (opcodes == Opcode.HALT) & ~_reserved_bits_set(FORMATS[Opcode.HALT], words)
    engine[halts] = HALT
    tables: list[Any] = []
    for opcode, kind in ENGINE_OF.items():
        layout = FORMATS[opcode]
        places = np.flatnonzero(opcodes == opcode)
        table = np.zeros((1, len(layout.fields)), np.int64)
        if len(places):
            own = words[:, places]
            values = _values(layout, own)
            fields = dict(zip(_names(opcode), values, strict=True))
            legal = ~_illegal(machine, kind, layout, own, fields)
            engine[places[legal]] = kind
            table = np.zeros((int(legal.sum()) + 1, len(layout.fields)), np.int64)
            table[:-1] = values[:, legal].T
        tables.append(table.view(fields_dtype(opcode)).reshape(-1))
    masks = np.zeros((2, ENGINE_COUNT, max(1, *(len(table) - 1 for table in tables))), dtype=np.int64)
    for number, table in enumerate(tables):
        masks[0, number, : len(table) - 1] = table["wait"][:-1]
        masks[1, number, : len(table) - 1] = table["send"][:-1]
    return Program(engine, masks[0], masks[1], *tables)


@cache
def fields_dtype(opcode: Opcode) -> Any:
    """Return the dtype of decoded instructions of a kind: a record with every field as int64."""
    return record(**{entry.name: () for entry in FORMATS[opcode].fields})


class _Places(NamedTuple):
    """Where the fields of a format lie, an item (a row, in int64[fields, 1]) for each."""

    word: Int64Array
    shift: Words
    mask: Words
    offset: Int64Array
    sign: Int64Array


@cache
def _places(opcode: Opcode) -> _Places:
    fields = FORMATS[opcode].fields
    offsets = np.array(list(FORMATS[opcode].offsets().values()), np.int64)
    column = np.array([
        ((1 << entry.bits) - 1, entry.kind is FieldKind.COUNT, (entry.kind is FieldKind.SIGNED) << (entry.bits - 1))
        for entry in fields
    ], np.int64)
    word, shift = np.divmod(offsets, WORD_BITS)
    mask = column[:, :1].astype(np.uint64)
    return _Places(word, shift.astype(np.uint64)[:, None], mask, column[:, 1:2], column[:, 2:3])


@cache
def _names(opcode: Opcode) -> tuple[str, ...]:
    return tuple(entry.name for entry in FORMATS[opcode].fields)


def _values(layout: Format, words: Words) -> Int64Array:
    """Return int64[fields, n], every field of a format (counts as counts)."""
    places = _places(layout.opcode)
    bits = words[places.word] >> places.shift
    # A field may go on in the next word; where it does not, the mask leaves nothing of that.
    following = words[np.minimum(places.word + 1, len(words) - 1)]
    bits |= following << np.uint64(1) << (np.uint64(WORD_BITS - 1) - places.shift)
    values = (bits & places.mask).astype(np.int64)
    values += places.offset
    values -= (values & places.sign) << 1
    return values


@cache
def _enumerations(opcode: Opcode) -> tuple[tuple[str, int], ...]:
    """Return name and largest legal value of each enumerated field; the legal values begin at 0 and leave none out."""
    found = tuple((entry.name, entry.legal) for entry in FORMATS[opcode].fields if entry.legal is not None)
    assert all(sorted(legal) == list(range(len(legal))) for _, legal in found)
    return tuple((name, len(legal) - 1) for name, legal in found)


@cache
def _reserved_bits(opcode: Opcode) -> Words:
    """Return uint64[INSTRUCTION_BITS / 64, 1] with a one for each bit above the last field."""
    reserved = (1 << INSTRUCTION_BITS) - (1 << FORMATS[opcode].used_bits)
    return np.frombuffer(reserved.to_bytes(INSTRUCTION_BYTES, "little"), dtype="<u8")[:, None]


def _reserved_bits_set(layout: Format, words: Words) -> npt.NDArray[np.bool_]:
    result: npt.NDArray[np.bool_] = np.not_equal(words & _reserved_bits(layout.opcode), 0).any(axis=0)
    return result


def _illegal(machine: Machine, engine: Engine, layout: Format, words: Words, fields: Any) -> npt.NDArray[np.bool_]:
    """Return which instructions of one kind are illegal (docs/units/control.md)."""
    illegal = _reserved_bits_set(layout, words)
    illegal |= ((fields["wait"] | fields["send"]) >> int(engine) & 1) == 1
    for name, largest in _enumerations(layout.opcode):
        illegal |= fields[name] > largest
    if engine in (Engine.LOAD, Engine.STORE):
        illegal |= fields["window_bytes"] == 0
        illegal |= fields["lane_offset"] + fields["window_bytes"] > machine.block_bytes
    if engine is Engine.LOAD:
        whole_words = (fields["window_bytes"] == machine.block_bytes) & (fields["lane_offset"] == 0)
        illegal |= (fields["space"] != LoadSpace.SCRATCHPAD) & ~whole_words
    if engine is Engine.VECTOR:
        needs_two = (fields["use_residual"] == 1) | (fields["source"] == VectorSource.ACCUMULATOR)
        illegal |= (fields["reduce"] == VectorReduce.MAC) & needs_two
        illegal |= (fields["table"] != 0) & (fields["use_residual"] == 1)
        illegal |= (fields["subtract"] == 1) & (fields["use_residual"] == 0)
    return illegal
