"""What hand-written programs for nano4 are made of: a memory image, and instructions with few fields to give.

nano4: words of 4 bytes, 8 banks of 256 words, two accumulator halves of 64 rows, 64 weight tiles, two tables of 64
words, a 4-byte bus. Memory: instructions at 0, random data from DATA, then an entry of channel parameters at CHANNELS
and the record of an addition at RECORD with which few results saturate, every byte once at VALUES, results from RESULT.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from machine.config import load_machine
from machine.isa import Engine, Instruction, LoadSpace, Opcode, encode, make
from machine.program import Program
from machine.registers import EngineState, Status

DATA, CHANNELS, RECORD, VALUES, RESULT, MEMORY_BYTES = 0x2000, 0x7E00, 0x7E40, 0x7F00, 0x8000, 0x10000
BANK = 256
TABLE = 64
"""Words of a table."""
L, W, M, V, S = (1 << engine for engine in Engine)
NANO4 = load_machine("nano4")


@dataclass(frozen=True)
class Case:
    """A program and the (engine, state) that it is there to show."""

    name: str
    instructions: list[Instruction]
    engine: Engine
    state: EngineState


@dataclass(frozen=True)
class Ending:
    """A program that ends with an error."""

    name: str
    instructions: list[Instruction]
    status: Status


_CHANNELS = [[-3, 5, 40, -90], [1 << 30, 3 << 29, (1 << 31) - 1, 5 << 28], [1 << 8, 2 << 8, 3 << 8 | 1, 1 << 8]]
"""Bias, multiplier, shifts: right << 8 | left."""
_RECORD = [[5 << 28, 7 << 28, 3 << 29, -5], [20, 20, 0, -110], [0, 1, 20, 100]]
"""Of A, B and the result, and in the last lane the zero point and the clamps."""


def image_of(instructions: list[Instruction], seed: int = 7) -> np.ndarray:
    """Memory image uint8[MEMORY_BYTES]: the program, then seeded noise, and what the module's text says."""
    image = np.zeros(MEMORY_BYTES, np.uint8)
    noise = np.random.default_rng(seed).integers(0, 256, MEMORY_BYTES - DATA, dtype=np.uint8)
    image[DATA:] = noise
    for address, sections in ((CHANNELS, _CHANNELS), (RECORD, _RECORD)):
        image[address : address + 48] = np.array(sections, "<i4").view(np.uint8).reshape(-1)
    image[VALUES : VALUES + 256] = np.arange(256)
    code = b"".join(encode(instruction) for instruction in instructions)
    assert len(code) <= DATA
    image[: len(code)] = np.frombuffer(code, np.uint8)
    return image


def program_of(instructions: list[Instruction]) -> Program:
    return Program.kernel(NANO4, instructions, image_of(instructions), MEMORY_BYTES, source="test")


def load(at: int, words: int, source: int = DATA, **fields: int) -> Instruction:
    given = {
        "memory_address": source,
        "line_bytes": 4 * words,
        "words": words,
        "destination": at,
        "window_bytes": 4,
        "window_stride": 4,
        **fields,
    }
    return make(Opcode.LOAD, **given)


def fill(at: int, words: int, **fields: int) -> Instruction:
    return make(Opcode.LOAD, **{"words": words, "destination": at, "window_bytes": 4, "fill": 5, **fields})


def weights(tiles: int, **fields: int) -> Instruction:
    return make(Opcode.WEIGHTS, memory_address=DATA, tiles=tiles, **fields)


def matrix(at: int, rows: int, taps: int = 1, **fields: int) -> Instruction:
    return make(
        Opcode.MATRIX,
        **{
            "a": at,
            "row_count0": rows,
            "row_stride0": 1,
            "a_span": rows - 1,
            "tap_count0": taps,
            "zero_point": 1,
            **fields,
        },
    )


def vector(at: int, count: int, to: int, **fields: int) -> Instruction:
    return make(
        Opcode.VECTOR,
        **{
            "a": at,
            "x_count": count,
            "a_x_stride": 1,
            "a_span": count - 1,
            "d": to,
            "d_x_stride": 1,
            "d_span": count - 1,
            "low": -128,
            "high": 127,
            **fields,
        },
    )


def drain(row: int, count: int, to: int, **fields: int) -> Instruction:
    return vector(row, count, to, source=1, rescale=1, **fields)


def store(at: int, words: int, to: int = RESULT, **fields: int) -> Instruction:
    return make(
        Opcode.STORE,
        **{
            "memory_address": to,
            "source": at,
            "words": words,
            "word_stride": 1,
            "source_span": words - 1,
            "window_bytes": 4,
            **fields,
        },
    )


def parameters(entries: int = 1, source: int = DATA, **fields: int) -> Instruction:
    given = {
        "space": LoadSpace.PARAMETERS,
        "memory_address": source,
        "line_bytes": 48,
        "words": 12,
        "window_bytes": 4,
        "window_stride": 4,
        "count1": entries,
        "memory_stride1": 48,
        "destination_stride1": 16,
        **fields,
    }
    return make(Opcode.LOAD, **given)


HALT = make(Opcode.HALT)
