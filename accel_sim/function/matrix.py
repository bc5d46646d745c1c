"""Matrix: the passes of one instruction as one product, exact in floating point (docs/units/matrix.md).

Both operands are 9-bit signed integers, so every partial sum of a product, in any order, is an integer whose
magnitude is at most `max|x| * max over columns of sum |w|`. Below 2**24 single precision represents all of them
exactly, below 2**53 double precision does; a reduction has at most 256 * 2**28 taps x 255**2 in theory, and the bound
is checked before the product.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from accel_sim.function.state import State, nested_offsets, scratchpad_addresses
from machine.isa import Instruction
from machine.numerics import wrap32

SINGLE_BOUND = 1 << 24
DOUBLE_BOUND = 1 << 53


def exact_product(x: npt.NDArray[np.int16], w: npt.NDArray[np.int16]) -> npt.NDArray[np.int64]:
    """Multiply integer matrices exactly: int16[m, k] @ int16[k, n] -> int64[m, n], operands 9-bit signed.

    Raises:
        OverflowError: the reduction is too long for the bound of double precision.
    """
    largest = int(np.abs(x).max(initial=0))
    column_sum = int(np.abs(w).sum(axis=0, dtype=np.int64).max(initial=0))
    bound = largest * column_sum
    if bound >= DOUBLE_BOUND:
        raise OverflowError(f"a reduction of {w.shape[0]} products is not exact in double precision")
    dtype = np.float32 if bound < SINGLE_BOUND else np.float64
    product: npt.NDArray[np.int64] = (x.astype(dtype) @ w.astype(dtype)).astype(np.int64)
    return product


def execute_matrix(state: State, instruction: Instruction) -> None:
    """Execute all passes of one matrix instruction."""
    machine = state.machine
    samples = state.scratchpad.shape[0]
    blocks = instruction["blocks"]
    taps = nested_offsets(*((instruction[f"tap_count{i}"], instruction[f"tap_stride{i}"]) for i in (2, 1, 0)))
    rows = nested_offsets(*((instruction[f"row_count{i}"], instruction[f"row_stride{i}"]) for i in (2, 1, 0)))
    taps, rows = taps.reshape(-1), rows.reshape(-1)
    count = blocks * taps.size
    if len(state.weight_tiles) < count:
        raise IndexError(f"needs {count} weight tiles, the FIFO has {len(state.weight_tiles)}")
    tiles = np.concatenate([state.weight_tiles.popleft() for _ in range(count)])
    weights = tiles.reshape(blocks, taps.size * machine.rows, machine.columns)
    zero_point = np.int16(instruction["zero_point"])
    if instruction["block_stride"] == 0:
        groups = [(0, weights.transpose(1, 0, 2).reshape(taps.size * machine.rows, -1))]
    else:
        groups = [(block * instruction["block_stride"], weights[block]) for block in range(blocks)]
    products = []
    for offset, matrix in groups:
        addresses = scratchpad_addresses(instruction["a"] + offset, rows[:, None] + taps)
        x = state.read_granules(addresses, machine.rows).astype(np.int16) - zero_point
        product = exact_product(x.reshape(samples * rows.size, -1), matrix)
        products.append(product.reshape(samples, rows.size, -1, machine.columns))
    result = np.concatenate(products, axis=2).transpose(0, 2, 1, 3)
    starts = instruction["accumulator"] + np.arange(blocks) * instruction["accumulator_stride"]
    targets = (starts[:, None] + np.arange(rows.size)) & 0xFFFF
    if not instruction["accumulate"]:
        state.accumulators[:, targets] = wrap32(result)
        return
    for block, block_rows in enumerate(targets):  # in order: blocks may add to the same rows
        state.accumulators[:, block_rows] = wrap32(state.accumulators[:, block_rows] + result[:, block])
