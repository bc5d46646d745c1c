"""In what two outcomes of the models of time differ; equal ones are equal in every cycle of every engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from accel_sim.time import ACCOUNTED, Clock, History, TimeResult, simulate_time
from machine.config import Machine
from machine.errors import TpukitError
from machine.isa import Engine, Instruction

Outcome = TimeResult | TpukitError


def both_outcomes(
    machine: Machine, program: bytes | Sequence[Instruction], **options: Any
) -> Mapping[Clock, Outcome]:
    """Return what `accel_sim.time.simulate_time` gives on both models, with history: a result, or the error raised."""
    return {clock: _outcome(machine, program, clock=clock, **options) for clock in Clock}


def _outcome(machine: Machine, program: bytes | Sequence[Instruction], **options: Any) -> Outcome:
    try:
        return simulate_time(machine, program, with_history=True, **options)
    except TpukitError as error:
        return error


def differences(events: Outcome, stepper: Outcome) -> list[str]:
    """Return a line for each thing in which two outcomes differ."""
    if isinstance(events, TpukitError) or isinstance(stepper, TpukitError):
        texts = [str(one) if isinstance(one, TpukitError) else f"{one.status.name.lower()} in cycle {one.cycles}"
                 for one in (events, stepper)]
        return [] if texts[0] == texts[1] else [f"events: {texts[0]}; stepper: {texts[1]}"]
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
