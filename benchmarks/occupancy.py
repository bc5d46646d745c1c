"""How long each engine and bus is occupied by a layer, from the timing law and a stated tiling model (no simulator).

The tiling model. A layer reads its operands from memory and writes its result to memory; layers do not overlap.

- A tile is a rectangle of output positions, m <= rows of an accumulator half. The input of a tile, halo included, is
  loaded with all its channels, and the halo again for the next tile. Two banks are kept for results and residual
  operands; the others hold two tiles of input (one, if the layer is one tile). A tile that does not fit is loaded anew
  for each group.
- Within a tile, groups of floor(half / m) output-channel blocks are accumulated over the whole reduction in one half
  while the vector engine drains the other. Weights are streamed again for each tile.
- The first tile's input comes channel block by channel block, and the first group follows it.
- First layer: whole kernel rows (a `Packing`) are packed side by side into the array's rows by the load's windows.
- Depthwise and pooling: the vector engine, one tap of one channel block a cycle. Softmax and layer normalisation: the
  reserved vector operations, at `PLANNED_READS` reads of each word (docs/decisions/0002-instruction-set-room.md).
- The tile is chosen that gives the fewest expected cycles when every engine and bus but the array is taken to be
  occupied `HEADROOM` times as long as it is: a tile that keeps the memory busy nine cycles in ten would be best only if
  nothing ever had to queue.

Not modelled: conflicts of bank claims (results, residual operands and inputs are in separate banks), the queueing of
weights behind loads while the FIFO covers it, fetch that does not keep up, and anything that a compiler could win by
overlapping layers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import pairwise

from benchmarks.layers import MATRIX_KINDS, Kind, Layer
from machine.config import BURST_BYTES, SEGMENT_WORDS, VECTOR_LATENCY_CYCLES, Machine
from machine.isa import INSTRUCTION_BYTES

PLANNED_READS = {Kind.SOFTMAX: 3, Kind.LAYER_NORM: 3}
"""Reads of each word. Softmax: maximum; exponential and sum; exponential times reciprocal of the sum. Layer
normalisation: sum; sum of squares of the centred values; centred value times inverse square root."""
ISSUE_CYCLES = 2
"""From a retirement to the grant of the first segment of the instruction that waits for its token."""
STORE_FILL_CYCLES = SEGMENT_WORDS + 2
"""From the grant of a full burst's reads on a bus as wide as a word to the grant of its write address."""
HEADROOM = Fraction(4, 3)
"""Margin that the choice of a tile (not the expected cycles) leaves to everything but the array."""
RESERVED_BANKS = 2
"""Banks for results and for residual operands."""
PARAMETER_SECTIONS = 3


@dataclass(frozen=True, slots=True)
class Packing:
    """A first layer's packing: weight tiles, and windows written for each output position."""

    tiles: int
    windows: int


def packing(layer: Layer, useful_rows: int, channels_last: bool = False) -> Packing:
    """Pack a kernel into words of `useful_rows` bytes: a window for each piece of an input line within a word."""
    run = layer.kernel * (layer.channels if channels_last else 1)
    total = layer.kernel**2 * layer.channels
    cuts = set(range(0, total, run)) | set(range(0, total, useful_rows))
    return Packing(math.ceil(total / useful_rows), len(cuts))


