"""The events of a profile for TensorBoard: scalars, the graph with its times, tables, histograms of quantization error.

TensorBoard draws scalars of float32 only, which round counts beyond 2**24; so every figure is also in a table, exactly.
There is no clock of the wall in the events, so the same profile gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.plugins.scalar import metadata as scalars
from tensorboard.plugins.text import metadata as texts
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import tensor_util

from machine.text import printable
from runtime.profile import Costs, NetworkProfile
from runtime.session import Session
from runtime.traces.quantization_error import ErrorHistogram, activation_errors, weight_errors
from runtime.traces.tensorboard_graph import graph_definition, node_times

Event = Any
AnyArray = npt.NDArray[Any]


def write_events(profile: NetworkProfile, inputs: Mapping[str, AnyArray] | None, file: BinaryIO) -> None:
    """Write an event file; arguments and errors as of `runtime.traces.tensorboard.write_tensorboard`."""
    writer = RecordWriter(file)
    for event in _events(profile, inputs):
        writer.write(event.SerializeToString(deterministic=True))


def _events(profile: NetworkProfile, inputs: Mapping[str, AnyArray] | None) -> Iterator[Event]:
    yield event_pb2.Event(file_version="brain.Event:2")
    session = Session(profile.program)
    if not session.is_kernel:
        yield event_pb2.Event(graph_def=graph_definition(profile, session.graph))
        yield event_pb2.Event(tagged_run_metadata=node_times(profile, session.graph))
    for tag, value in _totals(profile):
        yield _scalar(tag, value)
    for number, (tag, value) in _of_layers(profile):
        yield _scalar(tag, value, number)
    yield _table("totals", [["figure", "value"], *([tag, str(value)] for tag, value in _totals(profile))])
    for tag, rows in _layer_tables(profile):
        yield _table(tag, rows)
    if profile.program.model:
        errors = weight_errors(session) if inputs is None else activation_errors(session, inputs)
        for error in errors:
            yield _histogram(error)


def _totals(profile: NetworkProfile) -> Iterator[tuple[str, float]]:
    total = profile.total
    yield "total/seconds", total.total_cycles / profile.program.machine.clock_hz
    yield "total/bound_cycles", profile.bound_cycles
    for name, value in _figures(profile, total):
        yield f"total/{name}", value
    for engine, states in profile.counters.items():
        for state, cycles in states.items():
            yield f"counters/{engine}/{state}", cycles


def _of_layers(profile: NetworkProfile) -> Iterator[tuple[int, tuple[str, float]]]:
    """Yield the figures of each layer on the accelerator; a layer's step is its number among the program's nodes."""
    for layer in profile.layers:
        if layer.placement == "accelerator":
            for name, value in _figures(profile, layer.costs):
                yield layer.node, (f"layers/{name}", value)


def _figures(profile: NetworkProfile, costs: Costs) -> Iterator[tuple[str, float]]:
    yield "cycles", costs.total_cycles
    yield "utilization", profile.utilization(costs)
    for name in ("macs", "parameters", "read_bytes", "write_bytes", "scratchpad_bytes", "accumulator_bytes"):
        yield name, getattr(costs, name)
    if costs.intensity is not None:
        yield "intensity", costs.intensity
    for cause, cycles in costs.cycles.items():
        yield f"causes/{cause}", cycles
    for kind, moved in costs.traffic.items():
        yield f"traffic_bytes/{kind}", moved


def _layer_tables(profile: NetworkProfile) -> Iterator[tuple[str, list[list[str]]]]:
    """Yield tables of the layers, one a group of figures, without columns of zeros: wide ones are hard to read."""
    figures = [dict(_figures(profile, layer.costs)) for layer in profile.layers]
    groups: dict[str, list[str]] = {}
    for name, _ in _figures(profile, profile.total):
        group, _, _ = name.rpartition("/")
        if not group or any(values[name] for values in figures):
            groups.setdefault(group, []).append(name)
    for group, names in groups.items():
        rows = [["step", "layer", "operator", "placement", *(name.rpartition("/")[2] for name in names)]]
        for layer, values in zip(profile.layers, figures, strict=True):
            texts = (str(layer.node), layer.name, layer.operator, layer.placement)
            rows.append([*texts, *(str(values.get(name, "")) for name in names)])
        yield f"layers/{group or 'work'}", rows


def _plain(text: str) -> str:
    """Return text that TensorBoard's Markdown shows as it is."""
    return "".join(c if c.isalnum() or c == " " else f"&#{ord(c)};" for c in printable(text))


def _scalar(tag: str, value: float, step: int = 0) -> Event:
    return _event(tag, np.float32(value), scalars.create_summary_metadata(tag, ""), step)


def _table(tag: str, rows: list[list[str]]) -> Event:
    cells = np.array([[_plain(cell) for cell in row] for row in rows], dtype=object)
    return _event(tag, cells, texts.create_summary_metadata(tag, ""), 0)


def _histogram(error: ErrorHistogram) -> Event:
    tag = f"quantization_error/{error.kind}/{printable(error.layer)}"
    buckets = np.stack([error.edges[:-1], error.edges[1:], error.counts], axis=1).astype(np.float64)
    return _event(tag, buckets, histograms.create_summary_metadata(tag, error.description), 0)


def _event(tag: str, value: Any, metadata: Any, step: int) -> Event:
    tensor = tensor_util.make_tensor_proto(value)
    summary = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, tensor=tensor, metadata=metadata)])
    return event_pb2.Event(step=step, summary=summary)
