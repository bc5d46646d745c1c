"""What the events kernel remembers: one record of int64 values for each unit, all of them together in one `STATE`.

Times are absolute cycles. Most of what the stepper finds out cycle by cycle is known here as soon as its cause is: a
granted read burst has the cycle of each of its beats, a pass its last row, a store burst its response. So the records
hold times, many of them in the future, and `wake` holds the next cycle in which each unit has anything to decide.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from accel_sim.events.tables import TABLES
from accel_sim.timing.setup import (
    MAXIMUM_BANKS,
    MAXIMUM_DRAM_BANKS,
    MAXIMUM_OUTSTANDING,
    NONE,
    SETUP,
    fill_setup,
    record,
    record_of,
)
from machine.config import STORE_BUFFERS, Machine
from machine.isa import ENGINE_COUNT
from machine.registers import STATE_COUNT

NEVER = 1 << 60
"""A cycle that does not come."""

ASK_FETCH, ASK_WEIGHTS, ASK_LOAD = 0, 1, 2
HEAD = 3
CLAIM_STORE, CLAIM_VECTOR, CLAIM_MATRIX, CLAIM_LOAD = 4, 5, 6, 7
SEND = 8
ISSUE = 9
RETIRE = ISSUE + ENGINE_COUNT
SLOTS = 24
"""Places of `control.wake`: who may present a read burst, the head of the fetch buffer, who may present a segment,
store's next write address, and from ISSUE and RETIRE on a place for each engine. There are more places than that (they
are never woken), so that the least of them is found in whole vector registers."""

NOT_DENIED, DENIED_BANK, DENIED_HALF = 0, 1, 2
"""Values of `denied`: whether the engine's segment has been asked for in vain, and why."""

RETIRING = 128
"""Ring of retirement times: at least the instructions of an engine whose retirement is known and still to come. Each
of those of weights and store has a burst outstanding (at most 64) or in a buffer; those of matrix and vector are in a
pipeline."""
FETCH_BUFFER = 64
"""Ring of the instructions in the fetch buffer: at least what the largest one holds."""
TILES = 1024
"""Ring of the weight tiles in the FIFO: at least what the largest one holds."""


CONTROL = record(
    wake=(SLOTS,),  # next cycle in which there is something to decide
    active_until=(),  # no cycle up to here is quiet
    fetch_next=(),  # index of the next instruction to request
    fetch_free=(),  # free slots of the fetch buffer
    complete=(FETCH_BUFFER,),  # cycle from which on a requested instruction is complete, by index
    head=(),  # index of the oldest instruction in the fetch buffer
    head_complete=(),  # cycle from which on it is complete, NEVER if it has not been requested
    halted=(),  # it is halt, and complete
    blocked=(),  # engine whose full queue it waits for, or NONE
    dispatched=(ENGINE_COUNT,),  # instructions that have entered each engine's queue since the start
    issued=(ENGINE_COUNT,),  # ... and left it: the queue holds the difference
    retired=(ENGINE_COUNT,),
    retire=(ENGINE_COUNT, RETIRING),  # ring: cycle of retirement, by instruction
    scheduled=(ENGINE_COUNT,),  # instructions whose retirement is known
    token=(ENGINE_COUNT, ENGINE_COUNT),  # token[p, q]: signals from p to q
    counters=(ENGINE_COUNT, STATE_COUNT),
    charged=(ENGINE_COUNT,),  # last cycle that the engine's counters include; ahead of time while it is busy
)

MEMORY = record(
    reads=(),  # read bursts that have not been passed over
    first=(),  # ring: index of the oldest
    owner=(MAXIMUM_OUTSTANDING,),
    beats=(MAXIMUM_OUTSTANDING,),
    due=(MAXIMUM_OUTSTANDING,),  # first cycle in which a beat is due and the bus has no older one
    credit=(MAXIMUM_OUTSTANDING,),  # credit in that cycle
    last=(MAXIMUM_OUTSTANDING,),  # cycle of the last beat
    arrived=(ENGINE_COUNT + 1,),  # beats of the bursts that have been passed over, by owner
    bus_last=(),  # cycle of the last beat that was granted
    bus_credit=(),  # credit after it
)

DRAM = record(
    free=(MAXIMUM_DRAM_BANKS,),  # first cycle in which the bank can begin
    row=(MAXIMUM_DRAM_BANKS,),  # the row that was opened last
    closes=(MAXIMUM_DRAM_BANKS,),  # cycle from which on it is open no longer; 0 before the first
)

HOLDS = record(
    store_first=(), store_end=(), store_until=(),  # banks [first, end) whose read ports store holds, last cycle
    matrix_first=(), matrix_end=(), matrix_until=(),
    vector_a_first=(), vector_a_end=(), vector_b_first=(), vector_b_end=(), vector_until=(),
    load_first=(), load_end=(), load_until=(),  # write ports
    vector_write_until=(MAXIMUM_BANKS,),  # write ports, by bank
    vector_half_until=(2,),  # accumulator halves
    matrix_half_until=(2,),
)

