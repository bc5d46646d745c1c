"""States to start from, and the comparison of the function simulator with the literal interpreter."""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt

from accel_sim.function import State, execute_instruction
from machine.config import Machine, load_machine
from machine.isa import Instruction
from machine.numerics import Rescale, add_rescale
from runtime.fuzz.random_programs import MEMORY_BYTES
from tests.accel_sim.function.literal import LiteralMachine

NAMES = ["nano4", "edge4x8", "edge8x4"]
MACHINES = {name: load_machine(name) for name in NAMES}
SAMPLES = 2
RECORDS = 8
"""The last entries of a random state's parameter memory are records of residual additions."""
SHARED_BYTES = MEMORY_BYTES // 2
"""Bytes of memory that all samples have in common: weights and parameters are taken from there."""


def lanes(state: State) -> npt.NDArray[np.int32]:
    """Return the parameter memory as int32[entries, 4 sections, columns], a view."""
    machine = state.machine
    return state.parameters.reshape(-1).view("<i4").reshape(machine.parameter_entries, 4, machine.columns)


def words(rng: np.random.Generator, *shape: int) -> npt.NDArray[np.int32]:
    return rng.integers(-(1 << 31), 1 << 31, shape).astype(np.int32)


def shift_words(rng: np.random.Generator, left: npt.ArrayLike, right: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Return shift words of channel parameters, with noise in the bits that are ignored."""
    value = np.asarray(left) | np.asarray(right) << 8
    return (words(rng, *value.shape) & ~0x1F1F | value).astype(np.int32)


def random_state(machine: Machine, seed: int) -> State:
    """Return a state with random memories: small accumulators, sensible channel parameters and addition records."""
    rng = np.random.default_rng(seed)
    memory = rng.integers(0, 256, (SAMPLES, MEMORY_BYTES), np.uint8)
    memory[:, :SHARED_BYTES] = memory[0, :SHARED_BYTES]
    state = State.create(machine, memory)
    state.scratchpad[:] = rng.integers(0, 256, state.scratchpad.shape, np.uint8)
    state.accumulators[:] = rng.integers(-(1 << 16), 1 << 16, state.accumulators.shape)
    state.tables[:] = rng.integers(0, 256, state.tables.shape, np.uint8)
    entry = lanes(state)
    shape = (machine.parameter_entries, machine.columns)
    entry[:, 3] = words(rng, *shape)
    entry[:, 0] = rng.integers(-500, 500, shape)
    entry[:, 1] = words(rng, *shape) | 1 << 30
    entry[:, 2] = shift_words(rng, rng.integers(0, 3, shape), rng.integers(0, 12, shape))
    for number in range(machine.parameter_entries - RECORDS, machine.parameter_entries):
        a, b, out = rng.uniform(0.5, 2, 3)
        scales = add_rescale(a, b, out)
        low, high = sorted(int(v) for v in rng.integers(-128, 128, 2))
        write_record(state, rng, number, [scales.a, scales.b, scales.out], int(rng.integers(-128, 128)), low, high)
    return state


def write_record(
    state: State, rng: np.random.Generator, number: int, rescales: list[Rescale], zero_point: int, low: int, high: int
) -> None:
    """Write the record of a residual addition, with noise in the bits that are ignored."""
    entry = lanes(state)[number]
    entry[:3] = words(rng, 3, state.machine.columns)
    for lane, rescale in enumerate(rescales):
        entry[0, lane] = entry[0, lane] & -(1 << 31) | rescale.multiplier
        entry[1, lane] = entry[1, lane] & ~31 | rescale.left
        entry[2, lane] = entry[2, lane] & ~31 | rescale.right
    for section, value in enumerate((zero_point, low, high)):
        entry[section, 3] = entry[section, 3] & ~255 | value & 255


def literal_of(state: State, sample: int) -> LiteralMachine:
    """Return the literal machine in the state of one sample."""
    literal = LiteralMachine(state.machine, bytearray(state.memory[sample].tobytes()))
    literal.scratchpad = bytearray(state.scratchpad[sample].tobytes())
    literal.accumulators = state.accumulators[sample].tolist()
    literal.parameters = bytearray(state.parameters.tobytes())
    literal.tables = bytearray(state.tables.tobytes())
    literal.fifo = deque(tile.tolist() for tile in state.weight_tiles)
    return literal


def assert_equal(state: State, literal: LiteralMachine, sample: int) -> None:
    assert state.memory[sample].tobytes() == bytes(literal.memory)
    assert state.scratchpad[sample].tobytes() == bytes(literal.scratchpad)
    assert state.accumulators[sample].tolist() == literal.accumulators
    assert state.parameters.tobytes() == bytes(literal.parameters)
    assert state.tables.tobytes() == bytes(literal.tables)
    assert [tile.tolist() for tile in state.weight_tiles] == list(literal.fifo)


def check(state: State, *instructions: Instruction) -> None:
    """Execute instructions in both; compare all memories of all samples."""
    literals = [literal_of(state, sample) for sample in range(state.memory.shape[0])]
    for instruction in instructions:
        execute_instruction(state, instruction)
    for sample, literal in enumerate(literals):
        literal.run(list(instructions))
        assert_equal(state, literal, sample)


def results(state: State, instruction: Instruction) -> npt.NDArray[np.int8]:
    """Return the results of a vector instruction with d = 0 and one result after the other."""
    count = instruction["blocks"] * instruction["y_count"] * instruction["x_count"]
    columns = state.machine.columns
    return state.scratchpad.view(np.int8).reshape(SAMPLES, -1, columns)[:, :count].reshape(SAMPLES, count, columns)
