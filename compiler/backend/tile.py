"""Tile: how each layer's outputs are cut into items of work, chosen by a small cost model from the timing law."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

from compiler.backend.geometry import Region, ceil_div
from compiler.backend.layers import ELEMENTWISE, Kernel, Layer, Layout, Source
from machine.config import BURST_BYTES, LOAD_IN_FLIGHT, VECTOR_LATENCY_CYCLES, Machine
from machine.isa import INSTRUCTION_BYTES

MAX_COUNT = 4096
"""Largest count of rows, columns and lines in an instruction."""
MAX_BLOCKS = 1024
"""Largest count of blocks in an instruction."""
HANDSHAKE_CYCLES = 6
"""Retirement to the next engine's first access: token, issue, active, grant."""
LOAD_CYCLES = 12
"""What a further load costs beside its bytes."""
FETCHES = 5
"""Instructions of an item: their fetch shares the bus."""
WIDTHS = 6
"""Column splits that are tried beyond the fewest possible."""
SEARCH_NODES = 1 << 15
"""Tilings of a layer that are considered at most, beside the smallest (docs/decisions/0006-tile-search.md)."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Which of a layer's activations go through memory (the others stay in the scratchpad)."""

    source: bool
    residual: bool
    output: bool


@dataclass(frozen=True, slots=True)
class Tiling:
    """Outputs computed at a time: rows, columns, planes; `chunk` input planes are held at a time (matrix)."""

    height: int
    width: int
    planes: int
    chunk: int


@dataclass(frozen=True, slots=True)
class Item:
    """One item of work: a region of outputs, and the input regions that it is reduced from, one after the other."""

    output: Region
    inputs: tuple[Region, ...]


@dataclass(frozen=True, slots=True)
class Work:
    """What a tiling costs each unit, in cycles, and the scratchpad words of each stream's buffers."""

    cycles: int
    source_words: int
    residual_words: int
    output_words: int
    source_buffers: int
    output_buffers: int
    multiplier_words: int
    multiplier_buffers: int


def items(machine: Machine, layer: Layer, tiling: Tiling) -> Iterator[Item]:
    """Yield a layer's items in the order of execution: spatial tiles outer, output planes inner."""
    g = layer.tiled
    spatial = list(itertools.product(_ranges(g.height, tiling.height), _ranges(g.width, tiling.width)))
    for image, (rows, columns) in itertools.product(layer.passes, spatial):
        for planes in _ranges(g.planes(machine), tiling.planes):
            output = Region(planes, rows, columns, image)
            yield Item(output, inputs_of(machine, layer, tiling, output))


def inputs_of(machine: Machine, layer: Layer, tiling: Tiling, output: Region) -> tuple[Region, ...]:
    """Return the input regions of an item."""
    if layer.kernel in ELEMENTWISE:
        return (layer.source.broadcast(machine, output),)
    seen = (layer.window.span(0, *output.rows), layer.window.span(1, *output.columns))
    if layer.kernel is not Kernel.MATRIX:
        return (Region(layer.source_planes(machine, output.planes), *seen, output.image),)
    return tuple(Region(chunk, *seen, output.image) for chunk in _chunks(machine, layer, tiling, output.planes))


