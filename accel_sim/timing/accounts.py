"""Who each cycle of the matrix and the vector engine belongs to, and why it was lost (docs/profile.md).

A cycle is charged to the group (a layer) of one instruction and to one cause. The causes refine the engine states that
the hardware counts, so the causes of a state add up to its counter.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from machine.errors import ProgramError
from machine.isa import ENGINE_COUNT, Engine
from machine.registers import STATE_COUNT, EngineState

Int64Array = npt.NDArray[np.int64]

ACCOUNTED = (Engine.MATRIX, Engine.VECTOR)
"""The engines whose cycles are charged."""


class Cause(IntEnum):
    """What an engine's cycle went to: an engine state, with idle and wait_token divided by their reason.

    `IDLE_END`: it has no more instructions. `IDLE_FETCH`: its next one has not been fetched. `IDLE_DISPATCH`: its next
    one is behind others in the fetch buffer. `TOKEN_x`: its next one waits for a token of engine x; where several are
    missing, of the first of them in the order load, weights, matrix, vector, store.
    """

    IDLE_END = EngineState.IDLE
    BUSY = EngineState.BUSY
    START = EngineState.START
    WAIT_BANK = EngineState.WAIT_BANK
    WAIT_ACCUMULATOR = EngineState.WAIT_ACCUMULATOR
    WAIT_WEIGHTS = EngineState.WAIT_WEIGHTS
    WAIT_SHIFT = EngineState.WAIT_SHIFT
    DRAIN = EngineState.DRAIN
    IDLE_FETCH = STATE_COUNT
    IDLE_DISPATCH = STATE_COUNT + 1
    TOKEN_LOAD = STATE_COUNT + 2 + Engine.LOAD
    TOKEN_WEIGHTS = STATE_COUNT + 2 + Engine.WEIGHTS
    TOKEN_MATRIX = STATE_COUNT + 2 + Engine.MATRIX
    TOKEN_VECTOR = STATE_COUNT + 2 + Engine.VECTOR
    TOKEN_STORE = STATE_COUNT + 2 + Engine.STORE

    @property
    def state(self) -> EngineState:
        """The state that the hardware counts the cycle as."""
        if self >= Cause.TOKEN_LOAD:
            return EngineState.WAIT_TOKEN
        return EngineState.IDLE if self >= Cause.IDLE_FETCH else EngineState(self)

    @property
    def label(self) -> str:
        """What reports call it (docs/profile.md)."""
        return f"wait_{self.name.lower()}" if self >= Cause.TOKEN_LOAD else self.name.lower()


CAUSE_COUNT = STATE_COUNT + 2 + ENGINE_COUNT
IDLE_FETCH = int(Cause.IDLE_FETCH)
IDLE_DISPATCH = int(Cause.IDLE_DISPATCH)
FIRST_TOKEN = int(Cause.TOKEN_LOAD)


class Account(NamedTuple):
    """What is charged, and what that takes.

    Attributes:
        cycles: int64[5, groups + 1, CAUSE_COUNT], cycles of an engine by group and cause; the last group has what
            belongs to no other.
        group: int64[5, most + 1], the group of each engine's instructions; the last one's for the place after them.
        counts: int64[5], instructions of each engine.
        reading: int64[5], the instruction whose reads were granted last.
    """

    cycles: Int64Array
    group: Int64Array
    counts: Int64Array
    reading: Int64Array


def open_account(engines: Int64Array, most: int, groups: Sequence[int]) -> Account:
    """Return an empty account of a program.

    Args:
        engines: int64[n], the engine of each instruction; negative for what none executes.
        most: at least the instructions of any engine.
        groups: the group of each of the n instructions from 0, negative for none; empty for none at all.

    Raises:
        ProgramError: `groups` is neither empty nor as long as the program.
    """
    if len(groups) not in (0, len(engines)):
        raise ProgramError(f"groups of {len(groups)} instructions for a program of {len(engines)}")
    numbers = np.asarray(groups if len(groups) else np.full(len(engines), -1), dtype=np.int64).reshape(-1)
    other = max(0, int(numbers.max(initial=-1)) + 1)
    numbers = np.where(numbers < 0, other, numbers)
    group = np.full((ENGINE_COUNT, most + 1), other, dtype=np.int64)
    counts = np.zeros(ENGINE_COUNT, dtype=np.int64)
    for engine in Engine:
        own = numbers[engines == engine]
        group[engine, : len(own)] = own
        counts[engine] = len(own)
    cycles = np.zeros((ENGINE_COUNT, other + 1, CAUSE_COUNT), dtype=np.int64)
    return Account(cycles, group, counts, np.zeros(ENGINE_COUNT, dtype=np.int64))
