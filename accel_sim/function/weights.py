"""Weights: memory to the weight FIFO (docs/units/weights.md)."""

from __future__ import annotations

import numpy as np

from accel_sim.function.state import State
from machine.isa import Instruction


def execute_weights(state: State, instruction: Instruction) -> None:
    """Push the instruction's tiles, zero point subtracted, into the FIFO."""
    machine = state.machine
    start = instruction["memory_address"] // machine.bus_bytes * machine.bus_bytes
    end = start + instruction["tiles"] * machine.tile_bytes
    if end > state.memory.shape[1]:
        raise IndexError(f"reads to byte {end} of {state.memory.shape[1]}")
    weights = state.memory[0, start:end].view(np.int8).astype(np.int16) - np.int16(instruction["zero_point"])
    state.weight_tiles.extend(weights.reshape(-1, machine.rows, machine.columns))