def _chunks(machine: Machine, layer: Layer, tiling: Tiling, planes: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the chunks of input planes that some output planes need."""
    first, stop = layer.reached(machine, planes)
    return [c for c in _ranges(layer.source.seen.planes(machine), tiling.chunk) if c[0] < stop and first < c[1]]


def _ranges(length: int, step: int) -> list[tuple[int, int]]:
    return [(first, min(first + step, length)) for first in range(0, length, step)]


def granules(machine: Machine, layer: Layer) -> int:
    """Array-row groups in each input word that hold channels."""
    return min(machine.block_bytes // machine.rows, ceil_div(layer.source.seen.channels, machine.rows))


def _splits(length: int, limit: int) -> list[int]:
    """Distinct step sizes up to `limit` that cut a length into equal parts, largest first."""
    return sorted({ceil_div(length, parts) for parts in range(1, length + 1) if ceil_div(length, parts) <= limit})[::-1]


def candidates(machine: Machine, layer: Layer) -> Iterator[Tiling]:
    """Yield the tilings that the accumulators and the instruction's counts allow."""
    g, rows = layer.tiled, machine.accumulator_half_rows
    planes = g.planes(machine)
    per_plane = machine.block_bytes // machine.columns if layer.kernel is Kernel.MATRIX else 0
    widths = _splits(g.width, min(rows // per_plane if per_plane else MAX_COUNT, MAX_COUNT))
    inputs = layer.source.seen.planes(machine)
    chunks = _splits(inputs, MAX_COUNT) if layer.kernel is Kernel.MATRIX else [inputs]
    for width in widths[:WIDTHS] + widths[WIDTHS::8] + widths[-1:]:
        for height in _splits(g.height, MAX_COUNT):
            for group in _splits(planes, _most_planes(machine, layer)):
                if width * height * group * per_plane > rows:
                    continue
                for chunk in chunks if width == widths[-1] or len(chunks) < 3 else chunks[:2]:
                    yield Tiling(height, width, group, chunk)


def considered(machine: Machine, layer: Layer, budget: int = SEARCH_NODES) -> list[Tiling]:
    """Return a layer's candidates, at most `budget` of them and the smallest, which fits if any does."""
    found = list(itertools.islice(candidates(machine, layer), budget + 1))
    if len(found) <= budget:
        return found
    chunk = 1 if layer.kernel is Kernel.MATRIX else layer.source.seen.planes(machine)
    return [*found[:budget], Tiling(1, 1, 1, chunk)]


def _most_planes(machine: Machine, layer: Layer) -> int:
    """Planes of an item whose parameters fit one slot of the parameter memory."""
    if layer.parameters is None or layer.kernel is Kernel.AVERAGE:
        return MAX_BLOCKS
    return min(MAX_BLOCKS, parameter_slot(machine) * machine.columns // machine.block_bytes)


def parameter_slot(machine: Machine) -> int:
    """Parameter entries of one item where a layer's do not fit half the memory: layers and items both alternate."""
    return (machine.parameter_entries // 2 - 1) // 2


def parameters_reason(machine: Machine, layer: Layer) -> str | None:
    """Return why a machine has no room for a layer's parameters, even those of one plane; None where it has."""
    if _most_planes(machine, layer) > 0:
        return None
    lanes = machine.block_bytes // machine.columns
    least = 1 << (2 * (2 * lanes + 1) - 1).bit_length()
    array = f"{machine.rows}x{machine.columns}"
    return f"parameter_entries = {machine.parameter_entries}; an array of {array} needs {least}"


def load_cycles(machine: Machine, source: Source, region: Region) -> tuple[int, int]:
    """Return (bus beats, cycles of the load engine) of loading a region.

    The engine is held up by its writes, by the bursts that may be outstanding, or by the instructions in flight.
    """
    lines, line_bytes, writes, instructions = _lines(machine, source, region)
    bursts = lines * (1 + line_bytes // BURST_BYTES)
    beats = lines * ceil_div(line_bytes, machine.bus_bytes)
    round_trip = machine.read_latency_cycles + 4
    held = max(
        writes, read_cycles(machine, beats), bursts * round_trip // machine.memory_outstanding,
        instructions * (round_trip + writes // instructions) // LOAD_IN_FLIGHT if instructions > LOAD_IN_FLIGHT else 0,
    )
    return beats + lines, held + LOAD_CYCLES


def read_cycles(machine: Machine, beats: int) -> int:
    """Return the cycles in which the memory delivers some beats."""
    return ceil_div(beats * machine.bus_rate_denominator, machine.bus_rate_numerator)


def _lines(machine: Machine, source: Source, region: Region) -> tuple[int, int, int, int]:
    """Return (lines, bytes of a line, words written, instructions) of loading a region."""
    block, g = machine.block_bytes, source.geometry
    if source.layout is Layout.DENSE and g.height * g.width == 1 < g.images:
        return region.words, block, region.words, 1
    if source.layout is Layout.BLOCKED or g.height * g.width == 1:
        if region.width < g.width or region.columns[0] < 0:
            return region.depth * region.height, min(region.width, g.width) * block, region.words, 1
        return region.depth, region.height * region.width * block, region.words, 1
    area = region.height * region.width
    if source.packing is not None:
        runs = len(source.packing.lanes)
        return runs * region.height, region.width * source.packing.column_stride + block, runs * area, runs
    channels = min(g.channels, region.depth * block)
    if region.width < g.width or region.columns[0] < 0:
        return channels * region.height, min(region.width, g.width), channels * area, channels
    return channels, area, channels * area, channels


def least_cycles(machine: Machine, layer: Layer, tiling: Tiling) -> int:
    """Return what a tiling takes at least: its items on the matrix and vector engines."""
    _, period = _period(machine, layer, tiling)
    return period * item_count(machine, layer, tiling)


def item_count(machine: Machine, layer: Layer, tiling: Tiling) -> int:
    """Return the number of items."""
    g = layer.tiled
    spatial = len(layer.passes) * ceil_div(g.height, tiling.height) * ceil_div(g.width, tiling.width)
    return spatial * ceil_div(g.planes(machine), tiling.planes)


def work(machine: Machine, layer: Layer, tiling: Tiling, streams: Streams) -> Work:
    """Estimate a tiling: every unit's total, the slowest of them, and what does not overlap at both ends."""
    count = item_count(machine, layer, tiling)
    groups = ceil_div(layer.geometry.planes(machine), tiling.planes)
    spatial = count // groups
    chunks, first = _first_input(machine, layer, tiling)
    beats, writes = load_cycles(machine, layer.source, first) if streams.source else (0, 0)
    reloads = chunks * (groups if chunks > 1 or layer.kernel is not Kernel.MATRIX else 1) * spatial
    result = Region((0, tiling.planes), (0, tiling.height), (0, tiling.width))
    rest_beats, rest_writes, rest_words = 0, 0, 0
    if layer.residual is not None and streams.residual:
        rest = layer.residual.broadcast(machine, result)
        rest_beats, rest_writes = load_cycles(machine, layer.residual, rest)
        rest_words = rest.words
    vector_item, period = _period(machine, layer, tiling)
    bus = _weight_beats(machine, layer, tiling) * count
    bus += beats * reloads + rest_beats * count + count * FETCHES * INSTRUCTION_BYTES // machine.bus_bytes
    store = _store_cycles(machine, layer, result) * count if streams.output else 0
    total = max(period * count, read_cycles(machine, bus), writes * reloads + rest_writes * count, store)
    ends = vector_item + _latency(machine)
    if streams.source:
        ends += machine.read_latency_cycles + writes + LOAD_CYCLES * chunks
    if streams.output:
        ends += machine.write_latency_cycles + result.words
    single = count * chunks == 1 or reloads == 1
    return Work(
        total + ends,
        first.words if streams.source else 0,
        rest_words,
        result.words if streams.output else 0,
        1 if single else 2,
        1 if count == 1 else 2,
        tiling.planes * layer.window.kernel[0] * layer.window.kernel[1] if layer.kernel is Kernel.DEPTHWISE else 0,
        1 if groups == 1 else 2,
    )


def _first_input(machine: Machine, layer: Layer, tiling: Tiling) -> tuple[int, Region]:
    """Return the number of input regions of an item, and the first item's first."""
    window = layer.window
    rows = window.largest_span(0, tiling.height, layer.tiled.height)
    columns = window.largest_span(1, tiling.width, layer.geometry.width)
    if layer.kernel in ELEMENTWISE:
        return 1, layer.source.broadcast(machine, Region((0, tiling.planes), rows, columns))
    if layer.kernel is not Kernel.MATRIX:
        return 1, Region(layer.source_planes(machine, (0, tiling.planes)), rows, columns)
    planes = layer.source.seen.planes(machine)
    return _reached(machine, layer, tiling)[1], Region((0, min(tiling.chunk, planes)), rows, columns)


def _reached(machine: Machine, layer: Layer, tiling: Tiling) -> tuple[int, int]:
    """Return the input planes and the chunks of them that an item needs, on average and rounded up."""
    planes = layer.source.seen.planes(machine)
    if not layer.reach:
        return planes, ceil_div(planes, tiling.chunk)
    groups = _ranges(layer.geometry.planes(machine), tiling.planes)
    spans = [layer.reached(machine, group) for group in groups]
    chunks = sum(len(_chunks(machine, layer, tiling, group)) for group in groups)
    return ceil_div(sum(stop - first for first, stop in spans), len(groups)), ceil_div(chunks, len(groups))


def _store_cycles(machine: Machine, layer: Layer, region: Region) -> int:
    """Cycles of the store engine and the write channel for a region in blocked layout."""
    whole = region.width == layer.geometry.width
    lines = region.depth * (1 if whole else region.height)
    line_bytes = region.words // lines * machine.block_bytes
    bursts = lines * (1 + line_bytes // BURST_BYTES)
    per_burst = ceil_div(machine.write_latency_cycles + 20, machine.memory_outstanding)
    return max(region.words, lines * ceil_div(line_bytes, machine.bus_bytes), bursts * per_burst)


def _latency(machine: Machine) -> int:
    """Return the cycles from the last row of an item to its last result, and back to the next use of its half."""
    return machine.matrix_latency_cycles + VECTOR_LATENCY_CYCLES + 2 * HANDSHAKE_CYCLES


def _taps(layer: Layer) -> int:
    return layer.window.kernel[0] * layer.window.kernel[1]


def _tiles(machine: Machine, layer: Layer, tiling: Tiling) -> int:
    """Return the weight tiles of a block of outputs."""
    return _reached(machine, layer, tiling)[0] * granules(machine, layer) * _taps(layer)


def _weight_beats(machine: Machine, layer: Layer, tiling: Tiling) -> int:
    """Return the bus beats of an item's weights."""
    if layer.kernel is not Kernel.MATRIX:
        return 0
    blocks = tiling.planes * (machine.block_bytes // machine.columns)
    return blocks * _tiles(machine, layer, tiling) * machine.tile_beats


def _period(machine: Machine, layer: Layer, tiling: Tiling) -> tuple[int, int]:
    """Return the vector engine's cycles of an item, and the cycles from an item to the next."""
    area = tiling.height * tiling.width
    blocks = tiling.planes * (machine.block_bytes // machine.columns)
    if layer.kernel is not Kernel.MATRIX:
        vector = blocks * area * _taps(layer) + HANDSHAKE_CYCLES
        return vector, vector
    chunks = _reached(machine, layer, tiling)[1]
    matrix = blocks * _tiles(machine, layer, tiling) * max(area, machine.rows) + chunks
    vector = blocks * area + HANDSHAKE_CYCLES
    return vector, max(matrix, vector, (matrix + vector + _latency(machine)) // 2)