def whole_rows_packing(layer: Layer, machine: Machine) -> Packing:
    """Pack whole kernel rows of one channel (an NCHW input), as many as fit side by side; cut those that do not fit."""
    run = layer.kernel
    return packing(layer, machine.rows // run * run if run <= machine.rows else machine.rows)


@dataclass(frozen=True, slots=True)
class Transfer:
    """Scratchpad words, load segments, bus beats and expected bursts of a piece of memory traffic."""

    words: int = 0
    segments: int = 0
    beats: int = 0
    bursts: Fraction = Fraction(0)

    def __add__(self, other: Transfer) -> Transfer:
        """Return the sum of two transfers."""
        return Transfer(
            self.words + other.words,
            self.segments + other.segments,
            self.beats + other.beats,
            self.bursts + other.bursts,
        )

    def times(self, count: int) -> Transfer:
        """Return the transfer done `count` times."""
        return Transfer(self.words * count, self.segments * count, self.beats * count, self.bursts * count)


def lines(machine: Machine, count: int, line_bytes: int, words: int) -> Transfer:
    """Return `count` lines of `line_bytes` in memory, each `words` scratchpad words.

    A line of n beats at a random beat address is cut at multiples of 256 bytes into 1 + (n - 1) / (256 / bus) bursts
    in expectation.
    """
    beats = math.ceil(line_bytes / machine.bus_bytes)
    bursts = 1 + Fraction(max(beats - 1, 0) * machine.bus_bytes, BURST_BYTES) if beats else Fraction(0)
    return Transfer(count * words, count * math.ceil(words / SEGMENT_WORDS), count * beats, count * bursts)


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What a layer asks of the machine, in cycles, accesses or bytes, and what it is expected to take.

    Attributes:
        tile: output positions (rows x columns) of a tile, and output-channel blocks of a group.
        matrix_cycles: sum over passes of max(rows streamed, array rows).
        matrix_rows: rows streamed: scratchpad reads, and accumulator writes, by the matrix engine.
        passes: weight tiles used; each is shifted in `rows` cycles.
        handoff_cycles: cycles that the matrix engine waits for an accumulator half to come back.
        vector_reads: reads of operand A, one a cycle.
        vector_b_reads: reads of operand B (depthwise kernel, residual operand) beside them.
        vector_from_accumulators: operand A lies in the accumulators.
        results: words written by the vector engine.
        load: everything that the load engine transfers.
        weights: memory traffic of the weights engine.
        store: everything that the store engine transfers.
        instructions: instructions, fetched through the same port.
        prologue_cycles: from the layer's start to the first read of its compute engine.
        epilogue_cycles: from the last read of its compute engine to the last write response.
    """

    tile: tuple[int, int, int]
    matrix_cycles: int = 0
    matrix_rows: int = 0
    passes: int = 0
    handoff_cycles: int = 0
    vector_reads: int = 0
    vector_b_reads: int = 0
    vector_from_accumulators: bool = False
    results: int = 0
    load: Transfer = Transfer()
    weights: Transfer = Transfer()
    store: Transfer = Transfer()
    instructions: int = 0
    prologue_cycles: int = 0
    epilogue_cycles: int = 0

    def read_beats(self, machine: Machine) -> int:
        """Beats of the read bus: load, weights and instruction fetch."""
        return self.load.beats + self.weights.beats + _fetch(machine, self.instructions).beats

    def occupied(self, machine: Machine) -> dict[str, int]:
        """Cycles that each engine and bus is occupied; on a tie the first of them is called the limit."""
        fetch = _fetch(machine, self.instructions)
        reads = self.load + self.weights + fetch
        return {
            "matrix": self.matrix_cycles,
            "memory read": bus_cycles(machine, reads, machine.read_latency_cycles),
            "memory write": _channel_cycles(machine, self.store, machine.write_latency_cycles),
            "vector": self.vector_reads,
            "load": self.load.words,
            "weight shift": self.passes * machine.rows,
            "store": self.store.words,
        }

    def limit(self, machine: Machine) -> str:
        """Name of the engine or bus that is occupied longest."""
        occupied = self.occupied(machine)
        return max(occupied, key=lambda name: occupied[name])

    def expected_cycles(self, machine: Machine, headroom: Fraction = Fraction(1)) -> int:
        """Cycles that the layer is expected to take alone; `headroom` stretches everything but the array."""
        occupied = self.occupied(machine)
        matrix = occupied.pop("matrix") + self.handoff_cycles
        steady = max(matrix, math.ceil(headroom * max(occupied.values())))
        return steady + self.prologue_cycles + self.epilogue_cycles

    def ports(self) -> dict[str, int]:
        """Accesses of the scratchpad's read and write ports (all banks together) and of the accumulators'."""
        drained = self.vector_reads if self.vector_from_accumulators else 0
        return {
            "scratchpad read": self.matrix_rows + self.vector_reads - drained + self.vector_b_reads + self.store.words,
            "scratchpad write": self.load.words + self.results,
            "accumulator read": self.matrix_rows + drained,
            "accumulator write": self.matrix_rows,
        }


def _fetch(machine: Machine, instructions: int) -> Transfer:
    beats = math.ceil(instructions * INSTRUCTION_BYTES / machine.bus_bytes)
    return Transfer(beats=beats, bursts=Fraction(instructions * INSTRUCTION_BYTES, BURST_BYTES))


def _channel_cycles(machine: Machine, transfer: Transfer, latency: int) -> int:
    # A slot of `memory_outstanding` is taken from a burst's grant to the cycle after its last beat (or response).
    waiting = (transfer.bursts * (latency + 1) + transfer.beats) / machine.memory_outstanding
    return max(transfer.beats, math.ceil(waiting))


def bus_cycles(machine: Machine, transfer: Transfer, latency: int) -> int:
    """Cycles of the read channel: beats at the bus's rate, or bursts at 16 outstanding, whichever is more."""
    paced = math.ceil(transfer.beats * machine.bus_rate_denominator / machine.bus_rate_numerator)
    return max(paced, _channel_cycles(machine, transfer, latency))


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of output positions: first row and column, rows and columns."""

    y: int
    x: int
    rows: int
    columns: int

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.rows * self.columns


def tiles_of(layer: Layer, parts_y: int, parts_x: int) -> list[Tile]:
    """Cut the output into parts_y x parts_x tiles, as equal as can be."""
    return [
        Tile(y, x, rows, columns)
        for y, rows in _balanced(layer.out_height, parts_y)
        for x, columns in _balanced(layer.out_width, parts_x)
    ]


def _balanced(total: int, parts: int) -> Iterator[tuple[int, int]]:
    edges = [total * part // parts for part in range(parts + 1)]
    yield from ((first, end - first) for first, end in pairwise(edges))


def _extent(layer: Layer, first: int, count: int, size: int) -> tuple[int, int]:
    """Return (positions in the scratchpad, positions read from memory) of an input dimension of a tile."""
    if layer.kernel < layer.stride:
        return count, count
    low = first * layer.stride - layer.padding
    high = low + (count - 1) * layer.stride + layer.kernel
    return high - low, min(high, size) - max(low, 0)


@cache
def tile_input(layer: Layer, machine: Machine, tile: Tile) -> Transfer:
    """Return the load of one channel block of a tile's input, halo and padding included."""
    rows, memory_rows = _extent(layer, tile.y, tile.rows, layer.height)
    columns, memory_columns = _extent(layer, tile.x, tile.columns, layer.width)
    if layer.kernel < layer.stride:  # strided on the scratchpad side: the whole line is read
        memory_columns = (tile.columns - 1) * layer.stride + 1
    if layer.padding == 0 and memory_columns == layer.width and layer.kernel >= layer.stride:
        return lines(machine, 1, rows * columns * machine.block_bytes, rows * columns)
    filled = lines(machine, rows - memory_rows, 0, columns)
    return filled + lines(machine, memory_rows, memory_columns * machine.block_bytes, columns)


def _packed_input(layer: Layer, machine: Machine, tile: Tile, pack: Packing) -> Transfer:
    # Each window reads its own line, which starts at any byte; lines above and below the image are not read.
    _, memory_rows = _extent(layer, tile.y, tile.rows, layer.height)
    share = Fraction(memory_rows, (tile.rows - 1) * layer.stride + layer.kernel)
    line_bytes = (tile.columns - 1) * layer.stride + layer.kernel + machine.bus_bytes - 1
    count = math.ceil(pack.windows * tile.rows * share)
    fill = pack.windows * tile.rows - count
    return lines(machine, count, line_bytes, tile.columns) + lines(machine, fill, 0, tile.columns)


def _output(layer: Layer, machine: Machine, tile: Tile) -> Transfer:
    blocks = math.ceil(layer.outputs / machine.block_bytes)
    return lines(machine, blocks, tile.positions * machine.block_bytes, tile.positions)


def _parameters(layer: Layer, machine: Machine) -> Transfer:
    words = PARAMETER_SECTIONS * machine.parameter_words_per_section
    return lines(machine, math.ceil(layer.outputs / machine.columns), words * machine.block_bytes, words)


def input_capacity_words(machine: Machine) -> int:
    """Scratchpad words that the tiling model gives to input tiles."""
    return (machine.scratchpad_banks - RESERVED_BANKS) * machine.bank_words


def _load_prologue(machine: Machine, chunk: Transfer) -> int:
    arrival = max(chunk.words, bus_cycles(machine, replace(chunk, bursts=Fraction(0)), 0))
    return ISSUE_CYCLES + machine.read_latency_cycles + arrival + 1 + SEGMENT_WORDS + ISSUE_CYCLES


def _store_epilogue(machine: Machine, last_words: int) -> int:
    beats = last_words * machine.block_bytes // machine.bus_bytes
    return ISSUE_CYCLES + STORE_FILL_CYCLES + beats + machine.write_latency_cycles


def matrix_occupancy(layer: Layer, machine: Machine, tiles: list[Tile], pack: Packing | None = None) -> Occupancy:
    """Return the occupancy of a convolution or product under one tiling; `pack` overrides a first layer's packing."""
    if layer.packed and pack is None:
        pack = whole_rows_packing(layer, machine)
    taps = pack.tiles if pack else layer.kernel**2 * math.ceil(layer.channels / machine.rows)
    output_blocks = math.ceil(layer.outputs / machine.columns)
    input_blocks = 1 if pack else math.ceil(layer.channels / machine.block_bytes)
    first = max(tiles, key=lambda tile: tile.positions)
    group = min(output_blocks, machine.accumulator_half_rows // first.positions)
    groups = math.ceil(output_blocks / group)
    load, store, matrix_cycles, handoff = Transfer(), Transfer(), 0, 0
    largest = 0
    for tile in tiles:
        block = _packed_input(layer, machine, tile, pack) if pack else tile_input(layer, machine, tile)
        words = tile.positions * taps if pack else block.words * input_blocks
        largest = max(largest, words)
        streamed = max(tile.positions, machine.rows)
        matrix_cycles += streamed * taps * output_blocks
        handoff += groups * _handoff(machine, group * taps * streamed, group * tile.positions)
        load += block.times(input_blocks)
        store += _output(layer, machine, tile)
    buffers = 1 if len(tiles) == 1 else 2
    if buffers * largest > input_capacity_words(machine):
        load = load.times(groups)
    positions = sum(tile.positions for tile in tiles)
    load += _parameters(layer, machine).times(1 if output_blocks <= machine.parameter_entries else len(tiles))
    load += store if layer.residual else Transfer()
    passes = taps * output_blocks * len(tiles)
    weights = lines(machine, groups * len(tiles), group * taps * machine.tile_bytes, 0)
    weights = replace(weights, beats=passes * machine.tile_beats)
    if layer.kind is Kind.RUNTIME_PRODUCT:  # loaded once as activations, then streamed from the scratchpad
        operand = math.ceil(layer.channels / machine.block_bytes)
        load += lines(machine, operand, layer.outputs * machine.block_bytes, layer.outputs)
        weights = Transfer()
    chunk, chunks = _first_chunk(layer, machine, first, pack, input_blocks)
    steps = group * taps // chunks
    supply = max(chunk.words, chunk.beats + steps * machine.tile_beats)
    stall = max(0, supply - steps * max(first.positions, machine.rows))
    copies = layer.copies
    drained = group * tiles[-1].positions
    return Occupancy(
        tile=(first.rows, first.columns, group),
        matrix_cycles=copies * matrix_cycles,
        matrix_rows=copies * positions * taps * output_blocks,
        passes=copies * passes,
        handoff_cycles=copies * handoff,
        vector_reads=copies * positions * output_blocks,
        vector_b_reads=copies * positions * output_blocks if layer.residual else 0,
        vector_from_accumulators=True,
        results=copies * positions * output_blocks,
        load=load.times(copies),
        weights=weights.times(copies),
        store=store.times(copies),
        instructions=copies * (len(tiles) * (2 + groups * (4 + layer.residual))) + 2 * (chunks + group),
        prologue_cycles=_load_prologue(machine, chunk) + (chunks - 1) * stall,
        epilogue_cycles=machine.matrix_latency_cycles
        + ISSUE_CYCLES
        + drained
        + VECTOR_LATENCY_CYCLES
        + _store_epilogue(machine, tiles[-1].positions),
    )


def _handoff(machine: Machine, matrix_cycles: int, drained_rows: int) -> int:
    """Cycles that a group waits because two halves do not cover accumulate, drain and the tokens between them."""
    turn = machine.matrix_latency_cycles + ISSUE_CYCLES + drained_rows + VECTOR_LATENCY_CYCLES + ISSUE_CYCLES
    return max(0, math.ceil((turn - matrix_cycles) / 2))


def _first_chunk(
    layer: Layer, machine: Machine, tile: Tile, pack: Packing | None, input_blocks: int
) -> tuple[Transfer, int]:
    """Return what the first matrix instruction waits for, and in how many such chunks the first tile comes."""
    if pack is None:
        return tile_input(layer, machine, tile), input_blocks
    whole = _packed_input(layer, machine, tile, pack)
    return Transfer(math.ceil(whole.words / pack.tiles), 0, math.ceil(whole.beats / pack.tiles)), pack.tiles


def vector_occupancy(layer: Layer, machine: Machine, tiles: list[Tile]) -> Occupancy:
    """Return the occupancy of a layer of the vector engine; windowed layers take one channel block at a time."""
    planned = PLANNED_READS.get(layer.kind)
    blocks = math.ceil(layer.channels / machine.block_bytes)
    lanes = math.ceil(layer.channels / machine.columns)
    taps = planned or layer.kernel**2
    load, store = Transfer(), Transfer()
    for tile in tiles:
        load += tile_input(layer, machine, tile).times(blocks)
        store += _output(layer, machine, tile)
    positions = sum(tile.positions for tile in tiles)
    if layer.kind is Kind.DEPTHWISE:
        load += _parameters(layer, machine) + lines(machine, 1, taps * blocks * machine.block_bytes, taps * blocks)
    together = blocks if planned else 1
    return Occupancy(
        tile=(tiles[0].rows, tiles[0].columns, together),
        vector_reads=layer.copies * positions * lanes * taps,
        vector_b_reads=layer.copies * positions * lanes * taps if layer.kind is Kind.DEPTHWISE else 0,
        results=layer.copies * positions * lanes,
        load=load.times(layer.copies),
        store=store.times(layer.copies),
        instructions=layer.copies * len(tiles) * (2 + 2 * (blocks if together == 1 else 1)),
        prologue_cycles=_load_prologue(machine, tile_input(layer, machine, tiles[0]).times(together)),
        epilogue_cycles=VECTOR_LATENCY_CYCLES + _store_epilogue(machine, tiles[-1].positions * together),
    )


def tilings(layer: Layer, machine: Machine) -> Iterator[list[Tile]]:
    """Yield the tilings that the model chooses from: full-width strips, or one row cut where a row does not fit."""
    matrix = layer.kind in MATRIX_KINDS
    limit = machine.accumulator_half_rows if matrix else input_capacity_words(machine) // 4
    if layer.out_width > limit:
        yield tiles_of(layer, layer.out_height, math.ceil(layer.out_width / limit))
        return
    seen = set()
    for rows in range(1, min(layer.out_height, limit // layer.out_width) + 1):
        parts = math.ceil(layer.out_height / rows)
        if parts not in seen:
            seen.add(parts)
            yield tiles_of(layer, parts, 1)


def occupancy(layer: Layer, machine: Machine, pack: Packing | None = None) -> Occupancy:
    """Return the layer's occupancy under the tiling that takes the fewest expected cycles with headroom."""
    if layer.kind in MATRIX_KINDS:
        choices = [matrix_occupancy(layer, machine, tiles, pack) for tiles in tilings(layer, machine)]
    else:
        choices = [vector_occupancy(layer, machine, tiles) for tiles in tilings(layer, machine)]
    return min(choices, key=lambda choice: choice.expected_cycles(machine, HEADROOM))
