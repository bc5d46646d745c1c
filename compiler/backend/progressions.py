"""An axis's list of indices as a few arithmetic progressions, each of which loads copy with one stride."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST_PHASES = 16
"""Largest distance between the target indices of a progression that is looked for."""


@dataclass(frozen=True, slots=True)
class Progression:
    """Output indices `target + i * target_step` hold the input's indices `start + i * step`, i from 0 to size - 1."""

    target: int
    target_step: int
    start: int
    step: int
    size: int


def progressions(indices: Sequence[int]) -> tuple[Progression, ...]:
    """Return the fewest progressions found that cover a list of indices; steps are at least 0.

    The list is cut where its step changes, as a whole or for every n-th index by itself.
    """
    best = _runs(indices)
    for phases in range(2, min(MOST_PHASES, len(indices)) + 1):
        if len(best) <= phases:
            break
        found = [
            replace(run, target=phase + run.target * phases, target_step=phases)
            for phase in range(phases) for run in _runs(indices[phase::phases])
        ]
        best = found if len(found) < len(best) else best
    return tuple(replace(run, target_step=1) if run.size == 1 else run for run in best)


def _runs(indices: Sequence[int]) -> list[Progression]:
    runs: list[Progression] = []
    first = 0
    while first < len(indices):
        stop, step = first + 1, 0
        if stop < len(indices) and indices[stop] >= indices[first]:
            step = indices[stop] - indices[first]
            while stop < len(indices) and indices[stop] - indices[stop - 1] == step:
                stop += 1
        runs.append(Progression(first, 1, indices[first], step, stop - first))
        first = stop
    return runs
