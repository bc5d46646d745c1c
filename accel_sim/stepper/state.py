"""Registers and wires of the stepper: one record of int64 values for each unit, all of them together in one `STATE`.

Registers hold what is visible in the current cycle; only the units' `update` functions change them, after all events
of the cycle are known. `EVENTS` holds the wires: what happens in the current cycle. Times are absolute cycles. A time
that is "the last cycle of something" is compared with the current cycle, so it needs no flag beside it: in cycle 0
everything has ended.
"""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from machine.config import BURST_BYTES, STORE_BUFFERS, TOKEN_LIMIT, Machine
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES, Engine
from machine.registers import EngineState, Status


def _index(value: int) -> int:
    """Return an index that Numba does not take for a constant: it would compile a function for each constant."""
    return cast(int, np.int64(value))


LOAD = _index(Engine.LOAD)
WEIGHTS = _index(Engine.WEIGHTS)
MATRIX = _index(Engine.MATRIX)
VECTOR = _index(Engine.VECTOR)
STORE = _index(Engine.STORE)
FETCH = _index(ENGINE_COUNT)
"""Owner of a read burst: an engine's index, or FETCH."""
NONE = -1

NO_REQUEST, GRANTED, DENIED_BANK, DENIED_HALF = 0, 1, 2, 3
"""Values of `events.claim`: what became of an engine's request for its ports."""

IDLE = int(EngineState.IDLE)
BUSY = int(EngineState.BUSY)
START = int(EngineState.START)
WAIT_TOKEN = int(EngineState.WAIT_TOKEN)
WAIT_BANK = int(EngineState.WAIT_BANK)
WAIT_ACCUMULATOR = int(EngineState.WAIT_ACCUMULATOR)
WAIT_MEMORY = int(EngineState.WAIT_MEMORY)
WAIT_WEIGHTS = int(EngineState.WAIT_WEIGHTS)
WAIT_SHIFT = int(EngineState.WAIT_SHIFT)
WAIT_ROOM = int(EngineState.WAIT_ROOM)
DRAIN = int(EngineState.DRAIN)

RUNNING = int(Status.RUNNING)
DONE = int(Status.DONE)
ILLEGAL_INSTRUCTION = int(Status.ILLEGAL_INSTRUCTION)
ADDRESS_ERROR = int(Status.ADDRESS_ERROR)
TOKEN_OVERFLOW = int(Status.TOKEN_OVERFLOW)
DEADLOCK = int(Status.DEADLOCK)

MAXIMUM_BANKS = 16
MAXIMUM_OUTSTANDING = 64
PIPELINE = 32
"""Ring of retirement times: at least the instructions that are in the vector or matrix pipeline together."""
PASSES = 8
"""Ring of matrix passes: at least those whose rows are on their way to the accumulators together."""


def _record(**shapes: tuple[int, ...]) -> Any:
    return np.dtype((np.record, np.dtype([(name, np.int64, shape) for name, shape in shapes.items()], align=True)))


SETUP = _record(
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
    program_address=(),
    program_length=(),  # instructions
    memory_limit=(),  # bytes
)
"""What does not change during a run: sizes of the machine, host registers."""

CONTROL = _record(
    fetch_next=(),  # index of the next instruction to request
    fetch_free=(),  # free slots of the fetch buffer
    fetch_beats=(),  # beats of the program that have arrived
    head=(),  # index of the oldest instruction in the fetch buffer
    dispatched=(ENGINE_COUNT,),  # instructions that have entered each engine's queue since the start
    issued=(ENGINE_COUNT,),  # ... and left it: the queue holds the difference
    retired=(ENGINE_COUNT,),
    token=(ENGINE_COUNT, ENGINE_COUNT),  # token[p, q]: signals from p to q
    quiet=(),  # consecutive quiet cycles
)

MEMORY = _record(
    credit=(),
    reads=(),  # read bursts outstanding
    read_first=(),  # ring: index of the oldest
    read_owner=(MAXIMUM_OUTSTANDING,),
    read_left=(MAXIMUM_OUTSTANDING,),  # beats that have not arrived
    read_due=(MAXIMUM_OUTSTANDING,),  # first cycle in which its first beat may arrive
    writes=(),  # write bursts outstanding
    write_first=(),
    write_response=(MAXIMUM_OUTSTANDING,),  # cycle of the response
    write_retires=(MAXIMUM_OUTSTANDING,),  # 1: the last burst of its instruction
    read_beats=(),  # counters
    write_beats=(),
)

