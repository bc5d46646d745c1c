"""The register map of the host interface and the codes in it, written once (32-bit registers, byte offsets)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from machine.errors import ProgramError
from machine.isa import ENGINE_COUNT, Engine


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

OFFSETS: dict[str, int] = {register.name: register.offset for register in REGISTERS}
"""Byte offset of each register by name."""
STATES_PER_ENGINE = 16
"""State counters that an engine has room for."""
PROGRAM_UNIT_BYTES = 256
"""PROGRAM_ADDRESS is a multiple of it."""
LIMIT_UNIT_BYTES = 64
"""MEMORY_LIMIT is a multiple of it."""
BASE_UNIT_BYTES = 4096
"""MEMORY_BASE is a multiple of it, as AXI's bursts do not cross it."""
REGISTER_SPACE_BYTES = 4096
"""Bytes of addresses that the registers and the state counters take."""
CONTROL_START = 1
"""Written to CONTROL, it starts the program."""
CONTROL_RESET = 2
"""Written to CONTROL, it resets the machine."""


def check_program_registers(program_address: int, program_length: int, memory_limit: int) -> None:
    """Check what is to be written to the registers of a run.

    Raises:
        ProgramError: an address, length or limit that its register cannot hold.
    """
    for name, value, unit in (
        ("program_address", program_address, PROGRAM_UNIT_BYTES),
        ("program_length", program_length, 1),
        ("memory_limit", memory_limit, LIMIT_UNIT_BYTES),
    ):
        if not 0 <= value < 1 << 32 or value % unit:
            raise ProgramError(f"{name} = {value}: must be a multiple of {unit} below 2**32")


def read_state_counters(read: Callable[[int], int]) -> npt.NDArray[np.int64]:
    """Read the state counters through `read`, which returns the register at an offset: int64[engine, state]."""
    counters = np.zeros((ENGINE_COUNT, STATE_COUNT), dtype=np.int64)
    for engine in range(ENGINE_COUNT):
        for state in range(STATE_COUNT):
            offset = STATE_COUNTER_BASE + 8 * (STATES_PER_ENGINE * engine + state)
            counters[engine, state] = read(offset) | read(offset + 4) << 32
    return counters
