"""Load: memory to scratchpad, parameter or table memory, through windows over lines (docs/units/load.md)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel_sim.function.state import State, line_offsets, scratchpad_addresses
from machine.isa import Instruction, LoadSpace


def execute_load(state: State, instruction: Instruction) -> None:
    """Execute one load instruction."""
    machine = state.machine
    width = instruction["window_bytes"]
    line_bytes = instruction["line_bytes"]
    words = np.arange(instruction["words"], dtype=np.int64)
    memory_offsets, local_offsets = line_offsets(instruction, "destination")
    starts = (instruction["memory_address"] + memory_offsets) & 0xFFFFFFFF
    positions = words[:, None] * instruction["window_stride"] + np.arange(width) - instruction["window_pad"]
    inside = (positions >= 0) & (positions < line_bytes)
    constants = _constant_memory(state, LoadSpace(instruction["space"]))
    source = state.memory if constants is None else state.memory[:1]
    if inside.any():
        if starts.max() + line_bytes > state.memory.shape[1]:
            raise IndexError(f"reads to byte {starts.max() + line_bytes} of {state.memory.shape[1]}")
        addresses = starts[:, None, None] + np.where(inside, positions, 0)
        values = source.take(addresses, axis=1)
        if not inside.all():
            values = np.where(inside, values, np.uint8(instruction["fill"] & 0xFF))
    else:
        values = np.full((1, starts.size, words.size, width), instruction["fill"] & 0xFF, np.uint8)
    lanes = slice(instruction["lane_offset"], instruction["lane_offset"] + width)
    bases = scratchpad_addresses(instruction["destination"], local_offsets)
    if constants is not None:
        constants[bases[:, None] + words, lanes] = values[0]
        return
    destinations = bases[:, None] // machine.granules_per_word + words
    state.scratchpad[:, destinations, lanes] = values


def _constant_memory(state: State, space: LoadSpace) -> npt.NDArray[np.uint8] | None:
    """Return the memory that all samples share, uint8[words, block bytes]; None for the scratchpad."""
    if space is LoadSpace.SCRATCHPAD:
        return None
    return state.parameters if space is LoadSpace.PARAMETERS else state.tables
