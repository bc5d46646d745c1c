"""Perfetto's own trace processor opens the trace, and SQL finds the hardware's counters in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from machine.isa import Engine
from runtime.profile import NetworkProfile
from runtime.traces.chrome import write_chrome_trace
from runtime.traces.tracks import engine_tracks, token_pairs
from tests.runtime.traces.perfetto_session import Session
from tests.runtime.traces.test_chrome import hardware_state

CYCLE = 1000
"""Nanoseconds of Perfetto's clock in a cycle."""
SLICES = "slice join thread_track on slice.track_id = thread_track.id join thread using (utid)"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "segments"])
def test_sql_finds_the_counters(
    name: str, request: pytest.FixtureRequest, perfetto: Callable[[Path], AbstractContextManager[Session]],
    tmp_path: Path,
) -> None:
    profile: NetworkProfile = request.getfixturevalue(name)
    total = profile.total.total_cycles
    write_chrome_trace(profile, tmp_path / "trace.json")
    with perfetto(tmp_path / "trace.json") as session:
        lost = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"
        assert session.rows(lost) == []
        assert session.rows("select name from process where pid = 1") == [(profile.program.machine.name,)]

        sums = f"select thread.name as t, slice.name as n, sum(dur) as d from {SLICES} where category = ? group by t, n"
        states = session.rows(sums.replace("?", "'state'"))
        for engine, counted in profile.counters.items():
            found: Counter[str] = Counter()
            for track, state, duration in states:
                if track == f"{engine}: states":
                    found[hardware_state(state)] += duration
            assert found == {state: cycles * CYCLE for state, cycles in counted.items() if cycles}
            assert found.total() == total * CYCLE

        charged = {name: duration for track, name, duration in session.rows(sums.replace("?", "'layer'"))
                   if track == "layers: charged cycles"}
        wanted = {layer.name: layer.costs.total_cycles * CYCLE for layer in profile.layers}
        assert charged == {name: duration for name, duration in wanted.items() if duration}
        assert session.rows(f"select count(*) as n, max(depth) as d from {SLICES} where category = 'block'") == [
            (len({layer.block for layer in profile.layers if layer.block and layer.last_cycle}),
             0 if name == "digits" else None)
        ]

        counts = dict(session.rows(f"select thread.name as t, count(*) as n from {SLICES} group by t"))
        for engine in Engine:
            instructions = sum(len(time.issue[engine]) for time in profile.times)
            assert counts.get(f"{engine.name.lower()}: instructions", 0) == instructions

        tracks = engine_tracks(profile.program, profile.times)
        tokens = sum(len(pairs.sender) for pairs in token_pairs(profile.program, tracks))
        arrows = session.rows(
            "select sender.ts + sender.dur as sent, receiver.ts as taken from flow "
            "join slice sender on slice_out = sender.id join slice receiver on slice_in = receiver.id"
        )
        assert len(arrows) == tokens > 0
        assert all(sent <= taken for sent, taken in arrows)

        values = dict(session.rows("select track.name as n, sum(value) as s from counter "
                                   "join track on counter.track_id = track.id group by n"))
        for engine, counted in profile.counters.items():
            for state, cycles in counted.items():
                assert values.get(f"{engine} cycles {state}", 0) == cycles
