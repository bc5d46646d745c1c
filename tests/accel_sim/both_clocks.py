"""A program on both models of time: whatever a test asks of one, it asks of their equality too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accel_sim.time import Clock, TimeResult
from machine.config import Machine
from machine.errors import TpukitError
from machine.isa import Instruction
from runtime.fuzz.differences import both_outcomes, differences


def simulate_both(machine: Machine, program: bytes | Sequence[Instruction], **options: Any) -> TimeResult:
    """Return what `accel_sim.time.simulate_time` gives on both models, with history; they are equal in everything.

    Raises:
        TpukitError: both raise it, with the same text.
    """
    outcomes = both_outcomes(machine, program, **options)
    stepper = outcomes[Clock.STEPPER]
    different = differences(outcomes[Clock.EVENTS], stepper)
    assert not different, "\n".join(different)
    if isinstance(stepper, TpukitError):
        raise stepper
    return stepper
