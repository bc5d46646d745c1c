"""A convolution block in four versions: operator by operator, on the chip, fused into the drain, and overlapped.

y = max(requantize(conv3x3(x) + bias) + x, 0), all int8 with scales and zero points of their own: the block that
residual networks repeat. x and y are of HEIGHT x WIDTH positions and BLOCKS channel blocks. It fits any square machine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import tpukit
from machine import numerics
from machine.numerics import add_rescale, rescale_from_real

HEIGHT, WIDTH, BLOCKS = 16, 16, 2
BAND = 4
"""Rows of the image that are computed at a time: their positions fill an accumulator half of the smallest machine."""
BANDS = HEIGHT // BAND
POSITIONS = BAND * WIDTH
X_ZERO, CONV_ZERO, Y_ZERO = -10, 3, -20
"""Zero points of x, of the convolution's result, and of y: below the last one is what a real 0 cuts off."""
BOX_WIDTH = WIDTH + 2
BOX_PLANE = (HEIGHT + 2) * BOX_WIDTH
"""Words of a channel block of x with a border of one position all around."""
PLANE = HEIGHT * WIDTH


@dataclass
class Block:
    """The operands in memory, the room for parameters, and the image with its border in the scratchpad."""

    x: tpukit.Region
    tiles: tpukit.Region
    entries: tpukit.Region
    record_data: tpukit.Region
    y: tpukit.Region
    parameters: tpukit.Region
    record: tpukit.Region
    box: tpukit.Region


def pose(k: tpukit.KernelBuilder) -> Block:
    """Put the operands into memory, and what numpy computes as the expected result.

    Raises:
        KernelError: the machine's array is not square.
    """
    machine = k.machine
    if machine.rows != machine.columns:
        raise tpukit.KernelError(f"this kernel is for square arrays, and {machine.name} has {machine.rows} rows and "
                                 f"{machine.columns} columns")
    channels = BLOCKS * machine.columns
    random = np.random.default_rng(0)
    x = random.integers(-128, 128, (HEIGHT, WIDTH, channels)).astype(np.int8)
    weights = random.integers(-128, 128, (3, 3, channels, channels)).astype(np.int8)
    bias = random.integers(-1000, 1000, channels).astype(np.int32)
    rescale = rescale_from_real(0.5 / (128 * 3 * channels**0.5))
    addition = add_rescale(0.04, 0.05, 0.06)
    conv = numerics.finish(
        convolve(x, weights), bias, rescale.multiplier, rescale.left, rescale.right, CONV_ZERO, -128, 127
    )
    y = numerics.add(conv, CONV_ZERO, x, X_ZERO, addition, Y_ZERO, Y_ZERO, 127)
    block = Block(
        x=k.activations(x, "x"),
        tiles=k.weight_tiles(weights),
        entries=k.channel_parameters(bias, rescale),
        record_data=k.addition_record(addition, Y_ZERO, low=Y_ZERO),
        y=k.output("y", (BLOCKS, HEIGHT, WIDTH, machine.columns)),
        parameters=k.parameters(BLOCKS),
        record=k.parameters(1, "record"),
        box=k.scratchpad(BLOCKS * BOX_PLANE, "box", bank=0),
    )
    k.expect(block.y, k.blocked(y))
    return block


