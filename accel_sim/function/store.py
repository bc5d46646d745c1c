"""Store: scratchpad to memory (docs/units/store.md)."""

from __future__ import annotations

import numpy as np

from accel_sim.function.state import State, line_offsets, scratchpad_addresses
from machine.isa import Instruction


def execute_store(state: State, instruction: Instruction) -> None:
    """Execute one store instruction."""
    machine = state.machine
    width, words = instruction["window_bytes"], instruction["words"]
    memory_offsets, local_offsets = line_offsets(instruction, "source")
    steps = local_offsets[:, None] + np.arange(words, dtype=np.int64) * instruction["word_stride"]
    sources = scratchpad_addresses(instruction["source"], steps) // machine.granules_per_word
    lanes = slice(instruction["lane_offset"], instruction["lane_offset"] + width)
    read = state.scratchpad.take(sources, axis=1)[..., lanes]
    values = read.reshape(state.memory.shape[0], memory_offsets.size, words * width)
    starts = (instruction["memory_address"] + memory_offsets) & 0xFFFFFFFF
    if starts.max() + words * width > state.memory.shape[1]:
        raise IndexError(f"writes to byte {starts.max() + words * width} of {state.memory.shape[1]}")
    for line, start in enumerate(starts):
        state.memory[:, start : start + words * width] = values[:, line]
