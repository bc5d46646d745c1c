"""A matrix product in three versions: one step at a time, with two of everything, and with banks of their own.

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


def multiply(
    k: tpukit.KernelBuilder, p: Problem, piece: int, a: tpukit.Region, c: tpukit.Region,
    accumulators: list[tpukit.Region],
) -> None:
    """Load a piece of A into `a`; block by block multiply and drain it into `c`; store the blocks of C."""
    words, size = p.piece_words, p.piece_words * k.machine.block_bytes
    k.load(p.a[piece * size : (piece + 1) * size], a)
    tiles_bytes = p.tiles.size // BLOCKS
    for block in range(BLOCKS):
        accumulator = accumulators[block % len(accumulators)]
        first = block * p.rows
        k.weights(p.tiles[block * tiles_bytes : (block + 1) * tiles_bytes])
        k.matrix(a, accumulator, rows=[(p.rows, 1)], taps=[(BLOCKS, p.rows)])
        k.vector(
            accumulator, c[first : first + p.rows], x=tpukit.Loop(p.rows, a=1, d=1),
            parameters=p.parameters[block : block + 1],
        )
        at = (piece * words + first) * k.machine.block_bytes
        k.store(c[first : first + p.rows], p.c[at : at + p.rows * k.machine.block_bytes])


@tpukit.kernel
def single(k: tpukit.KernelBuilder) -> None:
    """One buffer of each kind: every step waits for the one before."""
    p = pose(k)
    k.load(p.entries, p.parameters)
    a, c = k.scratchpad(p.piece_words, "a"), k.scratchpad(p.piece_words, "c")
    accumulators = [k.accumulators(p.rows)]
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            multiply(k, p, piece, a, c, accumulators)


@tpukit.kernel
def halves(k: tpukit.KernelBuilder) -> None:
    """Both accumulator halves: the array fills one while the vector engine drains the other."""
    p = pose(k)
    k.load(p.entries, p.parameters)
    a, c = k.scratchpad(p.piece_words, "a"), k.scratchpad(p.piece_words, "c")
    accumulators = [k.accumulators(p.rows, half) for half in (0, 1)]
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            multiply(k, p, piece, a, c, accumulators)


@tpukit.kernel
def doubled(k: tpukit.KernelBuilder) -> None:
    """Two buffers of everything, each in banks of its own: the next piece is loaded while this one is multiplied."""
    p = pose(k)
    k.load(p.entries, p.parameters)
    banks = k.machine.scratchpad_banks
    a = [k.scratchpad(p.piece_words, f"a{i}", bank=i * banks // 4) for i in (0, 1)]
    c = [k.scratchpad(p.piece_words, f"c{i}", bank=banks // 2 + i * banks // 4) for i in (0, 1)]
    accumulators = [k.accumulators(p.rows, half) for half in (0, 1)]
    for piece in range(PIECES):
        with k.section(f"piece {piece}"):
            multiply(k, p, piece, a[piece % 2], c[piece % 2], accumulators)
