"""Copies: runs of lanes are loaded to where they belong in a word, then stored; no engine computes anything.

A run reads, for each position of an image, neighbouring bytes of memory with any strides between positions, and writes
neighbouring lanes of a scratchpad word. Values that are moved must therefore lie in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.backend.geometry import Box, Geometry, Region, ceil_div
from compiler.backend.layers import Layer, Run
from compiler.backend.tile import HANDSHAKE_CYCLES, LOAD_CYCLES, Streams, Tiling, Work
from compiler.backend.transfers import LINE_LIMIT, WORDS_LIMIT, fill_box
from machine.config import BURST_BYTES, SEGMENT_WORDS, Machine
from machine.isa import Instruction, Opcode, make

STRIDE_LIMIT = (1 << 13) - 1
"""Largest distance between the windows of a line."""
WIDE_BEATS = 8
"""Positions that are more beats apart than this are read one by one."""


def copy_loads(layer: Layer, addresses: Sequence[int], box: Box, region: Region) -> list[Instruction]:
    """Return the loads of a region of a copying layer; `addresses` are those of its sources in memory."""
    result = _padding(layer, box, region)
    for run in layer.runs:
        rows = _common(run.rows, region.rows, run.row_step)
        columns = _common(run.columns, region.columns, run.column_step)
        plane = run.channel // box.machine.block_bytes
        if rows[0] >= rows[1] or columns[0] >= columns[1] or not region.planes[0] <= plane < region.planes[1]:
            continue
        result.append(_load(run, addresses[run.source], box, plane, rows, columns))
    return result


def _common(a: tuple[int, int], b: tuple[int, int], step: int = 1) -> tuple[int, int]:
    """Return what two ranges have in common, from the first index that `step` reaches in the first of them."""
    return a[0] + max(0, ceil_div(b[0] - a[0], step)) * step, min(a[1], b[1])


def _load(
    run: Run, address: int, box: Box, plane: int, rows: tuple[int, int], columns: tuple[int, int]
) -> Instruction:
    height, width = ceil_div(rows[1] - rows[0], run.row_step), ceil_div(columns[1] - columns[0], run.column_step)
    start = address + run.offset + (rows[0] - run.rows[0]) // run.row_step * run.row_stride
    start += (columns[0] - run.columns[0]) // run.column_step * run.column_stride
    target = box.address(plane, rows[0], columns[0])
    image = [(width, run.column_stride, run.column_step * box.column_stride),
             (height, run.row_stride, run.row_step * box.row_stride)]
    loops = [loop for loop in image if loop[0] > 1]
    words, stride = 1, 0
    while loops and _is_line(box, run, loops[0], words, stride):
        stride = loops[0][1] if words == 1 else stride
        words *= loops.pop(0)[0]
    fields: dict[str, int] = {}
    for index, (count, memory, local) in enumerate(loops, start=1):
        fields |= {f"count{index}": count, f"memory_stride{index}": memory, f"destination_stride{index}": local}
    return make(
        Opcode.LOAD, memory_address=start, line_bytes=(words - 1) * stride + run.lanes, destination=target,
        words=words, window_bytes=run.lanes, window_stride=stride, lane_offset=run.channel % box.machine.block_bytes,
        **fields,
    )


def _is_line(box: Box, run: Run, loop: tuple[int, int, int], inner: int, stride: int) -> bool:
    """Whether a loop continues the line of `inner` words that lie `stride` bytes apart."""
    count, memory, local = loop
    machine, words = box.machine, inner * count
    if local != inner * box.column_stride or (inner > 1 and memory != inner * stride):
        return False
    step = stride if inner > 1 else memory
    length = (words - 1) * step + run.lanes
    segment = (SEGMENT_WORDS - 1) * step + run.lanes + machine.bus_bytes + BURST_BYTES
    fits = length + 2 * machine.bus_bytes <= machine.load_buffer_bytes or segment <= machine.load_buffer_bytes
    near = step <= min(STRIDE_LIMIT, WIDE_BEATS * machine.bus_bytes)
    return fits and near and words <= WORDS_LIMIT and length <= LINE_LIMIT


def _padding(layer: Layer, box: Box, region: Region) -> list[Instruction]:
    """Fill what the runs of a padding do not cover (or more: they are written afterwards)."""
    if not layer.padded:
        return []
    if layer.geometry.images > 1:
        return fill_box(box, region, layer.fill)
    first, last = layer.runs[0], layer.runs[-1]
    if first.channel > 0 or last.channel + last.lanes < layer.geometry.channels:
        return fill_box(box, region, layer.fill)
    rows, columns = _common(region.rows, first.rows), _common(region.columns, first.columns)
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return fill_box(box, region, layer.fill)
    outside = [
        Region(region.planes, (region.rows[0], rows[0]), region.columns),
        Region(region.planes, (rows[1], region.rows[1]), region.columns),
        Region(region.planes, rows, (region.columns[0], columns[0])),
        Region(region.planes, rows, (columns[1], region.columns[1])),
    ]
    return [load for part in outside for load in fill_box(box, part, layer.fill)]


def copy_work(machine: Machine, layer: Layer, tiling: Tiling, streams: Streams) -> Work:
    """Estimate a tiling of a copying layer: words written by the load engine, and what the store engine reads."""
    g: Geometry = layer.tiled
    planes = g.planes(machine)
    count = ceil_div(g.height, tiling.height) * ceil_div(g.width, tiling.width) * ceil_div(planes, tiling.planes)
    words = tiling.height * tiling.width * tiling.planes
    per_item = ceil_div(len(layer.runs) * tiling.planes, planes)
    scattered = any(run.column_stride > WIDE_BEATS * machine.bus_bytes or run.column_step > 1 for run in layer.runs)
    slow = ceil_div(machine.read_latency_cycles, machine.memory_outstanding) if scattered else 1
    load = per_item * (tiling.height * tiling.width * slow + LOAD_CYCLES)
    store = words + ceil_div(tiling.height * tiling.planes * machine.write_latency_cycles, machine.memory_outstanding)
    ends = machine.read_latency_cycles + machine.write_latency_cycles + min(load, store) + 2 * HANDSHAKE_CYCLES
    cycles = max(load, store) * count + ends
    held = words if streams.output else 0
    return Work(cycles, 0, 0, held, 1, 1 if count == 1 else 2, 0, 1)
