"""The accumulators: matrix in one half and vector in the other, against a list of rows."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, settle, start_clock


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    bits, rows = 32 * parameters()["COLUMNS"], parameters()["ACC_ROWS"]
    half = rows // 2
    memory = [random.getrandbits(bits) for _ in range(rows)]
    start_clock(dut)
    dut.matrix_ren_i.value = dut.vector_ren_i.value = dut.matrix_wen_i.value = 0
    await edge(dut)
    for row, value in enumerate(memory):
        dut.matrix_wen_i.value = 1
        dut.matrix_waddr_i.value = row
        dut.matrix_wdata_i.value = value
        await edge(dut)
    for _ in range(1500):
        side = random.randrange(2)
        matrix, vector = random.randrange(half) + side * half, random.randrange(half) + (1 - side) * half
        matrix_on, vector_on, write_on = (random.random() < 0.8 for _ in range(3))
        dut.matrix_ren_i.value = int(matrix_on)
        dut.matrix_raddr_i.value = matrix
        dut.vector_ren_i.value = int(vector_on)
        dut.vector_raddr_i.value = vector
        expected = memory[matrix], memory[vector]
        # Writes to either half, often the row that is read, now and then beyond the last row.
        target = random.choice([matrix, random.randrange(rows), random.randrange(rows, 2 * rows)])
        value = random.getrandbits(bits)
        dut.matrix_wen_i.value = int(write_on)
        dut.matrix_waddr_i.value = target
        dut.matrix_wdata_i.value = value
        if write_on and target < rows:
            memory[target] = value
        await edge(dut)
        await settle()
        if matrix_on:
            assert int(dut.matrix_rdata_o.value) == expected[0]
        if vector_on:
            assert int(dut.vector_rdata_o.value) == expected[1]
