"""What both models of time are given: indices of engines, states and statuses, and the record of a run's sizes."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from machine.config import ADDRESS_BITS, BURST_BYTES, TOKEN_LIMIT, Machine
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES, Engine
from machine.registers import EngineState, Status


def constant(value: int) -> int:
    """Return a number that Numba does not take for a literal: it would compile a function for each literal."""
    return cast(int, np.int64(value))


LOAD = constant(Engine.LOAD)
WEIGHTS = constant(Engine.WEIGHTS)
MATRIX = constant(Engine.MATRIX)
VECTOR = constant(Engine.VECTOR)
STORE = constant(Engine.STORE)
FETCH = constant(ENGINE_COUNT)
"""Owner of a read burst: an engine's index, or FETCH."""
NONE = -1

IDLE = constant(EngineState.IDLE)
BUSY = constant(EngineState.BUSY)
START = constant(EngineState.START)
WAIT_TOKEN = constant(EngineState.WAIT_TOKEN)
WAIT_BANK = constant(EngineState.WAIT_BANK)
WAIT_ACCUMULATOR = constant(EngineState.WAIT_ACCUMULATOR)
WAIT_MEMORY = constant(EngineState.WAIT_MEMORY)
WAIT_WEIGHTS = constant(EngineState.WAIT_WEIGHTS)
WAIT_SHIFT = constant(EngineState.WAIT_SHIFT)
WAIT_ROOM = constant(EngineState.WAIT_ROOM)
DRAIN = constant(EngineState.DRAIN)

RUNNING = int(Status.RUNNING)
DONE = int(Status.DONE)
ILLEGAL_INSTRUCTION = int(Status.ILLEGAL_INSTRUCTION)
ADDRESS_ERROR = int(Status.ADDRESS_ERROR)
TOKEN_OVERFLOW = int(Status.TOKEN_OVERFLOW)
DEADLOCK = int(Status.DEADLOCK)

MAXIMUM_BANKS = 16
MAXIMUM_OUTSTANDING = 64
MAXIMUM_DRAM_BANKS = 64

BURST = BURST_BYTES
BURST_INSTRUCTIONS = BURST_BYTES // INSTRUCTION_BYTES
LARGEST_TOKEN = TOKEN_LIMIT

ADDRESS_MASK = (1 << 32) - 1
SCRATCHPAD_MASK = (1 << ADDRESS_BITS) - 1
ROW_MASK = (1 << 16) - 1
"""Addresses of memory, granules of the scratchpad and accumulator rows wrap modulo these plus one."""


def record(**shapes: tuple[int, ...]) -> Any:
    """Return a dtype of int64 fields with the given shapes, whose items Numba takes as records."""
    return np.dtype((np.record, np.dtype([(name, np.int64, shape) for name, shape in shapes.items()], align=True)))


def record_of(**parts: Any) -> Any:
    """Return a dtype whose items are records of records."""
    return np.dtype((np.record, np.dtype(list(parts.items()), align=True)))


SETUP = record(
    rows=(),
    columns=(),
    bus_bytes=(),
    banks=(),
    bank_granules=(),
    granules_per_word=(),
    scratchpad_granules=(),
    half_rows=(),
    accumulator_rows=(),
    parameter_words=(),
    table_words=(),
    tile_beats=(),
    matrix_latency=(),  # cycles from the read of a row to its accumulator write
    read_latency=(),
    write_latency=(),
    outstanding=(),
    queue_depth=(),
    rate_numerator=(),
    rate_denominator=(),
    dram_banks=(),  # 0: no DRAM
    dram_row_bytes=(),
    dram_activate=(),
    dram_precharge=(),
    dram_refresh_interval=(),  # 0: no refresh
    dram_refresh=(),
    program_address=(),
    program_length=(),  # instructions
    memory_limit=(),  # bytes
)
"""What does not change during a run: sizes of the machine, host registers."""



def fill_setup(setup: Any, machine: Machine, program_address: int, program_length: int, memory_limit: int) -> None:
    """Write a run's sizes into a record `SETUP`."""
    setup.rows = machine.rows
    setup.columns = machine.columns
    setup.bus_bytes = machine.bus_bytes
    setup.banks = machine.scratchpad_banks
    setup.bank_granules = machine.bank_granules
    setup.granules_per_word = machine.granules_per_word
    setup.scratchpad_granules = machine.scratchpad_granules
    setup.half_rows = machine.accumulator_half_rows
    setup.accumulator_rows = machine.accumulator_rows
    setup.parameter_words = machine.parameter_entries * 4 * machine.parameter_words_per_section
    setup.table_words = machine.table_words
    setup.tile_beats = machine.tile_beats
    setup.matrix_latency = machine.matrix_latency_cycles
    setup.read_latency = machine.read_latency_cycles
    setup.write_latency = machine.write_latency_cycles
    setup.outstanding = machine.memory_outstanding
    setup.queue_depth = machine.queue_depth
    setup.rate_numerator = machine.bus_rate_numerator
    setup.rate_denominator = machine.bus_rate_denominator
    setup.dram_banks = machine.dram_banks
    setup.dram_row_bytes = machine.dram_row_bytes
    setup.dram_activate = machine.dram_activate_cycles
    setup.dram_precharge = machine.dram_precharge_cycles
    setup.dram_refresh_interval = machine.dram_refresh_interval_cycles
    setup.dram_refresh = machine.dram_refresh_cycles
    setup.program_address = program_address
    setup.program_length = program_length
    setup.memory_limit = memory_limit