LOAD_STATE = record(
    active=(),  # request side
    instruction=(),  # index of the active instruction among the loads
    line1=(),
    line2=(),
    line3=(),
    line=(),  # memory address of the line
    offset=(),  # bytes of the line that have been requested
    beats=(),  # beats of the next burst
    free_beats=(),  # without those that are freed at `access_last`
    requested=(),  # beats granted since the start
    bursts=(),  # bursts granted since the start
    burst=(),  # the burst in which the latest needed beat is
    writing=(),  # instruction of the write side
    write_line1=(),
    write_line2=(),
    write_line3=(),
    word=(),  # words of the line whose segments have been granted
    needed=(),  # beats of the line that the next segment needs
    line_base=(),  # beats of all lines before this one
    line_freed=(),  # beats of this line that are free, or will be at `access_last`
    access_last=(),  # cycle of the last access of the segment granted last
    access_frees=(),  # beats that are freed in that cycle and not yet in `free_beats`
    denied=(),
)

WEIGHTS_STATE = record(
    active=(),
    instruction=(),
    address=(),  # first byte of the next burst
    end=(),  # end of all bytes of the instruction
    beats=(),  # beats of the next burst
    no_room=(),  # the next burst has no room
    free_beats=(),  # without the tile that is freed at `release`
    release=(),  # cycle from which on the tile of the shift going on is free, NEVER if there is none
    requested=(),  # beats granted since the start
    last_beat=(),  # cycle of the last of them
    tiles=(),  # tiles granted whole since the start
    present=(TILES,),  # ring: cycle from which on a tile is present
    charged_beats=(),  # beats that had arrived in cycle `charged`
)

MATRIX_STATE = record(
    active=(),
    instruction=(),
    block=(),
    tap0=(),
    tap1=(),
    tap2=(),
    rows=(),  # of each pass of the active instruction
    tiles=(),  # tiles whose shift has a time
    shift_first=(),  # first cycle of the shift that was scheduled last, NEVER while the next tile has no time
    shadow_full=(),  # cycle from which on the shadow registers hold the next tile, NEVER likewise
    read_last=(),  # cycle in which the last row of the pass granted last is read
    reading=(),  # its instruction
    denied=(),
)

VECTOR_STATE = record(
    active=(),
    instruction=(),
    read_last=(),
    reading=(),
    denied=(),
)

HISTORY = record(
    rows=(),  # address of int64[capacity, RUN_WORDS] (accel_sim/timing/history.py)
    capacity=(),  # 0: nothing is recorded
    count=(),  # rows written, and those for which there was no room
    last=(ENGINE_COUNT,),  # row of each engine's latest run, NONE for none
)

STORE_STATE = record(
    active=(),
    instruction=(),
    line1=(),
    line2=(),
    line3=(),
    offset=(),  # bytes of the line whose reads have been granted
    read_last=(),
    denied=(),
    bursts=(),  # bursts whose reads have been granted
    complete=(STORE_BUFFERS,),  # ring: cycle from which on the burst may be sent, by burst
    address=(STORE_BUFFERS,),  # ring: its first byte
    beats=(STORE_BUFFERS,),  # ring: its beats
    retires=(STORE_BUFFERS,),  # ring: 1 for the last burst of its instruction
    sent=(),  # bursts whose write address has been granted
    beat_last=(STORE_BUFFERS,),  # ring: cycle of the last W beat of a burst that has been sent
    response=(MAXIMUM_OUTSTANDING,),  # ring: cycle of its response
    written=(),  # beats of all that have been sent
)

STATE = record_of(
    setup=SETUP,
    tables=TABLES,
    control=CONTROL,
    memory=MEMORY,
    dram=DRAM,
    holds=HOLDS,
    load=LOAD_STATE,
    weights=WEIGHTS_STATE,
    matrix=MATRIX_STATE,
    vector=VECTOR_STATE,
    store=STORE_STATE,
    history=HISTORY,
)


def initial_state(machine: Machine, program_address: int, program_length: int, memory_limit: int) -> Any:
    """Return the record `STATE[1]` of a machine whose start is written in cycle 0."""
    state = np.zeros(1, dtype=STATE)
    now = state[0]
    fill_setup(now.setup, machine, program_address, program_length, memory_limit)
    now.control.wake = NEVER
    if program_length > 0:
        now.control.wake[ASK_FETCH] = 1
    now.control.fetch_free = machine.fetch_buffer_instructions
    now.control.head_complete = NEVER
    now.control.blocked = NONE
    now.memory.bus_credit = machine.bus_rate_denominator
    now.load.free_beats = machine.load_buffer_beats
    now.weights.free_beats = machine.weight_fifo_beats
    now.weights.release = NEVER
    now.matrix.shift_first = NEVER
    now.matrix.shadow_full = NEVER
    now.history.last = NONE
    return state
