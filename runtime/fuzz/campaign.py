"""A row of random programs, each compared, until one differs: that one is made small."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from typing import Any

from machine.errors import ToolError
from machine.progress import steps
from runtime.fuzz.cases import Case, Draws
from runtime.fuzz.checks import FuzzBackend, check_cases
from runtime.fuzz.coverage import Coverage
from runtime.fuzz.shrink import Words, shrink
from runtime.fuzz.workers import in_order

CASES_AT_ONCE = 64
"""Cases that a process draws and compares together: the RTL's of one machine are one process, each with its files."""


@dataclass(frozen=True)
class Failure:
    """A case that differs, by its number, as it was drawn and made small."""

    number: int
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


@dataclass
class Campaign:
    """What a row of cases gave; it ends with the first failure.

    Attributes:
        coverage: what they have reached.
        programs: cases compared.
        cycles: of all of them together; of those that were given up, until then.
        asked: about how many of them the verifier was asked for a proof that they are legal.
        proved: of how many it found one.
        failure: the case that differs, or that was drawn to be legal and is not.
        interrupted: the campaign was stopped before its end (Ctrl-C).
    """

    coverage: Coverage
    programs: int = 0
    cycles: int = 0
    asked: int = 0
    proved: int = 0
    failure: Failure | None = None
    interrupted: bool = False

    def merge(self, part: Campaign) -> None:
        """Add the cases that came after these."""
        self.coverage.merge(part.coverage)
        self.programs += part.programs
        self.cycles += part.cycles
        self.asked += part.asked
        self.proved += part.proved
        self.failure = part.failure


def run_campaign(draws: Draws, count: int, backend: FuzzBackend, jobs: int = 1) -> Campaign:
    """Draw and compare the first `count` cases, or fewer where one fails or somebody interrupts.

    Args:
        draws: the cases.
        count: how many.
        backend: what the stepper is compared with.
        jobs: processes that share the work.

    Raises:
        ToolError: the RTL cannot be built or run.
    """
    whole = Campaign(Coverage(draws.illegal))
    parts = _parts(draws, count)
    results = in_order(partial(_compare, draws, backend), parts, jobs)
    try:
        for result in steps("comparing programs", results, len(parts)):
            whole.merge(result)
            if whole.failure is not None:
                break
    except KeyboardInterrupt:
        whole.interrupted = True
    except BrokenProcessPool:
        raise ToolError(f"a process died at a program of fuzz seed {draws.seed} soon after {whole.programs}") from None
    finally:
        results.close()
    return whole


def _parts(draws: Draws, count: int) -> list[range]:
    """Return consecutive numbers of cases; for the RTL those of a part have one machine."""
    group = draws.programs_per_machine or count
    return [
        range(first, min(first + CASES_AT_ONCE, start + group, count))
        for start in range(0, count, group)
        for first in range(start, min(start + group, count), CASES_AT_ONCE)
    ]


def _compare(draws: Draws, backend: FuzzBackend, numbers: range) -> Campaign:
    """Draw and compare a part of the cases, to its first failure."""
    result = Campaign(Coverage(draws.illegal))
    cases = [draws.case(number, with_memory=backend is FuzzBackend.RTL) for number in numbers]
    verdicts = check_cases(cases, backend, ask=not draws.illegal)
    for number, verdict in zip(numbers, verdicts, strict=True):
        result.programs += 1
        result.cycles += verdict.time.cycles
        result.asked += verdict.asked
        result.proved += verdict.asked and verdict.refusal is None
        result.coverage.add(verdict.decoded, verdict.time)
        if verdict.differences:
            result.failure = _made_small(number, draws.case(number), backend, ask=not draws.illegal)
        elif not draws.illegal and verdict.refusal is not None:
            case, text = draws.case(number), f"drawn to be legal, and refused: {verdict.refusal}"
            result.failure = Failure(number, case, case, [text])
        if result.failure is not None:
            break
    return result


def _made_small(number: int, case: Case, backend: FuzzBackend, ask: bool) -> Failure:
    """Make a case small that differs."""

    def found(words: Words) -> list[str]:
        (verdict,) = check_cases([case.with_code(b"".join(words))], backend, ask)
        return verdict.differences

    small = shrink(case.words, lambda words: bool(found(words)))
    return Failure(number, case, case.with_code(b"".join(small)), found(small))
