"""What the programs of a run have reached: instructions, fields at their edges, endings, stalls, contention.

Every goal that there is, is listed from the tables of `machine/`; what has a count of zero was never reached.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.time import ACCOUNTED, CAUSE_COUNT, HALT, ILLEGAL, Cause, Program, TimeResult
from machine.config import Machine
from machine.isa import ENGINE_COUNT, ENGINE_OF, FORMATS, Engine, Opcode
from machine.registers import ENGINE_STATES, EngineState, Status
from runtime.fuzz.edges import edges_of, unreachable

REFUSED = "refused"
"""The kind of an instruction that the machine refuses (docs/units/control.md)."""
NOT_ENDED = "not_ended"
"""The ending of a program that was given up."""

_ROWS = {"min": 0, "max": 1, "other": 2}

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
    """Counts, by kind of goal and goal: `counts`."""

    def __init__(self, illegal: bool) -> None:
        """Set all goals to zero; programs that are damaged have more of them."""
        self.illegal = illegal
        self._kinds = np.zeros(len(Opcode) + 1, np.int64)
        """Instructions by opcode; the last are those that the machine refuses."""
        self._edges = {opcode: np.zeros((3, len(FORMATS[opcode].fields)), np.int64) for opcode in ENGINE_OF}
        """How often each field was at its smallest value, at its largest and at any other."""
        self._values = {opcode: {place: np.zeros(len(legal), np.int64) for place, legal in _enumerated(opcode)}
                        for opcode in ENGINE_OF}
        """How often each enumerated field, by its place in the format, had each of its values."""
        self._endings = np.zeros(len(Status), np.int64)
        self._cycles = np.zeros((ENGINE_COUNT, CAUSE_COUNT, 1 << ENGINE_COUNT), np.int64)
        """Cycles of each engine by what it did, and by the mask of the engines that had work."""

    def add(self, program: Program, time: TimeResult) -> None:
        """Count a program and its time, which ended or was given up (`Status.RUNNING`); fields of what was issued."""
        self._kinds[Opcode.HALT] += np.count_nonzero(program.engine == HALT)
        self._kinds[-1] += np.count_nonzero(program.engine == ILLEGAL)
        for (opcode, engine), table in zip(ENGINE_OF.items(), program[3:], strict=True):
            issued = np.count_nonzero(time.issue[engine] > 0)
            values = table.view(np.int64).reshape(len(table), -1)[:issued]
            if len(values):
                self._add_fields(opcode, values)
        self._endings[time.status] += 1
        each = np.stack([np.repeat(time.history[engine].cause, time.history[engine].cycles) for engine in Engine])
        working = _AT_WORK[_ENGINES, each]
        mask = (working << _ENGINES).sum(axis=0)
        for number in range(ENGINE_COUNT):
            found = np.bincount(each[number] << ENGINE_COUNT | mask, minlength=CAUSE_COUNT << ENGINE_COUNT)
            self._cycles[number] += found.reshape(CAUSE_COUNT, -1)

    def _add_fields(self, opcode: Opcode, values: npt.NDArray[np.int64]) -> None:
        """Count the fields of instructions of a kind, int64[n, fields]."""
        self._kinds[opcode] += len(values)
        ends = [(values == end).sum(axis=0) for end in _ends(opcode)]
        self._edges[opcode] += np.stack([*ends, len(values) - ends[0] - ends[1]])
        for place, counts in self._values[opcode].items():
            counts += np.bincount(values[:, place], minlength=len(counts))

    def merge(self, other: Coverage) -> None:
        """Add what other programs have reached."""
        self._kinds += other._kinds
        self._endings += other._endings
        self._cycles += other._cycles
        for opcode in ENGINE_OF:
            self._edges[opcode] += other._edges[opcode]
            for place, counts in self._values[opcode].items():
                counts += other._values[opcode][place]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """How often each goal was reached, by kind of goal.

        `instructions` by kind, `fields` by kind, name and edge, `endings` of programs, `stalls` in cycles by engine and
        state or cause, `contention` in cycles: one engine waits for something shared or for a token, and in the same
        cycle the other one has work (so it may be, but need not be, what is in the way).
        """
        kinds = {opcode.name.lower(): int(self._kinds[opcode]) for opcode in Opcode}
        return {
            "instructions": kinds | ({REFUSED: int(self._kinds[-1])} if self.illegal else {}),
            "fields": {goal: count for opcode in ENGINE_OF for goal, count in self._fields(opcode)},
            # An error of a legal program is no goal, but is counted.
            "endings": {_ending(status): int(self._endings[status]) for status in _ENDINGS
                        if self.illegal or status in (Status.DONE, Status.RUNNING) or self._endings[status]},
            "stalls": {_stall(engine, cause): int(self._cycles[engine, cause].sum())
                       for engine in Engine for cause in _causes(engine)},
            "contention": {_contention(waiting, cause, other):
                           int(self._cycles[waiting, cause, _MASKS >> other & 1 == 1].sum())
                           for waiting, cause, other in _pairs()},
        }

    def _fields(self, opcode: Opcode) -> Iterator[tuple[str, int]]:
        """Yield goal and count of each edge of the fields of a kind."""
        places = {field.name: place for place, field in enumerate(FORMATS[opcode].fields)}
        for edge in edges_of(opcode):
            place = places[edge.field]
            values = self._values[opcode].get(place)
            row = _ROWS.get(edge.edge, 0)
            yield edge.goal, int(self._edges[opcode][row, place] if values is None else values[edge.value])

    def missing(self, unreachable: Mapping[str, str]) -> dict[str, list[str]]:
        """Return the goals that were never reached, by kind, without those that cannot be (with why not)."""
        return {
            kind: [goal for goal, count in goals.items() if not count and goal not in unreachable]
            for kind, goals in self.counts.items()
        }

    def unreachable(self, machines: Sequence[Machine], memory_bytes: int) -> dict[str, str]:
        """Return the edges of fields never reached that no legal program on any of some machines reaches, and why."""
        return unreachable([goal for goal, count in self.counts["fields"].items() if not count], machines, memory_bytes)

    def to_dict(self, unreachable: Mapping[str, str]) -> dict[str, Any]:
        """Return the counts, the goals never reached, and those that cannot be, as JSON takes them."""
        return {
            "counts": self.counts, "never_reached": self.missing(unreachable), "unreachable": dict(unreachable),
        }


def _ending(status: Status) -> str:
    return NOT_ENDED if status is Status.RUNNING else status.name.lower()


@cache
def _ends(opcode: Opcode) -> npt.NDArray[np.int64]:
    """Return int64[2, fields], smallest and largest value of each field; tokens without the engine's own bit."""
    fields = FORMATS[opcode].fields
    own = [1 << ENGINE_OF[opcode] if field.name in ("wait", "send") else 0 for field in fields]
    largest = [field.maximum - bit for field, bit in zip(fields, own, strict=True)]
    return np.array([[field.minimum for field in fields], largest], np.int64)


def _enumerated(opcode: Opcode) -> list[tuple[int, tuple[int, ...]]]:
    """Return place and legal values of each enumerated field; the values are 0, 1, ..."""
    fields = FORMATS[opcode].fields
    return [(place, field.legal) for place, field in enumerate(fields) if place and field.legal is not None]


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


_ENDINGS = (*(status for status in Status if Status.DONE <= status < Status.BUS_ERROR), Status.RUNNING)
"""How a program can end, or not; a bus error comes from no program."""
_ENGINES = np.arange(ENGINE_COUNT)[:, None]
_MASKS = np.arange(1 << ENGINE_COUNT)
_AT_WORK = np.zeros((ENGINE_COUNT, CAUSE_COUNT), np.int64)
"""Whether an engine has work, by what its cycle went to."""
for _engine in Engine:
    _AT_WORK[_engine, [cause for cause in _causes(_engine) if _state(_engine, cause) not in _NOT_AT_WORK]] = 1
