"""The vector instructions of one item of each kernel."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from compiler.backend.geometry import Box, Region
from compiler.backend.instructions import build
from compiler.backend.layers import ELEMENTWISE, Kernel, Layer, Source
from compiler.backend.progressions import Progression, progressions
from machine.config import Machine
from machine.isa import Instruction, Opcode, VectorReduce, VectorSource

Strides = tuple[int, int, int]
"""Granules along block, y and x."""


@dataclass(frozen=True, slots=True)
class VectorItem:
    """What an item's vector instructions are made from; `lane_entries` entries from a lane group to the next."""

    machine: Machine
    layer: Layer
    region: Region
    source: Box | None
    output: Box
    residual: Box | None
    accumulator: int
    entry: int
    lane_entries: int
    record: int
    multipliers: int
    table: int
    """0 for none, 1 or 2."""


def vector_instructions(item: VectorItem) -> Iterator[Instruction]:
    """Yield an item's instructions, one for each group of `columns` lanes in a word."""
    for lane in range(item.machine.block_bytes // item.machine.columns):
        if item.layer.kernel is Kernel.MATRIX:
            yield _drain(item, lane)
        elif item.layer.kernel is Kernel.AVERAGE:
            yield from _average(item, lane)
        elif item.layer.kernel is Kernel.INTERLEAVE:
            yield from _interleave(item, lane)
        elif item.layer.kernel is Kernel.GATHER:
            yield from _gather(item, lane)
        elif item.layer.kernel in ELEMENTWISE:
            yield _elementwise(item, lane)
        else:
            yield _window(item, lane)


def _strides(box: Box) -> Strides:
    return box.plane_stride, box.row_stride, box.column_stride


def _lane_step(item: VectorItem) -> int:
    return item.machine.columns // item.machine.granule_bytes


def _operand(name: str, address: int, strides: Strides, counts: Strides) -> dict[str, int]:
    used = [stride if count > 1 else 0 for stride, count in zip(strides, counts, strict=True)]
    span = sum((count - 1) * stride for count, stride in zip(counts, used, strict=True))
    fields = {f"{name}_{axis}_stride": stride for axis, stride in zip(("block", "y", "x"), used, strict=True)}
    return {name: address, f"{name}_span": span, **fields}


def _broadcast(
    item: VectorItem, name: str, source: Source, box: Box, region: Region, lane: int, counts: Strides
) -> dict[str, int]:
    """An operand of an element-wise operation: along axes that it does not have it stays where it is."""
    g = source.geometry
    sizes = (g.planes(item.machine), g.height_for(region), g.width)
    strides = [stride if size > 1 else 0 for stride, size in zip(_strides(box), sizes, strict=True)]
    address = _at(item, box, source.broadcast(item.machine, region), lane)
    return _operand(name, address, (strides[0], strides[1], strides[2]), counts)


def _at(item: VectorItem, box: Box, region: Region, lane: int) -> int:
    return box.address(region.planes[0], region.rows[0], region.columns[0]) + lane * _lane_step(item)


def _common(item: VectorItem, region: Region, lane: int, counts: Strides) -> dict[str, int]:
    """Counts, destination, table, and second operand."""
    fields = {"blocks": counts[0], "y_count": counts[1], "x_count": counts[2]}
    fields |= _operand("d", _at(item, item.output, region, lane), _strides(item.output), counts)
    fields |= {"zero_point": item.layer.zero_point, "low": item.layer.low, "high": item.layer.high}
    fields["table"] = item.table
    if item.residual is not None and item.layer.residual is not None:
        fields |= _broadcast(item, "b", item.layer.residual, item.residual, region, lane, counts)
        fields["b_zero_point"] = item.layer.residual.zero_point
    if item.layer.record is not None:
        fields |= {"use_residual": 1, "record": item.record, "subtract": int(item.layer.subtract)}
    return fields


def _drain(item: VectorItem, lane: int) -> Instruction:
    """Accumulators to scratchpad: bias, requantization, residual."""
    region = item.region
    counts = (region.depth, region.height, region.width)
    area, lanes = region.height * region.width, item.machine.block_bytes // item.machine.columns
    return build(
        Opcode.VECTOR, source=VectorSource.ACCUMULATOR, reduce=VectorReduce.SUM, rescale=1,
        parameters=item.entry + lane * item.lane_entries,
        **_operand("a", item.accumulator + lane * area, (lanes * area, region.width, 1), counts),
        **_common(item, region, lane, counts),
    )


def _window(item: VectorItem, lane: int) -> Instruction:
    """Maximum, look-up alone, or depthwise multiply-accumulate."""
    layer, region, box = item.layer, item.region, item.source
    assert box is not None
    counts = (region.depth, region.height, region.width)
    fields = _common(item, region, lane, counts) | _windowed(item, box, region, lane, counts)
    if layer.kernel in (Kernel.MAX, Kernel.TABLE):
        return build(Opcode.VECTOR, reduce=VectorReduce.MAX, **fields)
    word, (height, width) = item.machine.granules_per_word, layer.window.kernel
    first = item.multipliers + lane * _lane_step(item)
    multiplier = _operand("b", first, (height * width * word, 0, 0), counts)
    multiplier["b_span"] += (height * width - 1) * word
    return build(
        Opcode.VECTOR, reduce=VectorReduce.MAC, rescale=1, parameters=item.entry + lane * item.lane_entries,
        a_zero_point=layer.source.zero_point, b_ky_stride=width * word, b_kx_stride=word, **multiplier, **fields,
    )


def _gather(item: VectorItem, lane: int) -> Iterator[Instruction]:
    """Copy the chosen positions, one instruction for each pair of progressions of their rows and columns."""
    layer, region, box = item.layer, item.region, item.source
    assert box is not None and layer.window.chosen is not None
    rows, columns = (
        progressions(chosen[first:last])
        for chosen, (first, last) in zip(layer.window.chosen, (region.rows, region.columns), strict=True)
    )
    for row, column in itertools.product(rows, columns):
        yield _copied(item, box, lane, 0, row, column)


def _interleave(item: VectorItem, lane: int) -> Iterator[Instruction]:
    """Copy each image to its rows and columns."""
    layer, region, box = item.layer, item.region, item.source
    assert box is not None
    for index, (i, j) in enumerate(itertools.product(*(range(factor) for factor in layer.factors))):
        row, column = (
            _every(factor, phase, limits)
            for factor, phase, limits in zip(layer.factors, (i, j), (region.rows, region.columns), strict=True)
        )
        if min(row.size, column.size) > 0:
            yield _copied(item, box, lane, index * layer.geometry.planes(item.machine), row, column)


def _every(factor: int, phase: int, limits: tuple[int, int]) -> Progression:
    """Return the outputs phase, phase + factor, ... within limits, which an image's consecutive positions make."""
    target = (phase - limits[0]) % factor
    size = len(range(limits[0] + target, limits[1], factor))
    return Progression(target, factor, (limits[0] + target) // factor, 1, size)


def _copied(item: VectorItem, box: Box, lane: int, ahead: int, row: Progression, column: Progression) -> Instruction:
    """Copy rows and columns of a source, `ahead` planes after those of the output; targets are within the region."""
    region, layer = item.region, item.layer
    counts = (region.depth, row.size, column.size)
    planes = (region.planes[0] + ahead, region.planes[1] + ahead)
    taken = Region(planes, (row.start, row.start + 1), (column.start, column.start + 1))
    plane, down, right = _strides(box)
    fields = _operand("a", _at(item, box, taken, lane), (plane, row.step * down, column.step * right), counts)
    y, x = region.rows[0] + row.target, region.columns[0] + column.target
    plane, down, right = _strides(item.output)
    made = Region(region.planes, (y, y + 1), (x, x + 1))
    strides = (plane, row.target_step * down, column.target_step * right)
    fields |= _operand("d", _at(item, item.output, made, lane), strides, counts)
    return build(
        Opcode.VECTOR, reduce=VectorReduce.MAX, blocks=counts[0], y_count=counts[1], x_count=counts[2],
        low=layer.low, high=layer.high, zero_point=layer.zero_point, **fields,
    )


def _elementwise(item: VectorItem, lane: int) -> Instruction:
    """Unfused addition, or product."""
    layer, region, box = item.layer, item.region, item.source
    assert box is not None
    counts = (region.depth, region.height, region.width)
    fields = _common(item, region, lane, counts)
    fields |= _broadcast(item, "a", layer.source, box, region, lane, counts)
    if layer.kernel is Kernel.ADD:
        return build(Opcode.VECTOR, reduce=VectorReduce.SUM, **fields)
    return build(
        Opcode.VECTOR, reduce=VectorReduce.MAC, rescale=1, parameters=item.entry + lane * item.lane_entries,
        a_zero_point=layer.source.zero_point, **fields,
    )


def _windowed(item: VectorItem, box: Box, region: Region, lane: int, counts: Strides) -> dict[str, int]:
    """Operand A under the window, from the scratchpad."""
    window = item.layer.window
    top, left = window.span(0, region.rows[0], region.rows[1])[0], window.span(1, *region.columns)[0]
    address = box.address(region.planes[0], top, left) + lane * _lane_step(item)
    strides = (box.plane_stride, window.strides[0] * box.row_stride, window.strides[1] * box.column_stride)
    fields = _operand("a", address, strides, counts)
    taps = (window.dilations[0] * box.row_stride, window.dilations[1] * box.column_stride)
    fields["a_span"] += sum((count - 1) * stride for count, stride in zip(window.kernel, taps, strict=True))
    return fields | {
        "ky_count": window.kernel[0], "kx_count": window.kernel[1], "a_ky_stride": taps[0], "a_kx_stride": taps[1],
    }


def _average(item: VectorItem, lane: int) -> Iterator[Instruction]:
    """Sums, rescaled by each rectangle's divisor; all planes share an entry, so block is not the planes' loop."""
    for border in item.layer.borders:
        rows = (max(border.rows[0], item.region.rows[0]), min(border.rows[1], item.region.rows[1]))
        columns = (max(border.columns[0], item.region.columns[0]), min(border.columns[1], item.region.columns[1]))
        if rows[0] < rows[1] and columns[0] < columns[1]:
            region = Region(item.region.planes, rows, columns)
            yield from _average_rectangle(item, region, lane, item.entry + border.entry)


def _average_rectangle(item: VectorItem, region: Region, lane: int, entry: int) -> Iterator[Instruction]:
    assert item.source is not None
    fields = {"reduce": int(VectorReduce.SUM), "rescale": 1, "parameters": entry,
              "a_zero_point": item.layer.source.zero_point}
    if region.height == 1 or region.width == 1:
        counts = (region.depth, region.height, region.width)
        fields |= _windowed(item, item.source, region, lane, counts) | _common(item, region, lane, counts)
        yield build(Opcode.VECTOR, **_planes_inner(fields, 1 if region.height == 1 else 2))
        return
    for plane in range(*region.planes):
        part = Region((plane, plane + 1), region.rows, region.columns)
        counts = (1, region.height, region.width)
        yield build(Opcode.VECTOR, **fields, **_windowed(item, item.source, part, lane, counts),
                   **_common(item, part, lane, counts))


def _planes_inner(fields: dict[str, int], axis: int) -> dict[str, int]:
    """Move the planes' loop from block to a free axis (1 y, 2 x)."""
    name = ("block", "y", "x")[axis]
    moved = dict(fields)
    moved["blocks"], moved[f"{name}_count"] = 1, fields["blocks"]
    for operand in "ad":
        moved[f"{operand}_{name}_stride"] = fields[f"{operand}_block_stride"]
        moved[f"{operand}_block_stride"] = 0
    return moved


