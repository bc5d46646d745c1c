"""Where every cycle of the matrix and the vector engine went, layer by layer (docs/profile.md).

Each cycle belongs to one layer and has one cause, so that the causes of a layer add up to its cycles, the layers to the
program's, and the causes of an engine state to the counter that the hardware keeps of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.time import ACCOUNTED, Cause, TimeResult
from machine.isa import Engine
from machine.program import Program

TAIL = "(tail)"
"""The row of the cycles that belong to no layer: those after the last instruction of the engine; all of a kernel's."""

USEFUL, UNDERUSED = "useful", "underused"
_WAITED_ON = {
    cause: cause.label
    for cause in (
        Cause.START, Cause.DRAIN, Cause.WAIT_WEIGHTS, Cause.WAIT_SHIFT, Cause.WAIT_BANK, Cause.WAIT_ACCUMULATOR,
        Cause.TOKEN_LOAD, Cause.TOKEN_WEIGHTS, Cause.TOKEN_MATRIX, Cause.TOKEN_VECTOR, Cause.TOKEN_STORE,
        Cause.IDLE_FETCH, Cause.IDLE_DISPATCH, Cause.IDLE_END,
    )
}
LOSSES = (UNDERUSED, *_WAITED_ON.values())
"""The names of everything but useful work."""


@dataclass(frozen=True)
class LayerAccount:
    """One engine's cycles that belong to one layer (or to the tail), by what they went to: names of `LOSSES`."""

    name: str
    operator: str
    useful: int
    losses: dict[str, int]

    @property
    def cycles(self) -> int:
        """All its cycles."""
        return self.useful + sum(self.losses.values())

    @property
    def largest_loss(self) -> tuple[str, int]:
        """The name and the cycles of the largest loss; of several the first."""
        return max(self.losses.items(), key=lambda item: item[1])

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {"name": self.name, "operator": self.operator, "cycles": self.cycles, USEFUL: self.useful, **self.losses}


@dataclass(frozen=True)
class EngineAccount:
    """All cycles of one engine: by node of the program (host operators have none), and those that belong to no node."""

    engine: Engine
    nodes: dict[int, LayerAccount]
    tail: LayerAccount

    @property
    def layers(self) -> tuple[LayerAccount, ...]:
        """The layers in program order and the tail."""
        return (*self.nodes.values(), self.tail)

    @property
    def total(self) -> LayerAccount:
        """The sums over everything."""
        return _sum("(total)", self.layers)

    def of(self, nodes: Sequence[int]) -> LayerAccount:
        """Return the sums over some nodes."""
        return _sum("", [self.nodes[node] for node in nodes])

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {"total": self.total.to_dict(), "layers": [layer.to_dict() for layer in self.layers]}


def _sum(name: str, layers: Sequence[LayerAccount]) -> LayerAccount:
    losses = {loss: sum(layer.losses[loss] for layer in layers) for loss in LOSSES}
    return LayerAccount(name, "", sum(layer.useful for layer in layers), losses)


def engine_accounts(program: Program, timings: Sequence[TimeResult]) -> dict[Engine, EngineAccount]:
    """Return the accounts of a run of all segments, whose cycles were charged to the program's nodes.

    The useful cycles of the matrix engine are the layer's MACs over the array's size, rounded up (never more than the
    cycles in which it reads rows); of the vector engine, and where no layer is known, all cycles with a read.
    """
    return {
        engine: _engine_account(program, engine, _charged(program, [each.accounts[engine] for each in timings]))
        for engine in ACCOUNTED
    }


def _charged(program: Program, segments: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    """Add up int64[groups + 1, causes] of each segment by node; the last row is of no node."""
    total = np.zeros((len(program.nodes) + 1, max(Cause) + 1), np.int64)
    for cycles in segments:
        total[: len(cycles) - 1] += cycles[:-1]
        total[-1] += cycles[-1]
    return total


def _engine_account(program: Program, engine: Engine, cycles: npt.NDArray[np.int64]) -> EngineAccount:
    """Divide cycles[nodes + 1, causes] by node; the last row is no node's."""
    nodes = {}
    for node, record in enumerate(program.nodes):
        if record.placement == "accelerator":
            limit = record.matrix_cycles if engine is Engine.MATRIX else None
            nodes[node] = _account(record.name, record.operator, cycles[node], limit)
    return EngineAccount(engine, nodes, _account(TAIL, "", cycles[-1], None))


def _account(name: str, operator: str, charged: npt.NDArray[np.int64], limit: int | None) -> LayerAccount:
    busy = int(charged[Cause.BUSY])
    useful = busy if limit is None else min(limit, busy)
    waits = {loss: int(charged[cause]) for cause, loss in _WAITED_ON.items()}
    return LayerAccount(name, operator, useful, {UNDERUSED: busy - useful, **waits})
