"""Small programs written by hand, with the memory that they start from and what must come out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machine import numerics
from machine.config import Machine
from machine.isa import Engine, Instruction, Opcode, VectorSource, encode, make

MEMORY_BYTES = 1 << 15
INPUT, PARAMETERS, WEIGHTS, OUTPUT = 0x1000, 0x2000, 0x3000, 0x4005

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class SmallProgram:
    """A program, the memory before it, and the memory after it."""

    instructions: list[Instruction]
    memory: Bytes
    expected: Bytes


def to(*engines: Engine) -> int:
    """Return a token mask."""
    return sum(1 << engine for engine in engines)


def _place(memory: Bytes, address: int, data: bytes) -> None:
    memory[address : address + len(data)] = np.frombuffer(data, dtype=np.uint8)


def _program(
    instructions: list[Instruction], memory: Bytes, output: bytes = b"", address: int = OUTPUT
) -> SmallProgram:
    _place(memory, 0, b"".join(map(encode, instructions)))
    expected = memory.copy()
    _place(expected, address, output)
    return SmallProgram(instructions, memory, expected)


def halt_only() -> SmallProgram:
    """Nothing but halt."""
    return _program([make(Opcode.HALT)], np.zeros(MEMORY_BYTES, dtype=np.uint8))


def copy(machine: Machine, words: int, seed: int = 1) -> SmallProgram:
    """Load words from an odd address and store them to another."""
    rng = np.random.default_rng(seed)
    memory = rng.integers(0, 256, MEMORY_BYTES, dtype=np.uint8)
    block, step = machine.block_bytes, machine.granules_per_word
    instructions = [
        make(
            Opcode.LOAD,
            send=to(Engine.STORE),
            memory_address=INPUT + 3,
            line_bytes=words * block,
            words=words,
            window_bytes=block,
            window_stride=block,
        ),
        make(
            Opcode.STORE,
            wait=to(Engine.LOAD),
            memory_address=OUTPUT,
            source_span=(words - 1) * step,
            words=words,
            word_stride=step,
            window_bytes=block,
        ),
        make(Opcode.HALT),
    ]
    data = memory[INPUT + 3 : INPUT + 3 + words * block].tobytes()
    return _program(instructions, memory, data)


def layer(machine: Machine, results: int = 8, seed: int = 2, output: int = 0x4000) -> SmallProgram:
    """A fully connected layer of one weight tile through every engine (square machines)."""
    assert machine.rows == machine.columns
    n = machine.rows
    rng = np.random.default_rng(seed)
    memory = np.zeros(MEMORY_BYTES, dtype=np.uint8)
    x = rng.integers(-128, 128, (results, n), dtype=np.int8)
    w = rng.integers(-128, 128, (n, n), dtype=np.int8)
    bias = rng.integers(-5000, 5000, n, dtype=np.int32)
    multiplier = rng.integers(1 << 30, 1 << 31, n, dtype=np.int64)
    left, right = rng.integers(0, 2, n, dtype=np.int64), rng.integers(8, 11, n, dtype=np.int64)
    _place(memory, INPUT, x.tobytes())
    _place(memory, WEIGHTS, w.tobytes())
    shifts = (left | right << 8).astype(np.int32)
    _place(memory, PARAMETERS, bias.tobytes() + multiplier.astype(np.int32).tobytes() + shifts.tobytes())
    x_zero, w_zero, y_zero = -7, 3, 11
    products = (x.astype(np.int32) - x_zero) @ (w.astype(np.int32) - w_zero)
    y = numerics.finish(products, bias, multiplier, left, right, y_zero, -128, 127)
    destination = machine.scratchpad_granules // 2
    instructions = [
        make(
            Opcode.LOAD,
            send=to(Engine.MATRIX),
            memory_address=INPUT,
            line_bytes=results * n,
            words=results,
            window_bytes=n,
            window_stride=n,
        ),
        make(
            Opcode.LOAD,
            send=to(Engine.VECTOR),
            space=1,
            memory_address=PARAMETERS,
            line_bytes=12 * n,
            words=12,
            window_bytes=n,
            window_stride=n,
        ),
        make(Opcode.WEIGHTS, memory_address=WEIGHTS, zero_point=w_zero),
        make(
            Opcode.MATRIX,
            wait=to(Engine.LOAD),
            send=to(Engine.VECTOR),
            a_span=results - 1,
            row_count0=results,
            row_stride0=1,
            zero_point=x_zero,
        ),
        make(
            Opcode.VECTOR,
            wait=to(Engine.LOAD, Engine.MATRIX),
            send=to(Engine.STORE),
            source=VectorSource.ACCUMULATOR,
            rescale=1,
            x_count=results,
            a_span=results - 1,
            a_x_stride=1,
            d=destination,
            d_span=results - 1,
            d_x_stride=1,
            zero_point=y_zero,
            low=-128,
            high=127,
        ),
        make(
            Opcode.STORE,
            wait=to(Engine.VECTOR),
            memory_address=output,
            source=destination,
            source_span=results - 1,
            words=results,
            word_stride=1,
            window_bytes=n,
        ),
        make(Opcode.HALT),
    ]
    return _program(instructions, memory, y.tobytes(), output)
