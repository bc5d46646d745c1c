"""From encoded instructions to what the stepper reads: legality, one array of records for each engine, token masks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from accel_sim.timing.setup import record
from machine.config import Machine
from machine.errors import ProgramError
from machine.isa import (
    ENGINE_COUNT,
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
    for kind in Engine:
        layout = FORMATS[Opcode(kind + 1)]
        places = np.flatnonzero(opcodes == layout.opcode)
        own = words[:, places]
        table = _fields(layout, own)
        legal = ~_illegal(machine, kind, layout, own, table)
        engine[places[legal]] = kind
        tables.append(table[legal])
    most = max(1, *(len(table) for table in tables))
    masks = np.zeros((2, ENGINE_COUNT, most), dtype=np.int64)
    for number, table in enumerate(tables):
        masks[0, number, : len(table)] = table["wait"]
        masks[1, number, : len(table)] = table["send"]
    ended = [np.append(table, np.zeros(1, dtype=table.dtype)) for table in tables]
    return Program(engine, masks[0], masks[1], *ended)


def fields_dtype(layout: Format) -> Any:
    """Return the dtype of decoded instructions of a format: a record with every field as int64."""
    return record(**{entry.name: () for entry in layout.fields})


def _fields(layout: Format, words: Words) -> Any:
    """Return an array of records with every field of a format as int64 (counts as counts)."""
    table = np.zeros(words.shape[1], dtype=fields_dtype(layout))
    for entry, position in zip(layout.fields, layout.offsets().values(), strict=True):
        word, shift = divmod(position, WORD_BITS)
        bits = words[word] >> np.uint64(shift)
        if shift + entry.bits > WORD_BITS:
            bits |= words[word + 1] << np.uint64(WORD_BITS - shift)
        values = (bits & np.uint64((1 << entry.bits) - 1)).astype(np.int64)
        if entry.kind is FieldKind.COUNT:
            values += 1
        elif entry.kind is FieldKind.SIGNED:
            values -= (values >> (entry.bits - 1)) << entry.bits
        table[entry.name] = values
    return table


def _reserved_bits_set(layout: Format, words: Words) -> npt.NDArray[np.bool_]:
    reserved = (1 << INSTRUCTION_BITS) - (1 << layout.used_bits)
    mask = np.frombuffer(reserved.to_bytes(INSTRUCTION_BYTES, "little"), dtype="<u8")
    result: npt.NDArray[np.bool_] = np.not_equal(words & mask[:, None], 0).any(axis=0)
    return result


def _illegal(machine: Machine, engine: Engine, layout: Format, words: Words, fields: Any) -> npt.NDArray[np.bool_]:
    """Return which instructions of one kind are illegal (docs/units/control.md)."""
    illegal = _reserved_bits_set(layout, words)
    illegal |= ((fields["wait"] | fields["send"]) >> int(engine) & 1) == 1
    for entry in layout.fields:
        if entry.legal is not None:
            illegal |= ~np.isin(fields[entry.name], entry.legal)
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
