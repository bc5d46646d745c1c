"""The systolic array: rows in, sums out, with passes of any length and the tile of the next pass shifting in."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np

from tests.rtl.bench import edge, parameters, reset, settle


def pack(values: np.ndarray) -> int:
    """Pack 9-bit signed values, the first lowest."""
    return sum((int(value) & 511) << (9 * i) for i, value in enumerate(values))


@cocotb.test()
async def passes_with_swaps(dut: Any) -> None:
    rows, columns = parameters()["ROWS"], parameters()["COLUMNS"]
    bits = 18 + (rows - 1).bit_length()
    generator = np.random.default_rng(random.getrandbits(32))
    swaps: dict[int, bool] = {}
    shifts: dict[int, bool] = {}
    weights: dict[int, np.ndarray] = {}
    operands: dict[int, np.ndarray] = {}
    sums: dict[int, np.ndarray] = {}

    def extreme(shape: tuple[int, ...]) -> np.ndarray:
        return generator.choice([-256, -255, 255], shape)

    # The tile of a pass shifts in with the swap of the pass before at the earliest, and is swapped in when complete.
    cycle, shift = 4 + rows, 4
    for number in range(120):
        draw = extreme if number % 5 == 0 else lambda shape: generator.integers(-256, 256, shape)
        tile = draw((rows, columns))
        shifts[shift] = True
        for row in range(rows):
            weights[shift + row] = tile[row]
        swap = max(cycle, shift + rows)
        swap += random.choice([0, 0, 0, random.randrange(4)])
        swaps[swap] = True
        length = random.choice([1, 2, rows - 1, rows, rows + 1, random.randrange(1, 3 * rows)])
        for row in range(length):
            x = draw((rows,))
            operands[swap + 1 + row] = x
            sums[swap + 1 + row + rows + columns - 1] = x @ tile
        cycle = swap + length
        shift = max(shift + rows, swap) + random.choice([0, 0, random.randrange(4)])

    await reset(dut)
    for now in range(1, max(sums) + 1):
        # What nobody needs is noise.
        dut.x_i.value = pack(operands[now]) if now in operands else random.getrandbits(9 * rows)
        dut.weight_row_i.value = pack(weights[now]) if now in weights else random.getrandbits(9 * columns)
        dut.swap_i.value = int(now in swaps)
        dut.shift_i.value = int(now in shifts)
        await settle()
        if now in sums:
            word = int(dut.psum_o.value)
            found = [(word >> (bits * c)) & ((1 << bits) - 1) for c in range(columns)]
            assert found == [int(value) & ((1 << bits) - 1) for value in sums[now]], f"cycle {now}"
        await edge(dut)
