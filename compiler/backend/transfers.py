"""Loads and stores of a region: from and to the blocked and the dense layout, and through packing windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compiler.backend.geometry import Box, Geometry, Region, ceil_div
from compiler.backend.instructions import build
from compiler.backend.layers import Layout, Packing, Source
from machine.config import TABLE_BYTES, Machine
from machine.isa import Instruction, LoadSpace, Opcode

Loop = tuple[int, int, int]
"""Count, memory stride in bytes, scratchpad stride."""
LINE_LIMIT = (1 << 20) - 1
WORDS_LIMIT = 1 << 16
PAD_LIMIT = (1 << 13) - 1


def _loops(loops: Sequence[Loop], side: str) -> dict[str, int]:
    fields: dict[str, int] = {}
    for index, (count, memory, local) in enumerate((loop for loop in loops if loop[0] > 1), start=1):
        fields |= {f"count{index}": count, f"memory_stride{index}": memory, f"{side}_stride{index}": local}
    return fields


def _load(destination: int, words: int, window: int, loops: Sequence[Loop], **fields: int) -> Instruction:
    return build(
        Opcode.LOAD, destination=destination, words=words, window_bytes=window, **fields,
        **_loops(loops, "destination"),
    )


def load_parameters(machine: Machine, address: int, entry: int, groups: Sequence[int], group_bytes: int) -> Instruction:
    """Load parameter entries: `groups` = (number, entries of each), `group_bytes` apart in memory."""
    section = machine.parameter_words_per_section
    entry_bytes = 12 * machine.columns
    number, entries = groups
    loops = ((entries, entry_bytes, 4 * section), (number, group_bytes, entries * 4 * section))
    return _load(
        entry * 4 * section, 3 * section, machine.block_bytes, loops, space=LoadSpace.PARAMETERS,
        memory_address=address, line_bytes=entry_bytes, window_stride=machine.block_bytes,
    )


def load_table(machine: Machine, address: int, slot: int) -> Instruction:
    """Load one of the vector engine's tables."""
    block, words = machine.block_bytes, TABLE_BYTES // machine.block_bytes
    return _load(
        slot * words, words, block, (), space=LoadSpace.TABLES, memory_address=address, line_bytes=TABLE_BYTES,
        window_stride=block,
    )


