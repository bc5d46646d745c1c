"""A profile as a file of the Trace Event Format, which Perfetto and Chrome open (docs/traces.md).

The file is written event by event and never held. What is too long for a viewer is made shorter so that all sums stay
exact, and what was made shorter is said.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TextIO

from machine.isa import Engine
from machine.progress import during
from runtime.cli.files import whole_file
from runtime.profile import NetworkProfile
from runtime.traces.chrome_engines import engine_events, flow_events
from runtime.traces.chrome_events import process
from runtime.traces.chrome_layers import layer_events
from runtime.traces.counters import counter_events
from runtime.traces.reduce import InstructionGroups, StateSlices, fit_instructions, fit_states
from runtime.traces.tracks import engine_tracks, token_pairs

MAX_EVENTS = 500_000
"""Events of a trace where nothing else is asked for; a larger one opens slowly."""


_json = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True)
class TraceSummary:
    """What was written: the number of events, and a sentence for each thing that was made shorter."""

    events: int
    notes: tuple[str, ...]


def write_chrome_trace(profile: NetworkProfile, path: Path, max_events: int = MAX_EVENTS) -> TraceSummary:
    """Write a trace into a file, compressed where its name ends in `.gz`; the file is whole or not there.

    Layers and counters are always written whole; states and instructions are brought together where there would be
    more than about `max_events` events.

    Raises:
        ProgramError: the file cannot be written there.
    """
    with during("writing the trace"), whole_file(path) as partial, _opened(partial) as file:
        return _write(profile, file, max_events)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    if path.suffix != ".gz":
        with path.open("w", encoding="ascii", newline="\n") as file:
            yield file
        return
    with (
        path.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="ascii", newline="\n") as file,
    ):
        yield file


def _write(profile: NetworkProfile, file: TextIO, max_events: int) -> TraceSummary:
    program, machine = profile.program, profile.program.machine
    tracks = engine_tracks(program, profile.times)
    always = [*process(machine.name), *layer_events(profile), *counter_events(profile, tracks)]
    arrows = 2 * sum(len(pairs.sender) for pairs in token_pairs(program, tracks))
    left = max_events - len(always)
    groups = fit_instructions(tracks, max(0, (left - arrows) // 2), profile.total.total_cycles)
    whole = all(group.most == 1 for group in groups.values())
    left -= sum(len(group.first) for group in groups.values()) + (arrows if whole else 0)
    states = fit_states(tracks, left)
    events = chain(
        always,
        *(engine_events(program, tracks[engine], states[engine], groups[engine]) for engine in Engine),
        flow_events(program, tracks, groups) if whole else (),
    )
    notes = tuple(_notes(states, groups, arrows // 2))
    other = {
        "unit": "1 us of the trace is 1 cycle; ts is the number of the cycle",
        "machine": machine.name,
        "clock_hz": machine.clock_hz,
        "cycles": profile.total.total_cycles,
        "counters": profile.counters,
        "total": profile.total.to_dict(),
        "notes": notes,
    }
    file.write(f'{{"displayTimeUnit":"ns","otherData":{_json(other)},"traceEvents":[')
    count = 0
    for event in events:
        file.write(f"{',' if count else ''}\n{_json(event)}")
        count += 1
    file.write("\n]}\n")
    return TraceSummary(count, notes)


def _notes(
    states: dict[Engine, StateSlices], groups: dict[Engine, InstructionGroups], tokens: int
) -> Iterator[str]:
    merged = [
        f"{engine.name.lower()} {slices.window_cycles:,}"
        for engine, slices in states.items() if slices.window_cycles > 1
    ]
    if merged:
        yield f"states of the same kind are one slice within windows of so many cycles: {', '.join(merged)}"
    most = max(group.most for group in groups.values())
    if most > 1:
        yield (
            f"up to {most} instructions of a layer that follow each other are one slice, and {tokens:,} tokens are not "
            "drawn"
        )
