"""A row of random programs, each compared, until one differs: that one is made small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from accel_sim.time import Clock, TimeResult
from compiler.verify_program import verify_program
from machine.config import Machine
from machine.errors import ProgramError, TpukitError
from machine.isa import INSTRUCTION_BYTES
from machine.progress import steps
from runtime.cosim import cosimulate
from runtime.fuzz.cases import Case, draw_case
from runtime.fuzz.coverage import Coverage
from runtime.fuzz.differences import both_outcomes, differences
from runtime.fuzz.random_programs import MEMORY_BYTES
from runtime.fuzz.shrink import Words, shrink
from runtime.session import Session

MOST_CYCLES = 30_000
"""A program that runs longer is given up; both models say so."""
MARKS = (1, 30, 100, 1_000)
"""Cycles at whose end the counters are compared."""
GROUPS = 3
"""Layers that a program's instructions are charged to in turn; every fourth instruction to none."""


class FuzzBackend(StrEnum):
    """What is compared: the stepper with the events kernel, or with the Verilated RTL."""

    EVENTS = "events"
    RTL = "rtl"


class Verdict(NamedTuple):
    """What became of a case: its time on the stepper, None where it was given up, and a line for each difference."""

    time: TimeResult | None
    differences: list[str]


@dataclass(frozen=True)
class Failure:
    """A case that differs, as it was drawn and made small."""

    case: Case
    small: Case
    differences: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON takes it."""
        return {
            "source": self.case.source,
            "machine": self.case.machine.to_dict(),
            "instructions": len(self.case.words),
            "instructions_shrunk": len(self.small.words),
            "differences": self.differences,
        }


@dataclass(frozen=True)
class Campaign:
    """What a row of cases gave; it ends with the first failure."""

    programs: int
    cycles: int
    coverage: Coverage
    failure: Failure | None


def check_case(case: Case, backend: FuzzBackend) -> Verdict:
    """Run a case on both sides and compare.

    Raises:
        ProgramError: a program that is not legal, for the RTL.
        ToolError: the RTL cannot be built or run.
    """
    groups = [index % (GROUPS + 1) - 1 for index in range(len(case.code) // INSTRUCTION_BYTES)]
    outcomes = both_outcomes(
        case.machine, case.code, memory_limit=MEMORY_BYTES, max_cycles=MOST_CYCLES, marks=MARKS, groups=groups
    )
    stepper = outcomes[Clock.STEPPER]
    time = None if isinstance(stepper, TpukitError) else stepper
    if backend is FuzzBackend.EVENTS:
        return Verdict(time, differences(outcomes[Clock.EVENTS], stepper))
    program = case.program()
    verify_program(case.machine, program.instructions, MEMORY_BYTES)
    return Verdict(time, cosimulate(Session(program)).differences if time is not None else [])


def run_campaign(
    seed: int, count: int, machine: Machine | None, illegal: bool, backend: FuzzBackend
) -> Campaign:
    """Draw and compare `count` cases, or fewer where one differs; see `draw_case`.

    Raises:
        ToolError: the RTL cannot be built or run.
    """
    coverage, programs, cycles = Coverage(illegal), 0, 0
    for number in steps("comparing programs", range(count), count):
        case = draw_case(seed, number, machine, illegal)
        verdict = check_case(case, backend)
        coverage.add(case.decoded(), verdict.time)
        programs += 1
        cycles += verdict.time.cycles if verdict.time else 0
        if verdict.differences:
            return Campaign(programs, cycles, coverage, _failure(case, lambda one: check_case(one, backend)))
    return Campaign(programs, cycles, coverage, None)


def _failure(case: Case, check: Callable[[Case], Verdict]) -> Failure:
    """Make a case small that differs."""

    def fails(words: Words) -> bool:
        try:
            return bool(check(case.with_code(b"".join(words))).differences)
        except ProgramError:
            return False  # the bytes that a program leaves are defined only if it is legal

    small = case.with_code(b"".join(shrink(case.words, fails)))
    return Failure(case, small, check(small).differences)
