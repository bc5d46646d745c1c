"""Memory for random programs: noise, but for parameter entries with which not every result saturates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from machine.config import Machine
from machine.isa import INSTRUCTION_BYTES, Instruction, LoadSpace, Opcode, encode
from machine.numerics import ADD_LEFT_SHIFT
from runtime.fuzz.random_programs import MEMORY_BYTES

Words = npt.NDArray[np.uint32]


def random_image(
    machine: Machine, instructions: Sequence[Instruction], seed: int, memory_bytes: int = MEMORY_BYTES
) -> npt.NDArray[np.uint8]:
    """Return uint8[memory_bytes]: the program at 0, then noise, with designed entries where it loads parameters from.

    An entry is designed as a record if a residual addition of the program names it, otherwise for channels.
    """
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, memory_bytes, dtype=np.uint8)
    code_bytes = INSTRUCTION_BYTES * len(instructions)
    image[:code_bytes] = np.frombuffer(b"".join(map(encode, instructions)), np.uint8)
    records = {i["record"] for i in instructions if i.opcode is Opcode.VECTOR and i["use_residual"]}
    entry_words, entry_bytes = 4 * machine.parameter_words_per_section, 16 * machine.columns
    for load in instructions:
        if load.opcode is not Opcode.LOAD or load["space"] != LoadSpace.PARAMETERS:
            continue
        first = load["destination"] // entry_words
        for index in range(load["words"] // entry_words):
            address = load["memory_address"] + index * entry_bytes
            design = _record if first + index in records else _channels
            if code_bytes <= address <= memory_bytes - entry_bytes:
                image[address : address + entry_bytes] = design(rng, machine.columns).view(np.uint8).reshape(-1)
    return image


def _noise(rng: np.random.Generator, columns: int) -> Words:
    return rng.integers(0, 1 << 32, (4, columns), dtype=np.uint32)


def _channels(rng: np.random.Generator, columns: int) -> Words:
    """Return an entry of channels, uint32[4 sections, columns]: factors of 1/4 down to 2**-12."""
    entry = _noise(rng, columns)
    entry[0] = rng.integers(-200, 200, columns).astype(np.uint32)
    entry[1] |= 1 << 30
    entry[2] = entry[2] & ~np.uint32(0x1F1F) | rng.integers(1, 12, columns, dtype=np.uint32) << 8
    return entry


def _record(rng: np.random.Generator, columns: int) -> Words:
    """Return the record of an addition, uint32[4 sections, columns]: operands times 2**20 / 4 and more, and back."""
    entry = _noise(rng, columns)
    entry[0, :3] |= 1 << 30
    low, high = sorted(rng.integers(-128, 128, 2).tolist())
    shifts = ((ADD_LEFT_SHIFT, ADD_LEFT_SHIFT, 0), (*rng.integers(0, 2, 2).tolist(), ADD_LEFT_SHIFT))
    for section, lanes in enumerate(shifts, start=1):
        entry[section, :3] = entry[section, :3] & ~np.uint32(31) | np.array(lanes, np.uint32)
    for section, value in enumerate((int(rng.integers(-64, 64)), low, high)):
        entry[section, 3] = entry[section, 3] & ~np.uint32(255) | np.uint32(value & 255)
    return entry
