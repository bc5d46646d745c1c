"""The tracks of layers: to which layer each cycle is charged, within its blocks, and how long each layer is at work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from machine.text import printable
from runtime.profile import LayerProfile, NetworkProfile
from runtime.profile.attribution import attribute
from runtime.profile.table import TAIL
from runtime.traces.chrome_events import CHARGED_TRACK, SPAN_TRACKS, Event, slice_of, track
from runtime.traces.reduce import lanes
from runtime.traces.tracks import NONE

Int64Array = npt.NDArray[np.int64]


def layer_events(profile: NetworkProfile) -> Iterator[Event]:
    """Yield both kinds of tracks."""
    yield from track(CHARGED_TRACK, "layers: charged cycles")
    yield from _charged_events(profile)
    yield from _span_events(profile)


def charged_runs(profile: NetworkProfile) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Return the program's cycles in runs that are charged to one node: first cycle, cycles, node or `NONE`."""
    ends, nodes, base = [], [], 0
    for segment, time in zip(profile.program.segments, profile.times, strict=True):
        stretches = attribute(segment, time)
        ends.append(stretches.ends + base)
        nodes.append(stretches.nodes)
        base += time.cycles
    end = np.concatenate([np.zeros(0, np.int64), *ends])
    node = np.concatenate([np.zeros(0, np.int64), *nodes])
    last = np.append(np.diff(node) != 0, True)[: len(node)]
    end, node = end[last], node[last]
    cycles = np.diff(end, prepend=0)
    return end - cycles + 1, cycles, node


def _charged_events(profile: NetworkProfile) -> Iterator[Event]:
    """Yield a slice for each run of cycles that is charged to one layer, within slices for the blocks that it is in.

    A block's slice goes on as long as the layers that cycles are charged to are in it.
    """
    start, cycles, node = charged_runs(profile)
    blocks = {layer.node: layer.block for layer in profile.layers}
    names = {layer.node: layer.name for layer in profile.layers}
    paths = [blocks.get(each, ()) for each in node.tolist()]
    yield from _block_events(paths, start, cycles)
    for first, length, each in zip(start.tolist(), cycles.tolist(), node.tolist(), strict=True):
        kind = "tail" if each == NONE else "layer"
        yield slice_of(CHARGED_TRACK, names.get(each, TAIL), first, length, kind, {})


def _block_events(paths: Sequence[tuple[str, ...]], start: Int64Array, cycles: Int64Array) -> Iterator[Event]:
    """Yield blocks, the outer before the inner, from runs of cycles in order and the path of blocks of each."""
    open_blocks: list[tuple[str, int]] = []
    found: list[tuple[int, int, int, str]] = []
    ends = [*start.tolist(), int(start[-1] + cycles[-1]) if len(start) else 0]
    for number, path in enumerate([*paths, ()]):
        same = 0
        while same < min(len(path), len(open_blocks)) and open_blocks[same][0] == path[same]:
            same += 1
        while len(open_blocks) > same:
            name, begin = open_blocks.pop()
            found.append((begin, len(open_blocks), ends[number] - begin, name))
        open_blocks += [(name, ends[number]) for name in path[same:]]
    for begin, _, length, name in sorted(found):
        yield slice_of(CHARGED_TRACK, name, begin, length, "block", {})


def _span_events(profile: NetworkProfile) -> Iterator[Event]:
    """Yield a slice for each layer from its first issue to its last retirement, with everything that is known of it."""
    layers = sorted((layer for layer in profile.layers if layer.last_cycle), key=lambda layer: layer.first_cycle)
    first = np.array([layer.first_cycle for layer in layers], np.int64)
    lane = lanes(first, np.array([layer.last_cycle + 1 for layer in layers], np.int64))
    for number in range(int(lane.max(initial=-1)) + 1):
        yield from track(SPAN_TRACKS + number, "layers: first issue to last retirement")
    for layer, number in zip(layers, lane.tolist(), strict=True):
        length = layer.last_cycle + 1 - layer.first_cycle
        yield slice_of(
            SPAN_TRACKS + number, layer.name, layer.first_cycle, length, "layer", _arguments(profile, layer)
        )


def _arguments(profile: NetworkProfile, layer: LayerProfile) -> dict[str, Any]:
    """Return what the profile knows of a layer, without what is zero."""
    costs = layer.costs.to_dict()
    return {
        "operator": printable(layer.operator),
        "block": printable("/".join(layer.block)),
        "kernel": printable(layer.kernel),
        "utilization": profile.utilization(layer.costs),
        **costs,
        "causes": {cause: cycles for cause, cycles in layer.costs.cycles.items() if cycles},
    }
