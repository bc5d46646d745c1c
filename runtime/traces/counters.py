"""Counter tracks: each engine's cycles by state, the bytes on the bus, and how full the memories are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from machine.isa import Engine
from machine.program import Program
from machine.registers import ENGINE_STATES
from runtime.profile import NetworkProfile
from runtime.profile.occupancy import Steps
from runtime.profile.traffic import moved_beats
from runtime.traces.chrome_events import Event, counter
from runtime.traces.tracks import NONE, EngineTrack, cause_state, instruction_of

Int64Array = npt.NDArray[np.int64]

INTERVALS = 1000
"""Most intervals into which the time is divided for counters."""


def interval_edges(total_cycles: int) -> Int64Array:
    """Return the first cycles of intervals of one length, and last the cycle after the end: int64[intervals + 1].

    The length is a power of two; the last interval may be shorter.
    """
    length = 1
    while length * INTERVALS < total_cycles:
        length *= 2
    return np.append(np.arange(1, total_cycles + 1, length), total_cycles + 1)


def counter_events(profile: NetworkProfile, tracks: Mapping[Engine, EngineTrack]) -> Iterator[Event]:
    """Yield the counters, each in order of time and ending with zeros after the last cycle; none without a cycle."""
    if not profile.total.total_cycles:
        return
    edges = interval_edges(profile.total.total_cycles)
    for own in tracks.values():
        yield from _per_interval(f"{own.engine.name.lower()} cycles", edges, state_cycles(own, edges))
    yield from _per_interval("bus bytes", edges, bus_bytes(profile.program, tracks, edges))
    for name, steps in (
        ("scratchpad bytes", profile.occupancy.scratchpad), ("accumulator bytes", profile.occupancy.accumulators)
    ):
        yield from _per_interval(name, edges, {"occupied": highest(steps, edges)})


def _per_interval(name: str, edges: Int64Array, values: dict[str, Int64Array]) -> Iterator[Event]:
    """Yield a counter's values for each interval, without those that are always zero."""
    shown = {key: of_key.tolist() for key, of_key in values.items() if of_key.any()}
    if not shown:
        return
    for number, edge in enumerate(edges[:-1].tolist()):
        yield counter(name, edge, {key: of_key[number] for key, of_key in shown.items()})
    yield counter(name, int(edges[-1]), dict.fromkeys(shown, 0))


def state_cycles(own: EngineTrack, edges: Int64Array) -> dict[str, Int64Array]:
    """Return an engine's cycles in each of its states, by interval."""
    causes = np.unique(own.cause)
    states = np.array([cause_state(own.engine, int(cause)) for cause in causes], np.int64)
    state = states[np.searchsorted(causes, own.cause)]
    run = np.searchsorted(own.start, edges, side="right") - 1
    found = {}
    for each in ENGINE_STATES[own.engine]:
        cycles = np.where(state == each, own.cycles, 0)
        before = np.cumsum(cycles) - cycles
        reached = before[run] + np.where(state[run] == each, np.minimum(edges - own.start[run], own.cycles[run]), 0)
        found[each.name.lower()] = np.diff(reached)
    return found


def bus_bytes(program: Program, tracks: Mapping[Engine, EngineTrack], edges: Int64Array) -> dict[str, Int64Array]:
    """Return the bytes that instructions move over the bus, by interval and engine (the store engine writes).

    The weights engine is busy in exactly the cycles of its beats. Of load and store the cycle of a beat is not known:
    an instruction's bytes are spread evenly from its issue to its retirement.
    """
    width = program.machine.bus_bytes
    found = {}
    for engine in (Engine.LOAD, Engine.STORE):
        own = tracks[engine]
        moved = np.array(
            [moved_beats(program.machine, instruction_of(program, own, place)) for place in range(len(own.index))],
            np.int64,
        )
        done = own.retire != NONE
        found[engine] = width * spread(own.issue[done], own.retire[done], moved[done], edges)
    found[Engine.WEIGHTS] = width * state_cycles(tracks[Engine.WEIGHTS], edges)["busy"]
    return {
        "read by load": found[Engine.LOAD],
        "read by weights": found[Engine.WEIGHTS],
        "written by store": found[Engine.STORE],
    }


def spread(first: Int64Array, last: Int64Array, amounts: Int64Array, edges: Int64Array) -> Int64Array:
    """Divide amounts evenly over the cycles first to last, in whole numbers that add up, and sum them by interval."""
    reached = np.zeros(len(edges), np.int64)
    for begin, end, amount in zip(first.tolist(), last.tolist(), amounts.tolist(), strict=True):
        low, high = np.searchsorted(edges, (begin, end + 1), side="left")
        reached[low:high] += (edges[low:high] - begin) * amount // (end + 1 - begin)
        reached[high:] += amount
    return np.diff(reached)


def highest(steps: Steps, edges: Int64Array) -> Int64Array:
    """Return the most bytes that are occupied at any time in each interval."""
    cuts = np.union1d(steps.cycles, edges[:-1])
    values = steps.occupied_bytes[np.searchsorted(steps.cycles, cuts, side="right") - 1]
    begins = np.searchsorted(cuts, edges[:-1])
    return np.maximum.reduceat(values[cuts < edges[-1]], begins)
