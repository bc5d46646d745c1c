"""Tokens for random programs: what each instruction reads and writes, and the order that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from machine.isa import ENGINE_OF, Engine, Opcode

EXTRA_TOKEN = 0.1
"""Chance that an instruction also waits for the latest instruction of another engine without need."""


@dataclass
class Draft:
    """An instruction before its tokens: fields, and bit masks of what it reads and writes in each space."""

    opcode: Opcode
    values: dict[str, int]
    reads: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)
    extra_tokens: bool = True
    wait: int = 0
    send: int = 0

    @property
    def engine(self) -> Engine:
        """The engine that executes it."""
        return ENGINE_OF[self.opcode]

    def conflicts(self, other: Draft) -> bool:
        """Whether the two touch the same place and at least one of them writes it."""
        return (
            _meet(self.writes, other.writes) or _meet(self.writes, other.reads) or _meet(self.reads, other.writes)
        )


def add_tokens(drafts: Sequence[Draft], random: Random) -> None:
    """Order the conflicting accesses of different engines; waits of an engine match the other's sends in order."""
    synchronised = {(source, target): -1 for source in Engine for target in Engine}
    for place, draft in enumerate(drafts):
        for source in Engine:
            if source == draft.engine:
                continue
            any_conflict = draft.extra_tokens and random.random() < EXTRA_TOKEN
            first = synchronised[source, draft.engine] + 1
            for earlier in range(place - 1, first - 1, -1):
                if drafts[earlier].engine == source and (any_conflict or draft.conflicts(drafts[earlier])):
                    drafts[earlier].send |= 1 << draft.engine
                    draft.wait |= 1 << source
                    synchronised[source, draft.engine] = earlier
                    break


def _meet(first: dict[str, int], second: dict[str, int]) -> bool:
    return any(bits & second.get(space, 0) for space, bits in first.items())
