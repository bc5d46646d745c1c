"""What a report holds: the profile's figures, its arrays packed, in JSON that an HTML parser leaves alone."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accel_sim.time import Cause
from machine.errors import ProgramError, ToolError
from machine.isa import Engine
from machine.registers import EngineState
from machine.sections import bus_bytes_per_cycle
from runtime.profile import CAUSES, NetworkProfile, profile_program
from runtime.report import history, report_data, report_page, write_report
from runtime.report.arrays import ArrayPacker
from runtime.report.edges import program_edges
from runtime.report.groups import group_of
from runtime.report.page import embedded_json, plotting_library


def unpacked(packed: dict[str, Any], name: str) -> list[int]:
    """Do what the page's script does."""
    entry = packed["table"][name]
    data = np.frombuffer(zlib.decompress(base64.b64decode(packed["zlib"])), np.uint8)
    planes = data[entry["offset"] :][: entry["bytes"] * entry["count"]].reshape(entry["bytes"], entry["count"])
    values = sum(planes[plane].astype(np.int64) << 8 * plane for plane in range(entry["bytes"]))
    return list(np.cumsum(values) if entry["differences"] else np.atleast_1d(values))


@given(st.lists(st.lists(st.integers(0, (1 << 32) - 1), max_size=20), max_size=5))
def test_arrays_come_back(arrays: list[list[int]]) -> None:
    packer = ArrayPacker()
    for index, values in enumerate(arrays):
        packer.add(f"plain{index}", np.array(values, np.int64))
        packer.add(f"rising{index}", np.array(sorted(values), np.int64), differences=True)
    packed = packer.to_dict()
    for index, values in enumerate(arrays):
        assert unpacked(packed, f"plain{index}") == values
        assert unpacked(packed, f"rising{index}") == sorted(values)


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_an_array_that_does_not_fit_is_refused(value: int) -> None:
    with pytest.raises(ValueError, match=r"array 'x' has values from .* legal are 0 to 2\*\*32 - 1"):
        ArrayPacker().add("x", np.array([value]))


def test_every_cause_and_state_has_a_group() -> None:
    for cause in CAUSES:
        group_of(cause)
    for state in EngineState:
        group_of(state.name.lower())


def test_the_figures_are_the_profiles(digits: NetworkProfile) -> None:
    data = report_data(digits)
    assert data["total"]["total_cycles"] == digits.total.total_cycles
    for layer, found in zip(digits.layers, data["layers"], strict=True):
        assert found["cycles"] == [layer.costs.cycles[cause] for cause in CAUSES]
        assert (found["macs"], found["parameters"]) == (layer.costs.macs, layer.costs.parameters)
    assert data["root"]["total_cycles"] + data["tail"]["total_cycles"] == digits.total.total_cycles


def test_the_roof_is_that_of_both_directions_of_the_bus(digits: NetworkProfile) -> None:
    machine = digits.program.machine
    assert report_data(digits)["bus_bytes_per_cycle"] == bus_bytes_per_cycle(machine) == 2 * machine.bus_bytes
    slow = dataclasses.replace(machine, bus_rate_numerator=1, bus_rate_denominator=4)
    assert bus_bytes_per_cycle(slow) == 1.25 * machine.bus_bytes


def test_runs_add_up_to_the_counters(digits: NetworkProfile) -> None:
    packed = report_data(digits)["arrays"]
    for engine in Engine:
        name = engine.name.lower()
        states = np.array(unpacked(packed, f"{name}.state"))
        cycles = np.array(unpacked(packed, f"{name}.cycles"))
        nodes = np.array([*digits.program.segments[0].instruction_nodes, -1])
        instructions = np.append(digits.times[0].indices[engine], -1)[digits.times[0].history[engine].place]
        assert unpacked(packed, f"{name}.layer") == (nodes[instructions] + 1).tolist()
        counted = dict.fromkeys(digits.counters[name], 0)
        for state, length in zip(states.tolist(), cycles.tolist(), strict=True):
            counter = EngineState(state) if engine not in (Engine.MATRIX, Engine.VECTOR) else Cause(state).state
            counted[counter.name.lower()] += length
        assert counted == digits.counters[name]
        assert cycles.sum() == digits.total.total_cycles


def test_a_long_history_is_added_up_without_losing_a_cycle(
    digits: NetworkProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = {layer.node: index for index, layer in enumerate(digits.layers)}
    exact = history.engine_runs(digits, Engine.MATRIX, place)
    monkeypatch.setattr(history, "LONGEST_RUNS", 5)
    monkeypatch.setattr(history, "STEPS", 7)
    monkeypatch.setattr(history, "LONGEST_INSTRUCTIONS", 3)
    short = history.engine_runs(digits, Engine.MATRIX, place)
    assert short.resolution_cycles == -(-digits.total.total_cycles // 7)
    assert len(short.issue) == 0 < len(exact.issue)
    assert short.cycles.sum() == exact.cycles.sum() == digits.total.total_cycles
    for runs in (exact, short):
        assert runs.cycles.min() > 0
    for state in np.unique(exact.state):
        for layer in np.unique(exact.layer):
            of = [int(runs.cycles[(runs.state == state) & (runs.layer == layer)].sum()) for runs in (exact, short)]
            assert of[0] == of[1]
    ends = np.cumsum(short.cycles)
    assert all(step in ends for step in range(short.resolution_cycles, int(ends[-1]), short.resolution_cycles))


def test_segments_follow_each_other(digits: NetworkProfile) -> None:
    (segment,) = digits.program.segments
    twice = profile_program(dataclasses.replace(digits.program, segments=(segment, segment)))
    place = {layer.node: index for index, layer in enumerate(digits.layers)}
    for engine in Engine:
        once, both = history.engine_runs(digits, engine, place), history.engine_runs(twice, engine, place)
        count = len(once.issue)
        assert both.cycles.sum() == 2 * once.cycles.sum() == twice.total.total_cycles
        assert (both.issue[:count] == once.issue).all()
        assert (both.issue[count:] == once.issue + digits.total.total_cycles).all()
        assert (both.layer == np.tile(once.layer, 2)).all()
    data = report_data(twice)
    assert data["segments"] == [digits.total.total_cycles] * 2


def test_edges_follow_tensors_through_fused_nodes(digits: NetworkProfile) -> None:
    names = [node.name for node in digits.program.nodes]
    edges = {(names[edge.source], names[edge.target]) for edge in program_edges(digits.program)}
    assert ("block2/pool", "block3/conv") in edges  # its addition too, which is part of the convolution's layer
    assert ("head/pool", "head/dense") in edges  # through a reshape, which is no layer
    assert all(names.index(source) < names.index(target) for source, target in edges)


@given(st.text())
def test_embedded_json_is_json_without_markup(text: str) -> None:
    written = embedded_json({"name": text})
    assert json.loads(written) == {"name": text}
    assert written.isascii() and not set("<>&") & set(written)


def test_the_page_is_the_same_each_time(hostile: NetworkProfile) -> None:
    written = [report_page(report_data(hostile)) for _ in range(2)]
    assert written[0] == written[1]
    assert written[0].count("</script>") == 3
    assert "\u202e" not in written[0]


def test_without_plotly_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.report.page.find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"^the HTML report needs plotly, .* pip install 'tpukit\[report\]'$"):
        plotting_library()


def test_a_file_or_a_stream_and_whole_or_not_at_all(digits: NetworkProfile, tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_report(digits, stream)
    write_report(digits, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == stream.getvalue()
    with pytest.raises(ProgramError, match="cannot write"):
        write_report(digits, tmp_path / "missing" / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
