"""Lanes, windows and intervals, on histories that hypothesis makes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from machine.isa import Engine
from runtime.traces.counters import spread
from runtime.traces.reduce import fit_states, instruction_groups, lanes, state_slices
from runtime.traces.tracks import NONE, EngineTrack

RUNS = st.lists(st.tuples(st.integers(1, 30), st.integers(0, 5)), min_size=1, max_size=40)
INTERVALS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=30)


def track_of(runs: list[tuple[int, int]], engine: Engine = Engine.LOAD) -> EngineTrack:
    cycles, cause = np.array(runs, np.int64).T
    nothing = np.zeros(0, np.int64)
    start = 1 + np.cumsum(cycles) - cycles
    return EngineTrack(engine, start, cycles, cause, np.full(len(runs), NONE), *[nothing] * 5)


@given(RUNS, st.integers(1, 100))
def test_windows_keep_every_cause_exactly(runs: list[tuple[int, int]], window: int) -> None:
    track = track_of(runs)
    slices = state_slices(track, window)
    assert slices.start[0] == 1 and (np.diff(slices.start) == slices.cycles[:-1]).all()
    before = np.repeat(track.cause, track.cycles)
    after = np.repeat(slices.cause, slices.cycles)
    for first in range(0, len(before), window):
        assert (np.sort(before[first : first + window]) == np.sort(after[first : first + window])).all()
    assert len(before) == len(after)


@given(RUNS, RUNS, st.integers(0, 60))
def test_engines_share_what_there_is(one: list[tuple[int, int]], two: list[tuple[int, int]], most: int) -> None:
    tracks = {Engine.LOAD: track_of(one), Engine.STORE: track_of(two, Engine.STORE)}
    found = fit_states(tracks, most)
    causes = sum(len(np.unique(track.cause)) for track in tracks.values())
    assert sum(len(slices.start) for slices in found.values()) <= most + causes
    if sum(len(track.start) for track in tracks.values()) <= most // 2:
        assert all(slices.window_cycles == 1 for slices in found.values())


@given(INTERVALS)
def test_lanes_hold_no_two_at_once(intervals: list[tuple[int, int]]) -> None:
    """And no more lanes than intervals are open at once."""
    ordered = sorted(intervals)
    start = np.array([first for first, _ in ordered], np.int64)
    end = start + np.array([length for _, length in ordered], np.int64)
    lane = lanes(start, end)
    for each in np.unique(lane):
        own = lane == each
        assert (start[own][1:] >= end[own][:-1]).all()
    open_at_once = max(((start <= first) & (end > first)).sum() for first in start) if len(start) else 0
    assert lane.max(initial=-1) + 1 == open_at_once


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 50)), max_size=30), st.integers(1, 8))
def test_groups_are_of_one_node(instructions: list[tuple[int, int]], most: int) -> None:
    count = len(instructions)
    node = np.array([number for number, _ in instructions], np.int64)
    issue = np.arange(1, count + 1)
    retire = issue + np.array([length for _, length in instructions], np.int64)
    nothing, zeros = np.zeros(0, np.int64), np.zeros(count, np.int64)
    track = EngineTrack(Engine.LOAD, nothing, nothing, nothing, nothing, zeros, zeros, node, issue, retire)
    groups = instruction_groups(track, most, last_cycle=1000)
    assert (np.cumsum(groups.count) - groups.count == groups.first).all() and groups.count.sum() == count
    assert (groups.count <= most).all()
    for first, length, begin, end in zip(groups.first, groups.count, groups.issue, groups.end, strict=True):
        own = slice(first, first + length)
        assert len(np.unique(node[own])) == 1
        assert (begin, end) == (issue[own].min(), retire[own].max() + 1)


@given(st.lists(st.tuples(st.integers(1, 60), st.integers(1, 20), st.integers(0, 9)), max_size=10), st.integers(1, 8))
def test_bytes_are_spread_evenly(moves: list[tuple[int, int, int]], interval: int) -> None:
    """As many in each cycle where that is a whole number."""
    per_cycle = np.zeros(82, np.int64)
    for begin, length, each in moves:
        per_cycle[begin : begin + length] += each
    first, length, each = np.array(moves, np.int64).reshape(-1, 3).T
    edges = np.append(np.arange(1, 82, interval), 82)
    found = spread(first, first + length - 1, each * length, edges)
    assert found.tolist() == np.add.reduceat(per_cycle, edges[:-1]).tolist()
