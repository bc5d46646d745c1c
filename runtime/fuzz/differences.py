"""In what two outcomes of the models of time differ; equal ones are equal in every cycle of every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from accel_sim.time import (
    ACCOUNTED,
    WHOLE_MEMORY_BYTES,
    Clock,
    History,
    TimeResult,
    decode_program,
    start_of,
    time_decoded,
)
from machine.config import Machine
from machine.isa import INSTRUCTION_BYTES, Engine


def both_times(
    machine: Machine, program: bytes, memory_limit: int = WHOLE_MEMORY_BYTES, program_address: int = 0,
    max_cycles: int = 1_000_000_000, marks: Sequence[int] = (), groups: Sequence[int] = (),
) -> Mapping[Clock, TimeResult]:
    """Return what both models give, with history; the arguments are those of `accel_sim.time.simulate_time`.

    A program that has not ended after `max_cycles` has status RUNNING, and what happened so far.

    Raises:
        ProgramError: as `simulate_time`.
    """
    decoded = decode_program(machine, program)
    start = start_of(len(program) // INSTRUCTION_BYTES, program_address, memory_limit, max_cycles)
    return {clock: time_decoded(machine, decoded, start, marks, groups, clock, with_history=True) for clock in Clock}


def differences(events: TimeResult, stepper: TimeResult) -> list[str]:
    """Return a line for each thing in which the times of two models differ."""
    pairs: list[tuple[str, Any, Any]] = [
        (name, getattr(events, name), getattr(stepper, name))
        for name in ("status", "cycles", "counters", "snapshots", "read_beats", "write_beats", "seconds")
    ]
    for engine in Engine:
        pairs += [
            (f"{name} of {engine.name.lower()}", getattr(events, name)[engine], getattr(stepper, name)[engine])
            for name in ("indices", "issue", "retire")
        ]
    pairs += [(f"account of {engine.name.lower()}", events.accounts[engine], stepper.accounts[engine])
              for engine in ACCOUNTED]
    for engine in stepper.history:
        pairs += [(f"history of {engine.name.lower()}, {field.name}", getattr(events.history[engine], field.name),
                   getattr(stepper.history[engine], field.name)) for field in fields(History)]
    return [_describe(name, one, other) for name, one, other in pairs if not np.array_equal(one, other)]


def _describe(name: str, one: Any, other: Any) -> str:
    if np.shape(one) != np.shape(other):
        return f"{name}: events {np.shape(one)}, stepper {np.shape(other)}"
    place = np.argwhere(np.asarray(one) != np.asarray(other))[0].tolist()
    values = [np.asarray(value)[tuple(place)] for value in (one, other)]
    where = f" {place}" if place else ""
    return f"{name}{where}: events {values[0]}, stepper {values[1]}"
