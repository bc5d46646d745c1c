"""Fewer slices where a run has more than a viewer holds, with the sums kept exactly."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machine.isa import Engine
from runtime.traces.tracks import NONE, EngineTrack

Int64Array = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class StateSlices:
    """Slices of what an engine did, without a gap.

    Attributes:
        window_cycles: length of the windows in which cycles of one cause were brought together; 1: nothing was.
        start: int64[n], first cycle.
        cycles: int64[n], length.
        cause: int64[n], as in `EngineTrack`.
        place: int64[n], the engine's instruction that the cycles belong to, or `NONE`.
    """

    window_cycles: int
    start: Int64Array
    cycles: Int64Array
    cause: Int64Array
    place: Int64Array


@dataclass(frozen=True, eq=False)
class InstructionGroups:
    """Slices of instructions of one engine: instructions that follow each other and belong to one node.

    Attributes:
        most: the most instructions in a slice.
        first: int64[n], the first instruction's place.
        count: int64[n], instructions.
        issue: int64[n], the first cycle of any.
        end: int64[n], the cycle after the last one of any; the end of the program where one did not retire.
        lane: int64[n], slices of one lane do not overlap.
    """

    most: int
    first: Int64Array
    count: Int64Array
    issue: Int64Array
    end: Int64Array
    lane: Int64Array


def state_slices(track: EngineTrack, window_cycles: int) -> StateSlices:
    """Bring together, in each window of cycles, the cycles of one cause, in the order in which the causes came.

    So every cause keeps its cycles exactly, in each window and in all; what is lost is the order within a window and
    the instruction.
    """
    if window_cycles <= 1 or not len(track.start):
        return StateSlices(1, track.start, track.cycles, track.cause, track.place)
    end = int(track.start[-1] + track.cycles[-1])
    edges = np.arange(1 + window_cycles, end, window_cycles)
    start = np.union1d(track.start, edges)
    cause = track.cause[np.searchsorted(track.start, start, side="right") - 1]
    cycles = np.diff(start, append=end)
    causes = int(cause.max()) + 1
    key = (start - 1) // window_cycles * causes + cause
    keys, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    sums = np.zeros(len(keys), np.int64)
    np.add.at(sums, inverse, cycles)
    order = np.argsort(first)
    cause, cycles = keys[order] % causes, sums[order]
    changed = np.append(True, np.diff(cause) != 0)
    cycles = np.add.reduceat(cycles, np.flatnonzero(changed))
    start = 1 + np.cumsum(cycles) - cycles
    return StateSlices(window_cycles, start, cycles, cause[changed], np.full(len(start), NONE))


def fit_states(tracks: Mapping[Engine, EngineTrack], most: int) -> dict[Engine, StateSlices]:
    """Return the slices of all engines, at most about `most` of them.

    The engines with the fewest are left as they are; the others share what is left. Each has at least a slice for each
    of its causes.
    """
    found: dict[Engine, StateSlices] = {}
    for done, engine in enumerate(sorted(tracks, key=lambda engine: len(tracks[engine].start))):
        share = max(0, most) // (len(tracks) - done)
        found[engine] = _fit(tracks[engine], share)
        most -= len(found[engine].start)
    return found


def _fit(track: EngineTrack, most: int) -> StateSlices:
    total_cycles = int(track.cycles.sum())
    window_cycles, slices = 1, state_slices(track, 1)
    while len(slices.start) > most and window_cycles < total_cycles:
        enough = total_cycles // max(1, most)
        window_cycles = max(2 * window_cycles, 1 << enough.bit_length())
        slices = state_slices(track, window_cycles)
    return slices


def instruction_groups(track: EngineTrack, most: int, last_cycle: int) -> InstructionGroups:
    """Group up to `most` instructions that issued one after the other and belong to one node, and give them lanes."""
    places = np.flatnonzero(track.issue != NONE)
    nodes = track.node[places]
    changed = np.flatnonzero(np.append(True, np.diff(nodes) != 0)[: len(places)])
    position = np.arange(len(places))
    in_run = position - np.repeat(changed, np.diff(changed, append=len(places)))
    begins = np.flatnonzero(in_run % most == 0)
    issue = track.issue[places]
    end = np.where(track.retire[places] == NONE, last_cycle, track.retire[places]) + 1
    if len(places):
        issue, end = np.minimum.reduceat(issue, begins), np.maximum.reduceat(end, begins)
    count = np.diff(begins, append=len(places))
    return InstructionGroups(most, places[begins], count, issue, end, lanes(issue, end))


def fit_instructions(
    tracks: Mapping[Engine, EngineTrack], most: int, last_cycle: int
) -> dict[Engine, InstructionGroups]:
    """Return the slices of all engines' instructions, at most `most` if grouping within nodes brings them there."""
    size = 1
    largest = max((len(track.index) for track in tracks.values()), default=0)
    while True:
        groups = {engine: instruction_groups(track, size, last_cycle) for engine, track in tracks.items()}
        if sum(len(group.first) for group in groups.values()) <= most or size >= largest:
            return groups
        size *= 2


def lanes(start: Int64Array, end: Int64Array) -> Int64Array:
    """Give each of the intervals [start, end), sorted by start, the lowest lane that is free: int64[n]."""
    found = np.zeros(len(start), np.int64)
    busy: list[tuple[int, int]] = []
    free: list[int] = []
    for number, (first, last) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        while busy and busy[0][0] <= first:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (last, lane))
        found[number] = lane
    return found
