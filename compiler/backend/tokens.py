"""Token insertion: orders conflicting instructions of different engines, with as few tokens as vector clocks allow.

An engine retires in its own order, so the k-th wait of engine q for engine p meets p's k-th send to q. If every wait
of q names a later instruction of p than q's wait before, sends and waits pair up exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler.backend.accesses import AccessTable
from compiler.backend.conflicts import engines_of, latest_conflicts
from machine.isa import ENGINE_COUNT, Engine, Instruction

Clock = list[int]
"""For each engine, the index of its latest instruction that is known to have retired; -1 for none."""


def insert_tokens(table: AccessTable, instructions: Sequence[Instruction]) -> list[Instruction]:
    """Return the instructions with wait and send masks that order all conflicting accesses (old masks are dropped)."""
    waits, sends = [0] * len(instructions), [0] * len(instructions)
    found = [table.of(instruction) for instruction in instructions]
    latest, clocks = latest_conflicts(engines_of(instructions), found).tolist(), Clocks()
    for index, instruction in enumerate(instructions):
        engine = instruction.engine
        if engine is None:
            continue
        for cause, other in sorted(((cause, Engine(i)) for i, cause in enumerate(latest[index])), reverse=True):
            if cause < 0:
                break
            if clocks.knows(engine, other, cause):
                continue
            waits[index] |= 1 << other
            sends[cause] |= 1 << engine
            clocks.learn(engine, other, cause)
        clocks.end(index, engine)
    return [
        Instruction(instruction.opcode, {**instruction.values, "wait": waits[i], "send": sends[i]})
        if instruction.engine is not None
        else instruction
        for i, instruction in enumerate(instructions)
    ]


@dataclass
class Clocks:
    """What each engine knows, at the issue of its latest instruction, about the others' retirements."""

    _now: list[Clock] = field(default_factory=lambda: [[-1] * ENGINE_COUNT for _ in range(ENGINE_COUNT)])
    _at_issue: dict[int, Clock] = field(default_factory=dict)

    def end(self, index: int, engine: Engine) -> None:
        """All waits of the instruction are known: remember what its issue implies."""
        self._at_issue[index] = list(self._now[engine])

    def knows(self, engine: Engine, other: Engine, cause: int) -> bool:
        """Whether `engine` is already behind the retirement of instruction `cause` of `other`."""
        return self._now[engine][other] >= cause

    def learn(self, engine: Engine, other: Engine, cause: int) -> None:
        """`engine` waits for the retirement of instruction `cause` of `other`, and so for all that it waited for."""
        clock = self._now[engine]
        for i, known in enumerate(self._at_issue[cause]):
            clock[i] = max(clock[i], known)
        clock[other] = max(clock[other], cause)
