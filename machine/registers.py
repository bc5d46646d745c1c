"""The register map of the host interface and the codes in it, written once (32-bit registers, byte offsets)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from machine.isa import Engine


class Status(IntEnum):
    """Value of the STATUS register. An error code is sticky until CONTROL.reset.

    BUS_ERROR comes from the memory behind a real bus (RRESP, BRESP), never from a program: the simulator has none.
    """

    IDLE = 0
    RUNNING = 1
    DONE = 2
    ILLEGAL_INSTRUCTION = 3
    ADDRESS_ERROR = 4
    TOKEN_OVERFLOW = 5
    DEADLOCK = 6
    BUS_ERROR = 7


class EngineState(IntEnum):
    """What an engine does in a cycle: exactly one of these, counted in hardware (docs/timing.md)."""

    IDLE = 0
    BUSY = 1
    START = 2
    WAIT_TOKEN = 3
    WAIT_BANK = 4
    WAIT_ACCUMULATOR = 5
    WAIT_MEMORY = 6
    WAIT_WEIGHTS = 7
    WAIT_SHIFT = 8
    WAIT_ROOM = 9
    DRAIN = 10


STATE_COUNT = len(EngineState)

ENGINE_STATES: dict[Engine, tuple[EngineState, ...]] = {
    Engine.LOAD: (
        EngineState.IDLE,
        EngineState.BUSY,
        EngineState.START,
        EngineState.WAIT_TOKEN,
        EngineState.WAIT_BANK,
        EngineState.WAIT_MEMORY,
    ),
    Engine.WEIGHTS: (
        EngineState.IDLE,
        EngineState.BUSY,
        EngineState.START,
        EngineState.WAIT_TOKEN,
        EngineState.WAIT_MEMORY,
        EngineState.WAIT_ROOM,
    ),
    Engine.MATRIX: (
        EngineState.IDLE,
        EngineState.BUSY,
        EngineState.START,
        EngineState.WAIT_TOKEN,
        EngineState.WAIT_BANK,
        EngineState.WAIT_ACCUMULATOR,
        EngineState.WAIT_WEIGHTS,
        EngineState.WAIT_SHIFT,
        EngineState.DRAIN,
    ),
    Engine.VECTOR: (
        EngineState.IDLE,
        EngineState.BUSY,
        EngineState.START,
        EngineState.WAIT_TOKEN,
        EngineState.WAIT_BANK,
        EngineState.WAIT_ACCUMULATOR,
        EngineState.DRAIN,
    ),
    Engine.STORE: (
        EngineState.IDLE,
        EngineState.BUSY,
        EngineState.START,
        EngineState.WAIT_TOKEN,
        EngineState.WAIT_BANK,
        EngineState.WAIT_MEMORY,
        EngineState.WAIT_ROOM,
    ),
}
"""The states that each engine can be in; the others' counters stay zero."""


@dataclass(frozen=True, slots=True)
class Register:
    """One 32-bit register: byte offset, name, who writes it, meaning."""

    offset: int
    name: str
    access: str
    meaning: str


STATE_COUNTER_BASE = 0x100
"""The state counters: 64-bit, low word first, at STATE_COUNTER_BASE + 8 * (engine * 16 + state)."""

REGISTERS: tuple[Register, ...] = (
    Register(0x00, "CONTROL", "write", "bit 0 starts the program; bit 1 resets the machine (not the scratchpad)"),
    Register(0x04, "STATUS", "read", "see the status codes"),
    Register(0x08, "PROGRAM_ADDRESS", "read/write", "byte address of the first instruction, a multiple of 256"),
    Register(0x0C, "PROGRAM_LENGTH", "read/write", "number of instructions"),
    Register(0x10, "MEMORY_LIMIT", "read/write", "bytes of memory that the program may address"),
    Register(0x14, "CYCLES_LOW", "read", "cycles of the last program (docs/timing.md), low word"),
    Register(0x18, "CYCLES_HIGH", "read", "the same, high word"),
    Register(0x1C, "READ_BEATS", "read", "beats received from memory, modulo 2**32"),
    Register(0x20, "WRITE_BEATS", "read", "beats written to memory, modulo 2**32"),
    Register(0x24, "SHAPE", "read", "rows in bits 15:0, columns in bits 31:16"),
    Register(0x28, "INTERRUPT", "read/write", "bit 0: interrupt line high while STATUS is neither idle nor running"),
    Register(0x2C, "MEMORY_BASE_LOW", "read/write", "added to each address on a board's bus, a multiple of 4096"),
    Register(0x30, "MEMORY_BASE_HIGH", "read/write", "the same, high word"),
)
