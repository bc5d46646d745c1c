"""A matrix product in four versions: one buffer of each kind, both accumulator halves, two of everything, and a start
that does not wait for the whole of the first piece.

C = requantize(A @ B + bias): A is int8[M, K], streamed in pieces of some rows; B is int8[K, N], whose tiles are read
again for each piece; C is int8[M, N]. The sizes follow the machine's, so that the kernels fit any square one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import tpukit
from machine.numerics import finish, rescale_from_real

PIECES = 4
BLOCKS = 8
"""Channel blocks of both K and N."""


@dataclass
class Problem:
    """The operands in memory, what is expected, and the sizes."""

    a: tpukit.Region
    tiles: tpukit.Region
    entries: tpukit.Region
    parameters: tpukit.Region
    c: tpukit.Region
    rows: int
    """Rows of A in a piece: as many as an accumulator half holds, but no more than 64."""

    @property
    def piece_words(self) -> int:
        """Scratchpad words of a piece of A, and of C: a word for each row and channel block."""
        return BLOCKS * self.rows


def pose(k: tpukit.KernelBuilder) -> Problem:
    """Put the operands into memory, and what numpy computes as the expected result.

    Raises:
        KernelError: the machine's array is not square.
    """
    machine = k.machine
    if machine.rows != machine.columns:
        raise tpukit.KernelError(f"this kernel is for square arrays, and {machine.name} has {machine.rows} rows and "
                                 f"{machine.columns} columns")
    rows = min(64, machine.accumulator_half_rows)
    channels = BLOCKS * machine.columns
    random = np.random.default_rng(0)
    a = random.integers(-128, 128, (PIECES * rows, channels)).astype(np.int8)
    b = random.integers(-128, 128, (channels, channels)).astype(np.int8)
    bias = random.integers(-1000, 1000, channels).astype(np.int32)
    rescale = rescale_from_real(0.7 / (128 * channels))
    product = a.astype(np.int32) @ b.astype(np.int32)
    expected = finish(product, bias, rescale.multiplier, rescale.left, rescale.right, 0, -128, 127)
    problem = Problem(
        a=k.data(_pieces(k, a, rows), "A"),
        tiles=k.weight_tiles(b, "B"),
        entries=k.channel_parameters(bias, rescale),
        parameters=k.parameters(BLOCKS),
        c=k.output("C", (PIECES, BLOCKS, rows, machine.columns)),
        rows=rows,
    )
    k.expect(problem.c, _pieces(k, expected, rows))
    return problem


def _pieces(k: tpukit.KernelBuilder, array: npt.NDArray[np.int8], rows: int) -> npt.NDArray[np.int8]:
    """Return int8[M, C] as pieces of channel blocks, int8[pieces, blocks, rows, columns]."""
    return np.stack([k.blocked(piece) for piece in array.reshape(PIECES, rows, -1)])


def load_piece(k: tpukit.KernelBuilder, p: Problem, piece: int, a: tpukit.Region) -> None:
    """Load a piece of A in one go."""
    size = p.piece_words * k.machine.block_bytes
    k.load(p.a[piece * size : (piece + 1) * size], a)


def multiply_block(
    k: tpukit.KernelBuilder, p: Problem, block: int, a: tpukit.Region, accumulator: tpukit.Region
) -> None:
    """Compute a channel block of C: one instruction goes over all channel blocks of A."""
    size = p.tiles.size // BLOCKS
    k.weights(p.tiles[block * size : (block + 1) * size])
    k.matrix(a, accumulator, rows=[(p.rows, 1)], taps=[(BLOCKS, p.rows)])


def drain_block(
    k: tpukit.KernelBuilder, p: Problem, piece: int, block: int, accumulator: tpukit.Region, c: tpukit.Region
) -> None:
    """Requantize a channel block of C into the scratchpad, and store it."""
    words = c[block * p.rows : (block + 1) * p.rows]
    k.vector(
        accumulator, words, x=tpukit.Loop(p.rows, a=1, d=1), parameters=p.parameters[block : block + 1]
    )
    size = p.rows * k.machine.block_bytes
    first = (piece * BLOCKS + block) * size
    k.store(words, p.c[first : first + size])


@tpukit.kernel
def single(k: tpukit.KernelBuilder) -> None:
    """One buffer of each kind: every step waits for the one before."""
    p = pose(k)
    k.load(p.entries, p.parameters)
    a, c = k.scratchpad(p.piece_words, "a"), k.scratchpad(p.piece_words, "c")
    accumulator = k.accumulators(p.rows)
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            load_piece(k, p, piece, a)
            for block in range(BLOCKS):
                multiply_block(k, p, block, a, accumulator)
                drain_block(k, p, piece, block, accumulator, c)


@tpukit.kernel
def halves(k: tpukit.KernelBuilder) -> None:
    """Both accumulator halves: the array fills one while the vector engine drains the other."""
    p = pose(k)
    k.load(p.entries, p.parameters)
    a, c = k.scratchpad(p.piece_words, "a"), k.scratchpad(p.piece_words, "c")
    accumulators = [k.accumulators(p.rows, half) for half in (0, 1)]
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            load_piece(k, p, piece, a)
            for block in range(BLOCKS):
                multiply_block(k, p, block, a, accumulators[block % 2])
                drain_block(k, p, piece, block, accumulators[block % 2], c)


def two_of_everything(
    k: tpukit.KernelBuilder, p: Problem
) -> tuple[list[tpukit.Region], list[tpukit.Region], list[tpukit.Region]]:
    """Take two buffers for A, two for C, each from a bank of its own on, and both accumulator halves."""
    quarter = k.machine.scratchpad_banks // 4
    a = [k.scratchpad(p.piece_words, f"a{i}", bank=i * quarter) for i in (0, 1)]
    c = [k.scratchpad(p.piece_words, f"c{i}", bank=(2 + i) * quarter) for i in (0, 1)]
    return a, c, [k.accumulators(p.rows, half) for half in (0, 1)]


@tpukit.kernel
def doubled(k: tpukit.KernelBuilder) -> None:
    """Two buffers for A and for C: the next piece is loaded while this one is multiplied."""
    p = pose(k)
    k.load(p.entries, p.parameters)
    a, c, accumulators = two_of_everything(k, p)
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            load_piece(k, p, piece, a[piece % 2])
            for block in range(BLOCKS):
                multiply_block(k, p, block, a[piece % 2], accumulators[block % 2])
                drain_block(k, p, piece, block, accumulators[block % 2], c[piece % 2])


@tpukit.kernel
def streamed(k: tpukit.KernelBuilder) -> None:
    """The first piece comes block by block: each is multiplied as soon as it is there."""
    p = pose(k)
    a, c, accumulators = two_of_everything(k, p)
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            if piece > 0:
                load_piece(k, p, piece, a[piece % 2])
            for block in range(BLOCKS):
                if piece == 0 and block == 0:
                    multiply_as_it_comes(k, p, a[0], accumulators[0])
                    k.load(p.entries, p.parameters)
                else:
                    multiply_block(k, p, block, a[piece % 2], accumulators[block % 2])
                drain_block(k, p, piece, block, accumulators[block % 2], c[piece % 2])


def multiply_as_it_comes(
    k: tpukit.KernelBuilder, p: Problem, a: tpukit.Region, accumulator: tpukit.Region
) -> None:
    """Load the channel blocks of the first piece one by one, and add up the products of each."""
    size, tile = p.rows * k.machine.block_bytes, k.machine.tile_bytes
    for block in range(BLOCKS):
        words = a[block * p.rows : (block + 1) * p.rows]
        k.load(p.a[block * size : (block + 1) * size], words)
        k.weights(p.tiles[block * tile : (block + 1) * tile])
        k.matrix(words, accumulator, rows=[(p.rows, 1)], accumulate=block > 0)
