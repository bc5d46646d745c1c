"""A program on both models of time: whatever a test asks of one, it asks of their equality too."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from accel_sim.time import ACCOUNTED, Clock, History, TimeResult, simulate_time
from machine.errors import TpukitError
from machine.isa import Engine


def simulate_both(*arguments: Any, **options: Any) -> TimeResult:
    """Return what `accel_sim.time.simulate_time` gives on both models, with history; they are equal in everything.

    Raises:
        TpukitError: both raise it, with the same text.
    """
    outcomes = [_outcome(clock, *arguments, **options) for clock in Clock]
    different = differences(*outcomes)
    assert not different, "\n".join(different)
    if isinstance(outcomes[0], TpukitError):
        raise outcomes[0]
    return outcomes[0]


def _outcome(clock: Clock, *arguments: Any, **options: Any) -> TimeResult | TpukitError:
    try:
        return simulate_time(*arguments, clock=clock, with_history=True, **options)
    except TpukitError as error:
        return error


def differences(events: TimeResult | TpukitError, stepper: TimeResult | TpukitError) -> list[str]:
    """Return a line for each thing in which two outcomes differ."""
    if isinstance(events, TpukitError) or isinstance(stepper, TpukitError):
        return [] if str(events) == str(stepper) else [f"events: {events}; stepper: {stepper}"]
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
    return f"{name} {place}: events {values[0]}, stepper {values[1]}"
