"""TensorBoard's own reader finds the profile's figures exactly, the graph, and every value in a histogram."""

from __future__ import annotations

import html
import importlib.util
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

from machine.assembly import assemble
from machine.config import load_machine
from machine.errors import DataError, ProgramError, ToolError
from runtime.profile import Costs, NetworkProfile, profile_program
from runtime.session import Session
from runtime.traces.tensorboard import write_tensorboard
from runtime.traces.tensorboard_graph import node_names
from tests.runtime.test_placed_reports import SAMPLES
from tests.runtime.traces.test_chrome import HOSTILE


def read(path: Path) -> EventAccumulator:
    found = EventAccumulator(str(path.parent), size_guidance={"tensors": 0})
    return found.Reload()


def values(events: EventAccumulator, tag: str) -> dict[int, Any]:
    """Return a tag's values by step."""
    found = {event.step: tensor_util.make_ndarray(event.tensor_proto) for event in events.Tensors(tag)}
    return {step: value.item() if value.ndim == 0 else value for step, value in found.items()}


@pytest.fixture(params=["digits", "segments"])
def profile(request: pytest.FixtureRequest) -> NetworkProfile:
    found: NetworkProfile = request.getfixturevalue(request.param)
    return found


def table(events: EventAccumulator, tag: str) -> list[list[str]]:
    """Return a table of text as a reader of the page sees it."""
    (cells,) = values(events, tag).values()
    return [[html.unescape(cell.decode()) for cell in row] for row in cells]


def figures(profile: NetworkProfile, costs: Costs) -> dict[str, float]:
    """Return the figures of some costs, by the names that they have below `total/` and `layers/`."""
    named = {
        "cycles": costs.total_cycles, "utilization": profile.utilization(costs), "macs": costs.macs,
        "parameters": costs.parameters, "read_bytes": costs.read_bytes, "write_bytes": costs.write_bytes,
        "scratchpad_bytes": costs.scratchpad_bytes, "accumulator_bytes": costs.accumulator_bytes,
    }
    if costs.intensity is not None:
        named["intensity"] = costs.intensity
    named |= {f"causes/{cause}": cycles for cause, cycles in costs.cycles.items()}
    return named | {f"traffic_bytes/{kind}": moved for kind, moved in costs.traffic.items()}


def test_totals(profile: NetworkProfile, tmp_path: Path) -> None:
    """The table holds every figure exactly, the scalars hold it as far as float32 does."""
    events = read(write_tensorboard(profile, tmp_path / "new" / "run"))
    wanted = {f"total/{name}": value for name, value in figures(profile, profile.total).items()}
    for engine, states in profile.counters.items():
        wanted |= {f"counters/{engine}/{state}": cycles for state, cycles in states.items()}
    found = {figure: float(value) for figure, value in table(events, "totals")[1:]}
    assert found.pop("total/seconds") == profile.total.total_cycles / profile.program.machine.clock_hz
    assert found.pop("total/bound_cycles") == profile.bound_cycles
    assert found == wanted
    for tag, value in wanted.items():
        assert values(events, tag) == {0: np.float32(value)}
    plugins = {events.SummaryMetadata(tag).plugin_data.plugin_name for tag in events.Tags()["tensors"]}
    assert plugins == {"scalars", "text", "histograms"}


def test_layers(profile: NetworkProfile, tmp_path: Path) -> None:
    events = read(write_tensorboard(profile, tmp_path))
    found: dict[int, dict[str, float]] = defaultdict(dict)
    for group in ("work", "causes", "traffic_bytes"):
        header, *rows = table(events, f"layers/{group}")
        for row, layer in zip(rows, profile.layers, strict=True):
            cells = dict(zip(header, row, strict=True))
            texts = [cells.pop(key) for key in ("step", "layer", "operator", "placement")]
            assert texts == [str(layer.node), layer.name, layer.operator, layer.placement]
            prefix = "" if group == "work" else f"{group}/"
            found[layer.node] |= {f"{prefix}{name}": float(value) for name, value in cells.items() if value}
    scalars: dict[str, dict[int, float]] = defaultdict(dict)
    for layer in profile.layers:
        wanted = figures(profile, layer.costs)
        assert found[layer.node].keys() <= wanted.keys()
        assert {name: found[layer.node].get(name, 0) for name in wanted} == wanted
        if layer.placement == "accelerator":
            for name, value in wanted.items():
                scalars[f"layers/{name}"][layer.node] = np.float32(value)
    assert {tag: values(events, tag) for tag in scalars} == scalars
    assert sum(of["cycles"] for of in found.values()) + profile.tail.total_cycles == profile.total.total_cycles


def test_counts_beyond_float32_are_exact(digits: NetworkProfile, tmp_path: Path) -> None:
    odd = (1 << 24) + 1
    costs = replace(digits.total, macs=odd)
    events = read(write_tensorboard(replace(digits, total=costs), tmp_path))
    assert ["total/macs", str(odd)] in table(events, "totals")
    assert values(events, "total/macs") == {0: odd - 1}