def load_words(machine: Machine, address: int, destination: int, words: int) -> list[Instruction]:
    """Load consecutive words."""
    block, most = machine.block_bytes, min(WORDS_LIMIT, LINE_LIMIT // machine.block_bytes)
    return [
        _load(
            destination + first * machine.granules_per_word, min(most, words - first), block, (),
            memory_address=address + first * block, line_bytes=min(most, words - first) * block, window_stride=block,
        )
        for first in range(0, words, most)
    ]


def fill_box(box: Box, region: Region, value: int) -> list[Instruction]:
    """Write a value into the words of a region of a box."""
    if region.words == 0:
        return []
    planes = (region.depth, 0, box.plane_stride)
    start = box.address(region.planes[0], region.rows[0], region.columns[0])
    words = region.width * region.height
    if region.width == box.region.width and words <= WORDS_LIMIT:
        return [_load(start, words, box.machine.block_bytes, (planes,), fill=value)]
    rows = (region.height, 0, box.row_stride)
    return [_load(start, region.width, box.machine.block_bytes, (rows, planes), fill=value)]


def fill_border(box: Box, geometry: Geometry, value: int) -> list[Instruction]:
    """Write a value into everything of a box that lies outside the activation."""
    region = box.region
    rows, columns = (0, geometry.height), (0, geometry.width)
    outside = [
        Region(region.planes, (region.rows[0], 0), region.columns),
        Region(region.planes, (geometry.height, region.rows[1]), region.columns),
        Region(region.planes, rows, (region.columns[0], columns[0])),
        Region(region.planes, rows, (columns[1], region.columns[1])),
    ]
    return [load for part in outside for load in fill_box(box, part, value)]


def load_region(source: Source, address: int, box: Box, fill: int) -> list[Instruction]:
    """Load the whole of a box from an activation in memory; positions outside the activation are filled."""
    g, region = source.geometry, box.region
    if source.layout is Layout.DENSE and region.image is not None:
        address, g, box = address + region.image * g.elements, g.single, Box(box.machine, box.base, region.below(0))
        region = box.region
    if source.packing is not None:
        return _load_packed(source.packing, g, address, box, fill)
    rows, columns = _inside(region.rows, g.height_for(region)), _inside(region.columns, g.width)
    if rows[0] >= rows[1] or columns[0] >= columns[1]:
        return fill_box(box, region, fill)
    result = fill_box(box, Region(region.planes, (region.rows[0], rows[0]), region.columns), fill)
    result += fill_box(box, Region(region.planes, (rows[1], region.rows[1]), region.columns), fill)
    if (columns[0] - region.columns[0]) * box.machine.block_bytes > PAD_LIMIT:
        result += fill_box(box, Region(region.planes, rows, (region.columns[0], columns[0])), fill)
        inner = Region(region.planes, rows, (columns[0], region.columns[1]), region.image)
    else:
        inner = Region(region.planes, rows, region.columns, region.image)
    load = _load_blocked if source.layout is Layout.BLOCKED else _load_dense
    return result + load(g, address, box, inner, columns, fill)


def _inside(span: tuple[int, int], length: int) -> tuple[int, int]:
    return max(span[0], 0), min(span[1], length)


def _is_whole_lines(g: Geometry, box: Box, region: Region, columns: tuple[int, int]) -> bool:
    """Whether the rows of a region follow each other without a gap, in memory and in the scratchpad."""
    return region.columns == columns == (0, g.width) and box.region.width == g.width


def _load_blocked(
    g: Geometry, address: int, box: Box, region: Region, columns: tuple[int, int], fill: int
) -> list[Instruction]:
    block = box.machine.block_bytes
    start = address + _blocked_offset(g, region, columns[0]) * block
    target = box.address(region.planes[0], region.rows[0], region.columns[0])
    plane = (region.depth, g.lines * g.width * block, box.plane_stride)
    words = region.width * region.height
    if _is_whole_lines(g, box, region, columns) and words <= WORDS_LIMIT and words * block <= LINE_LIMIT:
        if region.height == g.lines == box.region.height:
            return load_words(box.machine, start, target, words * region.depth)
        return [_load(target, words, block, (plane,), memory_address=start, line_bytes=words * block,
                      window_stride=block, fill=fill)]
    row = (region.height, g.width * block, box.row_stride)
    return [_load(
        target, region.width, block, (row, plane), memory_address=start, line_bytes=(columns[1] - columns[0]) * block,
        window_stride=block, window_pad=(columns[0] - region.columns[0]) * block, fill=fill,
    )]


def _blocked_offset(g: Geometry, region: Region, column: int) -> int:
    """Return the position of a region's first word in blocked layout."""
    line = region.planes[0] * g.lines + (region.image or 0) * g.height + region.rows[0]
    return line * g.width + column


def _load_dense(
    g: Geometry, address: int, box: Box, region: Region, columns: tuple[int, int], fill: int
) -> list[Instruction]:
    block = box.machine.block_bytes
    first, last = region.planes[0] * block, min(region.planes[1] * block, g.channels)
    if g.height * g.width == 1 and g.images > 1:
        return _load_vectors(g, address, box, region, fill)
    if g.height * g.width == 1 and box.region.words == region.depth:
        return [_load(
            box.address(region.planes[0], 0, 0), region.depth, block, (), memory_address=address + first,
            line_bytes=last - first, window_stride=block, fill=fill,
        )]
    area, words = g.height * g.width, region.width * region.height
    whole = _is_whole_lines(g, box, region, columns) and words <= WORDS_LIMIT
    result = []
    for channel in range(first, last):
        fields = {
            "memory_address": address + channel * area + region.rows[0] * g.width + columns[0],
            "lane_offset": channel % block, "window_stride": 1, "fill": fill,
        }
        target = box.address(channel // block, region.rows[0], region.columns[0])
        if whole:
            result.append(_load(target, words, 1, (), line_bytes=words, **fields))
        else:
            row = (region.height, g.width, box.row_stride)
            result.append(_load(
                target, region.width, 1, (row,), line_bytes=columns[1] - columns[0],
                window_pad=columns[0] - region.columns[0], **fields,
            ))
    return result


def _load_vectors(g: Geometry, address: int, box: Box, region: Region, fill: int) -> list[Instruction]:
    """Load some planes of several dense vectors: word by word, and what the last plane holds apart."""
    block = box.machine.block_bytes
    result = fill_box(box, region, fill) if region.width > 1 else []
    for planes, channels in _plane_groups(g, region, block):
        loops = ((region.height, g.channels, box.row_stride), (planes[1] - planes[0], block, box.plane_stride))
        result.append(_load(
            box.address(planes[0], region.rows[0], 0), 1, block, loops, line_bytes=channels, window_stride=block,
            memory_address=address + region.rows[0] * g.channels + planes[0] * block, fill=fill,
        ))
    return result


def _plane_groups(g: Geometry, region: Region, block: int) -> list[tuple[tuple[int, int], int]]:
    """Cut planes into those whose lanes all hold channels and the one where only some do: (planes, lanes used)."""
    full = min(region.planes[1], g.channels // block)
    groups = [((region.planes[0], full), block)] if full > region.planes[0] else []
    return groups if full == region.planes[1] else [*groups, ((full, full + 1), g.channels % block)]


def _load_packed(packing: Packing, g: Geometry, address: int, box: Box, fill: int) -> list[Instruction]:
    region, block, step = box.region, box.machine.block_bytes, packing.row_step
    runs = [run for run in packing.lanes if region.planes[0] <= run[4] // block < region.planes[1]]
    valid = []
    for _, row, _, _, _ in runs:
        offset = row - packing.pads[0]
        valid.append((max(region.rows[0], -(offset // step)), min(region.rows[1], -((offset - g.height) // step))))
    common = (max(first for first, _ in valid), min(last for _, last in valid))
    above = (region.rows[0], min(max(common[0], region.rows[0]), region.rows[1]))
    below = (max(min(common[1], region.rows[1]), above[1]), region.rows[1])
    outside = [Region(region.planes, rows, region.columns) for rows in (above, below)]
    result = [load for part in outside for load in fill_box(box, part, fill)]
    for (channel, row, column, count, lane), (first, last) in zip(runs, valid, strict=True):
        if first >= last:
            continue
        left = region.columns[0] * packing.column_stride + column - packing.pads[1]
        start, pad = max(left, 0), max(-left, 0)
        wanted = (region.width - 1) * packing.column_stride + count - pad
        top = first * step + row - packing.pads[0]
        line = max(0, min(g.width - start, wanted))
        result.append(_load(
            box.address(lane // block, first, region.columns[0]), region.width, count,
            ((last - first, step * g.width, box.row_stride),),
            memory_address=address + (channel * g.height + top) * g.width + (start if line else 0), line_bytes=line,
            window_stride=packing.column_stride, window_pad=pad if line else 0, lane_offset=lane % block, fill=fill,
        ))
    return result


def _store(source: int, words: int, stride: int, window: int, loops: Sequence[Loop], **fields: int) -> Instruction:
    return build(
        Opcode.STORE, source=source, words=words, word_stride=stride, source_span=(words - 1) * stride,
        window_bytes=window, **fields, **_loops(loops, "source"),
    )


def store_blocked(g: Geometry, address: int, box: Box, region: Region) -> list[Instruction]:
    """Store a region of a box to an activation in blocked layout."""
    block, stride = box.machine.block_bytes, box.column_stride
    start = address + _blocked_offset(g, region, region.columns[0]) * block
    source = box.address(region.planes[0], region.rows[0], region.columns[0])
    plane = (region.depth, g.lines * g.width * block, box.plane_stride)
    words = region.width * region.height
    if _is_whole_lines(g, box, region, region.columns) and words <= WORDS_LIMIT:
        if region.height == g.lines == box.region.height and words * region.depth <= WORDS_LIMIT:
            return [_store(source, words * region.depth, stride, block, (), memory_address=start)]
        return [_store(source, words, stride, block, (plane,), memory_address=start)]
    row = (region.height, g.width * block, box.row_stride)
    return [_store(source, region.width, stride, block, (row, plane), memory_address=start)]


StoreImage = Callable[[Geometry, int, Box, Region], list[Instruction]]
"""Stores a region of one image."""


def _store_images(store: StoreImage, g: Geometry, address: int, box: Box, region: Region) -> list[Instruction]:
    """Store a region of several images, or of one of them, one after the other."""
    box, rows = _stacked(g, box, region)
    result = []
    for image in range(rows[0] // g.height, ceil_div(rows[1], g.height)):
        top = image * g.height
        inside = max(rows[0] - top, 0), min(rows[1] - top, g.height)
        result += store(
            g.single, address + image * g.elements, Box(box.machine, box.base, box.region.below(top)),
            Region(region.planes, inside, region.columns),
        )
    return result


def _stacked(g: Geometry, box: Box, region: Region) -> tuple[Box, tuple[int, int]]:
    """Return a box and a region's rows, counted from the first row of the first image."""
    first = 0 if region.image is None else region.image * g.height
    return Box(box.machine, box.base, box.region.below(-first)), (region.rows[0] + first, region.rows[1] + first)


def _store_vectors(g: Geometry, address: int, box: Box, region: Region) -> list[Instruction]:
    """Store some planes of several dense vectors, without a byte too many."""
    box, rows = _stacked(g, box, region)
    block, region, result = box.machine.block_bytes, Region(region.planes, rows, region.columns), []
    for planes, channels in _plane_groups(g, region, block):
        result.append(_store(
            box.address(planes[0], region.rows[0], 0), planes[1] - planes[0], box.plane_stride, channels,
            ((region.height, g.channels, box.row_stride),),
            memory_address=address + region.rows[0] * g.channels + planes[0] * block,
        ))
    return result


def store_dense(g: Geometry, address: int, box: Box, region: Region) -> list[Instruction]:
    """Store a region of a box as the model's own bytes.

    A single vector is stored in whole words: what is written beyond its last byte belongs to its reserved memory.
    """
    if g.images > 1 and g.height * g.width == 1:
        return _store_vectors(g, address, box, region)
    if g.images > 1:
        return _store_images(store_dense, g, address, box, region)
    block, stride = box.machine.block_bytes, box.column_stride
    first, last = region.planes[0] * block, min(region.planes[1] * block, g.channels)
    if g.height * g.width == 1:
        source = box.address(region.planes[0], 0, 0)
        return [_store(source, region.depth, box.plane_stride, block, (), memory_address=address + first)]
    words, result = region.width * region.height, []
    whole = _is_whole_lines(g, box, region, region.columns) and words <= WORDS_LIMIT
    for channel in range(first, last):
        start = address + (channel * g.height + region.rows[0]) * g.width + region.columns[0]
        source = box.address(channel // block, region.rows[0], region.columns[0])
        loops = () if whole else ((region.height, g.width, box.row_stride),)
        result.append(_store(
            source, words if whole else region.width, stride, 1, loops,
            memory_address=start, lane_offset=channel % block,
        ))
    return result


def store_pixels(g: Geometry, address: int, box: Box, region: Region) -> list[Instruction]:
    """Store a region of a box of one plane as (H, W, C): the channels of a position are a word's first lanes."""
    if g.images > 1:
        return _store_images(store_pixels, g, address, box, region)
    start = address + (region.rows[0] * g.width + region.columns[0]) * g.channels
    source = box.address(0, region.rows[0], region.columns[0])
    words = region.width * region.height
    if _is_whole_lines(g, box, region, region.columns) and words <= WORDS_LIMIT:
        return [_store(source, words, box.column_stride, g.channels, (), memory_address=start)]
    row = (region.height, g.width * g.channels, box.row_stride)
    return [_store(source, region.width, box.column_stride, g.channels, (row,), memory_address=start)]
