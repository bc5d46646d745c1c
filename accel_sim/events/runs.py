"""Runs of cycles, where they are asked for (accel_sim/timing/history.py)."""

from __future__ import annotations

from typing import Any

from accel_sim.events.tables import set_word, word
from accel_sim.timing.history import RUN_WORDS, WEIGHT_BURST
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import NONE


@compiled
def note_run(history: Any, engine: int, cause: int, place: int, cycles: int) -> None:
    """Note what the next `cycles` cycles of an engine went to."""
    if history.capacity == 0 or cycles == 0:
        return
    last = history.last[engine]
    if last != NONE and last < history.capacity:
        item = last * RUN_WORDS
        if word(history.rows, item + 1) == cause and word(history.rows, item + 2) == place:
            set_word(history.rows, item + 3, word(history.rows, item + 3) + cycles)
            return
    history.last[engine] = history.count
    _append(history, engine, cause, place, cycles)


@compiled
def note_burst(history: Any, due: int, credit: int, beats: int) -> None:
    """Note a burst that was granted to the weights engine."""
    if history.capacity > 0:
        _append(history, WEIGHT_BURST, due, credit, beats)


@compiled
def _append(history: Any, first: int, second: int, third: int, fourth: int) -> None:
    """Write a row if there is room."""
    if history.count < history.capacity:
        item = history.count * RUN_WORDS
        set_word(history.rows, item, first)
        set_word(history.rows, item + 1, second)
        set_word(history.rows, item + 2, third)
        set_word(history.rows, item + 3, fourth)
    history.count += 1
