"""The events of the Trace Event Format that a trace is made of, and the numbers of its tracks.

One cycle is one microsecond of the format, so every time is a whole number: `ts` is the number of a cycle, `dur` a
number of cycles. Slices of one track either do not overlap or lie within each other, as the format demands of complete
events.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from machine.isa import Engine
from machine.text import printable

Event = dict[str, Any]
Arguments = dict[str, Any]

PROCESS = 1
CHARGED_TRACK = 1
SPAN_TRACKS = 10
"""The first of the tracks of layers from their first issue to their last retirement."""
_ENGINE_TRACKS = 1000
"""Numbers of tracks from one engine to the next; more than an engine has instructions in flight."""


def state_track(engine: Engine) -> int:
    """Return the number of the track of an engine's states; those of its instructions follow it."""
    return _ENGINE_TRACKS * (engine + 1)


def instruction_track(engine: Engine, lane: int) -> int:
    """Return the number of the track of an engine's instructions of a lane."""
    return state_track(engine) + 1 + lane


def process(name: str) -> Iterator[Event]:
    """Yield the event that names the process."""
    yield {"ph": "M", "pid": PROCESS, "name": "process_name", "args": {"name": printable(name)}}


def track(number: int, name: str) -> Iterator[Event]:
    """Yield the events that name a track and put the tracks in the order of their numbers."""
    yield {"ph": "M", "pid": PROCESS, "tid": number, "name": "thread_name", "args": {"name": printable(name)}}
    yield {"ph": "M", "pid": PROCESS, "tid": number, "name": "thread_sort_index", "args": {"sort_index": number}}


def slice_of(number: int, name: str, start: int, cycles: int, category: str, arguments: Arguments) -> Event:
    """Return a slice of a track from the beginning of cycle `start` on."""
    event = {
        "ph": "X", "pid": PROCESS, "tid": number, "ts": start, "dur": cycles, "name": printable(name), "cat": category,
    }
    return {**event, "args": arguments} if arguments else event


def flow(number: int, name: str, sender: tuple[int, int], receiver: tuple[int, int]) -> Iterator[Event]:
    """Yield both ends of an arrow between slices; each is a track, and a cycle within a slice of it."""
    common = {"pid": PROCESS, "cat": "token", "name": name, "id": number}
    yield {"ph": "s", **common, "tid": sender[0], "ts": sender[1]}
    yield {"ph": "f", "bp": "e", **common, "tid": receiver[0], "ts": receiver[1]}


def counter(name: str, cycle: int, values: dict[str, int]) -> Event:
    """Return the values of a counter from a cycle on."""
    return {"ph": "C", "pid": PROCESS, "ts": cycle, "name": name, "args": values}