def test_graph(profile: NetworkProfile, tmp_path: Path) -> None:
    events = read(write_tensorboard(profile, tmp_path))
    graph = Session(profile.program).graph
    nodes = {node.name: node for node in events.Graph().node}
    assert len(nodes) == len(events.Graph().node) == len(graph.nodes()) + len(graph.inputs)
    for node in graph.nodes():
        made = nodes[node.name]
        shapes = [[dim.size for dim in shape.dim] for shape in made.attr["_output_shapes"].list.shape]
        assert shapes == [list(graph.tensors[tensor].shape) for tensor in node.outputs]
        assert all(source.split(":")[0] in nodes for source in made.input)
        assert len(made.input) == sum(not graph.tensors[tensor].is_constant for tensor in node.inputs)
    times: Counter[str] = Counter()
    for device in events.RunMetadata("cycles").step_stats.dev_stats:
        for stats in device.node_stats:
            assert nodes[stats.node_name].device == device.device == "/device:ACCELERATOR:0"
            times[stats.node_name] += stats.op_end_rel_micros
    assert times == {layer.name: layer.costs.total_cycles for layer in profile.layers if layer.costs.total_cycles}
    on_host = {layer.name for layer in profile.layers if layer.placement == "host"}
    assert {name for name, node in nodes.items() if node.device == "/device:CPU:0"} == on_host


def test_errors_of_weights(digits: NetworkProfile, tmp_path: Path) -> None:
    """Weights are only rounded, so none is off by more than half a step; and none is left out."""
    events = read(write_tensorboard(digits, tmp_path))
    graph = Session(digits.program).graph
    found = 0
    for node in graph.nodes():
        weights = [tensor for tensor in map(graph.tensors.__getitem__, node.inputs) if tensor.dtype == "int8"
                   and tensor.is_constant]
        for tensor in weights:
            found += 1
            (buckets,) = values(events, f"quantization_error/weights/{node.name}").values()
            assert buckets[:, 2].sum() == np.prod(tensor.shape)
            assert (buckets[1:, 0] == buckets[:-1, 1]).all()
            assert buckets[0, 0] >= -0.5 - 1 / 32 and buckets[-1, 1] <= 0.5 + 1 / 32
            assert len(buckets) > 8, "spread over the step"
    assert found == 5


def test_errors_of_activations(segments: NetworkProfile, tmp_path: Path) -> None:
    events = read(write_tensorboard(segments, tmp_path, SAMPLES))
    tags = [tag for tag in events.Tags()["tensors"] if tag.startswith("quantization_error/")]
    assert tags and all(tag.startswith("quantization_error/activations/") for tag in tags)
    for tag in tags:
        (buckets,) = values(events, tag).values()
        assert buckets[:, 2].sum() == len(SAMPLES["x"]) * 4 * 25
    (first,) = values(events, tags[0]).values()
    assert abs(first[:, :2] * (first[:, 2:] > 0)).max() < 2


def test_the_same_bytes_again_and_no_other_file(digits: NetworkProfile, tmp_path: Path) -> None:
    path = write_tensorboard(digits, tmp_path)
    before = path.read_bytes()
    assert write_tensorboard(digits, tmp_path).read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_refused(digits: NetworkProfile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(ProgramError, match=r"^cannot write .*file' is not a folder$"):
            write_tensorboard(digits, path)
    with pytest.raises(DataError):
        write_tensorboard(digits, tmp_path, {"no": np.zeros(1)})
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"^the Python package 'tensorboard' is missing: pip install 'tpukit\[report"):
        write_tensorboard(digits, tmp_path)


def test_hostile_names(digits: NetworkProfile, tmp_path: Path) -> None:
    program = digits.program
    nodes = tuple(replace(node, name=HOSTILE, operator=HOSTILE, kernel=HOSTILE) for node in program.nodes)
    events = read(write_tensorboard(profile_program(replace(program, nodes=nodes)), tmp_path))
    (cells,) = values(events, "layers/work").values()
    shown = "".join(cell.decode() for cell in cells[1:].ravel())
    assert shown.isprintable() and not set(shown) & set("<>\"'`*_[]|\\")
    names = node_names([HOSTILE, HOSTILE[::-1], "a/b", "a//b", "/a/b/", "", "../..", "-x", "é"])
    assert len(set(names.values())) == len(names)
    assert all(part[0].isalnum() or part[0] == "." for name in names.values() for part in name.split("/"))


def test_a_kernel(tmp_path: Path) -> None:
    profile = profile_program(assemble(Path("examples/kernels/copy.s").read_text(), load_machine("nano4")))
    events = read(write_tensorboard(profile, tmp_path))
    assert values(events, "total/cycles") == {0: profile.total.total_cycles}
    assert not events.Tags()["graph"]