def convolve(x: npt.NDArray[np.int8], weights: npt.NDArray[np.int8]) -> npt.NDArray[np.int32]:
    """Return the sums of a 3x3 convolution, int32[H, W, CO]; what lies outside x is its zero point."""
    centred = np.pad(x.astype(np.int32) - X_ZERO, ((1, 1), (1, 1), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(centred, (3, 3), axis=(0, 1))
    sums: npt.NDArray[np.int32] = np.einsum("hwcij,ijco->hwo", windows, weights.astype(np.int32), dtype=np.int32)
    return sums


def load_parameters(k: tpukit.KernelBuilder, b: Block) -> None:
    """Load bias and requantization of all channels, and the record of the addition."""
    k.load(b.entries, b.parameters)
    k.load(b.record_data, b.record)


def load_rows(k: tpukit.KernelBuilder, b: Block, first: int, last: int) -> None:
    """Load rows of x into the box, a line for each row; the words left and right of it are filled on the way."""
    line = WIDTH * k.machine.block_bytes
    for block in range(BLOCKS):
        k.load(
            b.x[(block * HEIGHT + first) * line :], b.box[block * BOX_PLANE + (first + 1) * BOX_WIDTH :],
            line_bytes=line, words=BOX_WIDTH, window_pad=k.machine.block_bytes, fill=X_ZERO,
            lines=[(last - first, line, BOX_WIDTH)],
        )


def fill_border(k: tpukit.KernelBuilder, b: Block) -> None:
    """Fill the rows above and below the image."""
    for row in (0, HEIGHT + 1):
        k.fill(b.box[row * BOX_WIDTH :], X_ZERO, words=BOX_WIDTH, lines=[(BLOCKS, BOX_PLANE)])


def multiply(k: tpukit.KernelBuilder, b: Block, band: int, block: int, accumulator: tpukit.Region) -> None:
    """Convolve a band of the image into a block of output channels: one tile for each tap and input block."""
    size = b.tiles.size // BLOCKS
    k.weights(b.tiles[block * size : (block + 1) * size])
    k.matrix(
        b.box[band * BAND * BOX_WIDTH :], accumulator, rows=[(WIDTH, 1), (BAND, BOX_WIDTH)],
        taps=[(3, 1), (3, BOX_WIDTH), (BLOCKS, BOX_PLANE)], zero_point=X_ZERO,
    )


def drain(
    k: tpukit.KernelBuilder, b: Block, block: int, accumulator: tpukit.Region, words: tpukit.Region
) -> None:
    """Add the bias and requantize, and nothing else."""
    k.vector(
        accumulator, words, x=tpukit.Loop(POSITIONS, a=1, d=1), parameters=b.parameters[block : block + 1],
        zero_point=CONV_ZERO,
    )


def drain_and_add(
    k: tpukit.KernelBuilder, b: Block, block: int, accumulator: tpukit.Region, words: tpukit.Region,
    residual: tpukit.Region, row_words: int,
) -> None:
    """Add the bias, requantize, add x, and cut off, all on the way; rows of x are `row_words` apart in `residual`."""
    k.vector(
        accumulator, words, x=tpukit.Loop(WIDTH, a=1, b=1, d=1), y=tpukit.Loop(BAND, a=WIDTH, b=row_words, d=WIDTH),
        parameters=b.parameters[block : block + 1], zero_point=CONV_ZERO,
        b=residual, record=b.record, b_zero_point=X_ZERO,
    )


def part(region: tpukit.Region, band: int, block: int, unit: int) -> tpukit.Region:
    """Return a band of a block of an image without border, `unit` bytes or words for each position."""
    first = (block * PLANE + band * POSITIONS) * unit
    return region[first : first + POSITIONS * unit]


@tpukit.kernel
def passes(k: tpukit.KernelBuilder) -> None:
    """Operator by operator: each reads its operands from memory, and writes its result there."""
    b, size, words = pose(k), k.machine.block_bytes, BLOCKS * PLANE
    accumulator, result = k.accumulators(POSITIONS), k.scratchpad(words, "result", bank=3)
    convolved, added = k.memory(words * size, "convolved"), k.memory(words * size, "added")
    with k.section("convolution"):
        load_parameters(k, b)
        fill_border(k, b)
        load_rows(k, b, 0, HEIGHT)
        for band in range(BANDS):
            for block in range(BLOCKS):
                multiply(k, b, band, block, accumulator)
                drain(k, b, block, accumulator, part(result, band, block, 1))
                k.store(part(result, band, block, 1), part(convolved, band, block, size))
    residual = b.box[:words]
    with k.section("addition"):
        k.load(b.x, residual)
        k.load(convolved, result)
        k.vector(
            result, result, x=tpukit.Loop(words, a=1, b=1, d=1), zero_point=CONV_ZERO,
            b=residual, record=b.record, b_zero_point=X_ZERO,
        )
        k.store(result, added)
    with k.section("cut off"):
        k.load(added, result)
        k.vector(result, result, x=tpukit.Loop(words, a=1, d=1), low=Y_ZERO)
        k.store(result, b.y)


@tpukit.kernel
def on_chip(k: tpukit.KernelBuilder) -> None:
    """Results in between stay in the scratchpad; the vector engine still goes over them three times."""
    b, size = pose(k), k.machine.block_bytes
    accumulator, result = k.accumulators(POSITIONS), k.scratchpad(BLOCKS * PLANE, "result", bank=3)
    with k.section("load"):
        load_parameters(k, b)
        fill_border(k, b)
        load_rows(k, b, 0, HEIGHT)
    for band in range(BANDS):
        for block in range(BLOCKS):
            words = part(result, band, block, 1)
            with k.section(f"band {band}"):
                multiply(k, b, band, block, accumulator)
                drain(k, b, block, accumulator, words)
                k.vector(
                    words, words, x=tpukit.Loop(WIDTH, a=1, b=1, d=1),
                    y=tpukit.Loop(BAND, a=WIDTH, b=BOX_WIDTH, d=WIDTH), zero_point=CONV_ZERO,
                    b=inside(b, band, block), record=b.record, b_zero_point=X_ZERO,
                )
                k.vector(words, words, x=tpukit.Loop(POSITIONS, a=1, d=1), low=Y_ZERO)
                k.store(words, part(b.y, band, block, size))


def inside(b: Block, band: int, block: int) -> tpukit.Region:
    """Return the box from the first position of a band of a block on, border left out."""
    return b.box[block * BOX_PLANE + (band * BAND + 1) * BOX_WIDTH + 1 :]


@tpukit.kernel
def fused(k: tpukit.KernelBuilder) -> None:
    """One pass: bias, requantization, addition and cut-off while the accumulators are drained."""
    b, size = pose(k), k.machine.block_bytes
    accumulator, result = k.accumulators(POSITIONS), k.scratchpad(BLOCKS * PLANE, "result", bank=3)
    with k.section("load"):
        load_parameters(k, b)
        fill_border(k, b)
        load_rows(k, b, 0, HEIGHT)
    for band in range(BANDS):
        for block in range(BLOCKS):
            words = part(result, band, block, 1)
            with k.section(f"band {band}"):
                multiply(k, b, band, block, accumulator)
                drain_and_add(k, b, block, accumulator, words, inside(b, band, block), BOX_WIDTH)
                k.store(words, part(b.y, band, block, size))


@tpukit.kernel
def overlapped(k: tpukit.KernelBuilder) -> None:
    """Both accumulator halves, x a second time in banks that the array does not read, and rows as they are needed."""
    b, size = pose(k), k.machine.block_bytes
    result = k.scratchpad(BLOCKS * PLANE, "result", bank=3)
    residual = k.scratchpad(BLOCKS * PLANE, "residual", bank=5)
    accumulators = [k.accumulators(POSITIONS, half) for half in (0, 1)]
    for band in range(BANDS):
        with k.section(f"band {band}"):
            if band == 0:
                fill_border(k, b)
            load_rows(k, b, band * BAND + (band > 0), min(HEIGHT, (band + 1) * BAND + 1))
            if band == 0:
                load_parameters(k, b)
            for block in range(BLOCKS):
                words, x = part(result, band, block, 1), part(residual, band, block, 1)
                k.load(part(b.x, band, block, size), x)
                multiply(k, b, band, block, accumulators[block])
                drain_and_add(k, b, block, accumulators[block], words, x, WIDTH)
                k.store(words, part(b.y, band, block, size))
