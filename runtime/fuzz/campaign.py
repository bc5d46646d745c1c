"""A row of random programs, each compared, until one differs: that one is made small."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from accel_sim.function import execute
from accel_sim.time import Clock, TimeResult
from machine.config import Machine
from machine.errors import ToolError, TpukitError
from machine.isa import Opcode, make
from machine.program import Program, Segment
from machine.progress import steps
from runtime.cosim import compare
from runtime.fuzz.cases import Case, draw_case
from runtime.fuzz.coverage import Coverage
from runtime.fuzz.differences import both_outcomes, differences
from runtime.fuzz.random_programs import MEMORY_BYTES
from runtime.fuzz.shrink import Words, shrink
from runtime.rtl import run_on_rtl

MOST_CYCLES = 30_000
"""A program that runs longer is given up; both models say so."""
MARKS = (1, 30, 100, 1_000)
"""Cycles at whose end the counters are compared."""
RTL_SLACK_CYCLES = 10_000
"""The RTL is given up after this many cycles more than twice the simulator's."""
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
        ToolError: the RTL cannot be built or run, or it does not end where the simulator does.
    """
    groups = [index % (GROUPS + 1) - 1 for index in range(len(case.words))]
    options: dict[str, Any] = {
        "memory_limit": MEMORY_BYTES, "max_cycles": MOST_CYCLES, "marks": MARKS, "groups": groups
    }
    outcomes = both_outcomes(case.machine, case.code, **options)
    stepper = outcomes[Clock.STEPPER]
    time = None if isinstance(stepper, TpukitError) else stepper
    if backend is FuzzBackend.EVENTS:
        return Verdict(time, differences(outcomes[Clock.EVENTS], stepper))
    return Verdict(time, [] if time is None else _rtl_differences(case, time))


def _rtl_differences(case: Case, time: TimeResult) -> list[str]:
    """Compare the stepper's time with the RTL's, and the bytes that a legal program leaves."""
    # What no machine knows is named as a halt: no engine executes either.
    instructions = [instruction or make(Opcode.HALT) for instruction in case.decoded()]
    memory = case.memory()
    program = Program(case.machine, (Segment(tuple(instructions)),), memory, MEMORY_BYTES, source=case.source)
    (segment,) = program.segments
    try:
        hardware = run_on_rtl(program, segment, memory, max_cycles=2 * time.cycles + RTL_SLACK_CYCLES)
    except ToolError as error:
        raise ToolError(f"{case.source}: {error}") from None
    expected = None
    if case.is_legal():
        after = memory[None].copy()
        execute(case.machine, instructions, after)
        expected = after[0]
    return compare(program, segment, time, hardware, expected).differences


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
        return bool(check(case.with_code(b"".join(words))).differences)

    small = case.with_code(b"".join(shrink(case.words, fails)))
    return Failure(case, small, check(small).differences)
