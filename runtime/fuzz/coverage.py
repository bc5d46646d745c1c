"""What the programs of a run have reached: instructions, fields at their edges, endings, stalls, contention.

Every goal that there is, is listed from the tables of `machine/`; what has a count of zero was never reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.time import ACCOUNTED, Cause, TimeResult
from machine.isa import ENGINE_OF, FORMATS, Engine, Field, Instruction, Opcode
from machine.registers import ENGINE_STATES, EngineState, Status

UNKNOWN = "unknown"
"""The kind of an instruction that no machine knows."""
NOT_ENDED = "not_ended"
"""The ending of a program that was given up."""

_BANK_USERS = (Engine.LOAD, Engine.MATRIX, Engine.VECTOR, Engine.STORE)
_SHARED: dict[EngineState, tuple[tuple[Engine, Engine], ...]] = {
    EngineState.WAIT_BANK: tuple((one, other) for one in _BANK_USERS for other in _BANK_USERS if one != other),
    EngineState.WAIT_ACCUMULATOR: ((Engine.MATRIX, Engine.VECTOR), (Engine.VECTOR, Engine.MATRIX)),
    EngineState.WAIT_MEMORY: ((Engine.LOAD, Engine.WEIGHTS), (Engine.WEIGHTS, Engine.LOAD)),
    EngineState.WAIT_WEIGHTS: ((Engine.MATRIX, Engine.WEIGHTS),),
    EngineState.WAIT_ROOM: ((Engine.WEIGHTS, Engine.MATRIX),),
}
"""What waits, and which engines may have or make what is waited for: (waiting, other)."""
_NOT_AT_WORK = (EngineState.IDLE, EngineState.WAIT_TOKEN)


class Coverage:
    """Counts, by kind of goal and goal.

    Attributes:
        counts: `instructions` by kind, `fields` by kind, name and edge, `endings` of programs, `stalls` in cycles by
            engine and state or cause, `contention` in cycles: one engine waits for something shared or for a token,
            and in the same cycle the other one has work (so it may be, but need not be, what is in the way).
    """

    def __init__(self, illegal: bool) -> None:
        """Set all goals to zero; programs that are damaged have more of them."""
        self.counts: dict[str, dict[str, int]] = {
            "instructions": {opcode.name.lower(): 0 for opcode in Opcode} | ({UNKNOWN: 0} if illegal else {}),
            "fields": {goal: 0 for layout in FORMATS.values() for field in layout.fields[1:]
                       for goal in _edges(layout.opcode, field)},
            "endings": {status.name.lower(): 0 for status in Status
                        if status is Status.DONE or (illegal and Status.DONE < status < Status.BUS_ERROR)}
                       | {NOT_ENDED: 0},
            "stalls": {_stall(engine, cause): 0 for engine in Engine for cause in _causes(engine)},
            "contention": {_contention(*pair): 0 for pair in _pairs()},
        }

    def add(self, instructions: Sequence[Instruction | None], time: TimeResult | None) -> None:
        """Count a program: its instructions, None for each that no machine knows, and its time, None if not ended."""
        kinds, fields = self.counts["instructions"], self.counts["fields"]
        for instruction in instructions:
            if instruction is None:
                kinds[UNKNOWN] += 1
                continue
            kinds[instruction.opcode.name.lower()] += 1
            for field in FORMATS[instruction.opcode].fields[1:]:
                fields[_edge(instruction.opcode, field, instruction[field.name])] += 1
        ending, endings = NOT_ENDED if time is None else time.status.name.lower(), self.counts["endings"]
        endings[ending] = endings.get(ending, 0) + 1  # an error of a legal program is no goal, but is counted
        if time is not None:
            self._add_history(time)

    def _add_history(self, time: TimeResult) -> None:
        stalls, contention = self.counts["stalls"], self.counts["contention"]
        for engine, runs in time.history.items():
            for cause in np.unique(runs.cause).tolist():
                stalls[_stall(engine, cause)] += int(runs.cycles[runs.cause == cause].sum())
        each = {engine: np.repeat(runs.cause, runs.cycles) for engine, runs in time.history.items()}
        at_work = {engine: _at_work(engine, causes) for engine, causes in each.items()}
        for waiting, cause, other in _pairs():
            found = np.count_nonzero((each[waiting] == cause) & at_work[other])
            contention[_contention(waiting, cause, other)] += int(found)

    def missing(self) -> dict[str, list[str]]:
        """Return the goals that were never reached, by kind."""
        return {kind: [goal for goal, count in goals.items() if not count] for kind, goals in self.counts.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return the counts and the goals never reached, as JSON takes them."""
        return {"counts": self.counts, "never_reached": self.missing()}


def _at_work(engine: Engine, causes: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    idle = [cause for cause in _causes(engine) if _state(engine, cause) in _NOT_AT_WORK]
    return ~np.isin(causes, idle)


def _state(engine: Engine, cause: int) -> EngineState:
    return Cause(cause).state if engine in ACCOUNTED else EngineState(cause)


def _causes(engine: Engine) -> list[int]:
    """Return everything that an engine's cycles can go to: causes of matrix and vector, states of the others."""
    if engine not in ACCOUNTED:
        return [int(state) for state in ENGINE_STATES[engine]]
    own = Cause.TOKEN_LOAD + engine
    return [int(cause) for cause in Cause if cause.state in ENGINE_STATES[engine] and cause != own]


def _pairs() -> Iterator[tuple[Engine, int, Engine]]:
    """Yield (waiting, what it waits for, the other engine); for tokens only of engines whose history says of whom."""
    for state, pairs in _SHARED.items():
        for waiting, other in pairs:
            if state in ENGINE_STATES[waiting]:
                yield waiting, int(state), other
    for waiting in ACCOUNTED:
        for other in Engine:
            if other != waiting:
                yield waiting, int(Cause.TOKEN_LOAD + other), other


def _cause_name(engine: Engine, cause: int) -> str:
    return (Cause(cause) if engine in ACCOUNTED else EngineState(cause)).name.lower()


def _stall(engine: Engine, cause: int) -> str:
    return f"{engine.name.lower()}.{_cause_name(engine, cause)}"


def _contention(waiting: Engine, cause: int, other: Engine) -> str:
    return f"{_stall(waiting, cause)} while {other.name.lower()} works"


def _edges(opcode: Opcode, field: Field) -> list[str]:
    """Return the goals of a field: each legal value of an enumeration, else its ends and what lies between."""
    name = f"{opcode.name.lower()}.{field.name}"
    if field.legal is not None:
        return [f"{name} = {int(value)}" for value in field.legal]
    edges = [f"{name} min", f"{name} max"]
    return edges if field.bits == 1 else [*edges, f"{name} other"]


def _edge(opcode: Opcode, field: Field, value: int) -> str:
    name = f"{opcode.name.lower()}.{field.name}"
    if field.legal is not None:
        return f"{name} = {value}"
    if value == field.minimum:
        return f"{name} min"
    own = 1 << ENGINE_OF[opcode] if field.name in ("wait", "send") else 0  # a bit that must be zero
    return f"{name} max" if value == field.maximum - own else f"{name} other"