CLAIMS = _record(
    read_until=(ENGINE_COUNT, MAXIMUM_BANKS),  # last cycle in which the engine holds the bank's read port
    write_until=(ENGINE_COUNT, MAXIMUM_BANKS),
    half_until=(ENGINE_COUNT, MAXIMUM_BANKS),  # by half; as long as the others, so that one function reads all
    read_granted=(),  # wires: banks and halves granted in this cycle, a bit each
    write_granted=(),
    half_granted=(),
)

LOAD_STATE = _record(
    active=(),  # request side
    instruction=(),  # index of the active instruction among the loads
    line1=(),
    line2=(),
    line3=(),
    offset=(),  # bytes of the line that have been requested
    free_beats=(),
    arrived=(),  # beats since the start
    write_instruction=(),  # write side
    write_line1=(),
    write_line2=(),
    write_line3=(),
    word=(),  # words of the line whose segments have been granted
    line_base=(),  # beats of all lines before this one
    line_freed=(),  # beats of this line that are free, or will be at the end of the access going on
    access_last=(),  # cycle of the last access of the segment granted last
    access_frees=(),  # beats that are freed in that cycle
    access_retires=(),  # 1: its instruction retires in that cycle
)

WEIGHTS_STATE = _record(
    active=(),
    instruction=(),
    offset=(),  # bytes that have been requested
    free_beats=(),
    requested=(),  # beats granted since the start
    arrived=(),
    retired_beats=(),  # beats of all retired instructions
)

MATRIX_STATE = _record(
    active=(),
    instruction=(),
    block=(),
    tap0=(),
    tap1=(),
    tap2=(),
    shadow_full=(),
    tiles=(),  # tiles whose shift has started
    shift_last=(),  # last cycle of the shift that started last
    read_last=(),  # cycle in which the last row of the pass granted last is read
    retire=(PIPELINE,),  # cycle of retirement, by instruction
    passes=(),  # passes granted since the start
    pass_first=(PASSES,),  # first and last access of a pass to the accumulators, by pass
    pass_last=(PASSES,),
)

VECTOR_STATE = _record(
    active=(),
    instruction=(),
    read_last=(),
    retire=(PIPELINE,),
)

STORE_STATE = _record(
    active=(),
    instruction=(),
    line1=(),
    line2=(),
    line3=(),
    offset=(),  # bytes of the line whose reads have been granted
    read_last=(),
    taken=(),  # burst buffers taken
    waiting=(),  # bursts that have no write address yet
    first=(),  # ring: index of the oldest of them
    burst_complete=(STORE_BUFFERS,),  # first cycle in which the burst may be granted
    burst_beats=(STORE_BUFFERS,),
    burst_retires=(STORE_BUFFERS,),
    beat_last=(),  # cycle of the last W beat of the burst granted last
)

EVENTS = _record(
    dispatched=(),  # engine whose queue takes the head of the fetch buffer, or NONE
    halt=(),  # the head of the fetch buffer is halt
    illegal=(),
    address_error=(),
    beat=(),  # owner of the R beat, or NONE
    response=(),  # a write is answered
    presented=(ENGINE_COUNT + 1,),  # beats of the read burst that each owner presents, 0 if none
    last_burst=(ENGINE_COUNT,),  # the burst that the engine presents is the last of its instruction
    read_granted=(),  # owner, or NONE
    write_granted=(),
    claim=(ENGINE_COUNT,),
    finished=(ENGINE_COUNT,),  # the active instruction needs the front of the engine no longer
    issued=(ENGINE_COUNT,),
    retired=(ENGINE_COUNT,),
    shift=(),  # a weight shift starts
)

STATE = np.dtype(
    (
        np.record,
        np.dtype(
            [
                ("setup", SETUP),
                ("control", CONTROL),
                ("memory", MEMORY),
                ("claims", CLAIMS),
                ("load", LOAD_STATE),
                ("weights", WEIGHTS_STATE),
                ("matrix", MATRIX_STATE),
                ("vector", VECTOR_STATE),
                ("store", STORE_STATE),
                ("events", EVENTS),
            ],
            align=True,
        ),
    )
)

BURST = BURST_BYTES
BURST_INSTRUCTIONS = BURST_BYTES // INSTRUCTION_BYTES
LARGEST_TOKEN = TOKEN_LIMIT


def initial_state(machine: Machine, program_address: int, program_length: int, memory_limit: int) -> Any:
    """Return the record `STATE[1]` of a machine whose start is written in cycle 0."""
    state = np.zeros(1, dtype=STATE)
    setup = state[0].setup
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
    setup.program_address = program_address
    setup.program_length = program_length
    setup.memory_limit = memory_limit
    state[0].control.fetch_free = machine.fetch_buffer_instructions
    state[0].memory.credit = machine.bus_rate_denominator
    state[0].load.free_beats = machine.load_buffer_beats
    state[0].weights.free_beats = machine.weight_fifo_beats
    return state
