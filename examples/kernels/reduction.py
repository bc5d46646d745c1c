"""The maximum of each channel over many rows in four versions: row by row, as a tree, in one instruction, as it comes.

y[c] = max over r of x[r, c]: x is int8[ROWS, C], C being BLOCKS channel blocks. No multiplication is in it: what the
machine must do at least is to read x, a word a cycle on the machines whose bus is a word wide. It fits any machine
whose words are one granule.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import tpukit

ROWS, BLOCKS = 256, 4
PLANE = ROWS + 1
"""Words of a channel block: its result, then its rows."""


@dataclass
class Reduction:
    """x in memory and, behind the word of each channel block's result, in the scratchpad; y in memory."""

    x: tpukit.Region
    y: tpukit.Region
    words: tpukit.Region


def pose(k: tpukit.KernelBuilder) -> Reduction:
    """Put x into memory, and what numpy computes as the expected result.

    Raises:
        KernelError: the machine's array is not square.
    """
    machine = k.machine
    if machine.rows != machine.columns:
        raise tpukit.KernelError(f"this kernel is for square arrays, and {machine.name} has {machine.rows} rows and "
                                 f"{machine.columns} columns")
    x = np.random.default_rng(0).integers(-128, 100, (ROWS, BLOCKS * machine.columns)).astype(np.int8)
    reduction = Reduction(
        x=k.activations(x, "x"), y=k.output("y", (BLOCKS, machine.columns)),
        words=k.scratchpad(BLOCKS * PLANE, "x", bank=0),
    )
    k.expect(reduction.y, k.blocked(x.max(axis=0)))
    return reduction


def load(k: tpukit.KernelBuilder, r: Reduction) -> None:
    """Load all of x, a line for each channel block."""
    line = ROWS * k.machine.block_bytes
    k.load(r.x, r.words[1:], line_bytes=line, lines=[(BLOCKS, line, PLANE)])


def store(k: tpukit.KernelBuilder, r: Reduction) -> None:
    """Store the word of each channel block's result."""
    k.store(r.words, r.y, word_stride=PLANE)


@tpukit.kernel
def rows(k: tpukit.KernelBuilder) -> None:
    """Row by row: each instruction takes the maximum so far and one row."""
    r = pose(k)
    with k.section("load"):
        load(k, r)
    with k.section("reduce"):
        k.vector(r.words[1:], r.words, blocks=tpukit.Loop(BLOCKS, a=PLANE, d=PLANE))
        for row in range(1, ROWS):
            k.vector(
                r.words, r.words, blocks=tpukit.Loop(BLOCKS, a=PLANE, d=PLANE), kx=tpukit.Loop(2, a=row + 1),
                reduce="max",
            )
    with k.section("store"):
        store(k, r)


@tpukit.kernel
def tree(k: tpukit.KernelBuilder) -> None:
    """As a tree: each instruction takes half as many rows as the one before."""
    r = pose(k)
    with k.section("load"):
        load(k, r)
    with k.section("reduce"):
        left = ROWS
        while left > 1:
            left //= 2
            k.vector(
                r.words[1:], r.words[1 if left > 1 else 0 :], blocks=tpukit.Loop(BLOCKS, a=PLANE, d=PLANE),
                x=tpukit.Loop(left, a=1, d=1), kx=tpukit.Loop(2, a=left), reduce="max",
            )
    with k.section("store"):
        store(k, r)


@tpukit.kernel
def taps(k: tpukit.KernelBuilder) -> None:
    """One instruction: the rows are the taps of one result, and are never written."""
    r = pose(k)
    with k.section("load"):
        load(k, r)
    with k.section("reduce"):
        k.vector(
            r.words[1:], r.words, blocks=tpukit.Loop(BLOCKS, a=PLANE, d=PLANE), kx=tpukit.Loop(ROWS, a=1),
            reduce="max",
        )
    with k.section("store"):
        store(k, r)


@tpukit.kernel
def streamed(k: tpukit.KernelBuilder) -> None:
    """As it comes: one channel block is reduced while the next is loaded."""
    r = pose(k)
    line = ROWS * k.machine.block_bytes
    results = k.scratchpad(BLOCKS, "results", bank=k.machine.scratchpad_banks - 1)
    for block in range(BLOCKS):
        with k.section(f"block {block}"):
            plane = r.words[block * PLANE + 1 : (block + 1) * PLANE]
            k.load(r.x[block * line : (block + 1) * line], plane)
            k.vector(plane, results[block : block + 1], kx=tpukit.Loop(ROWS, a=1), reduce="max")
    with k.section("store"):
        k.store(results, r.y)
