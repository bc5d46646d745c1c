"""One bank: random reads and writes against a model."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, settle, start_clock


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    size, words = parameters()["BYTES"], parameters()["WORDS"]
    memory: list[list[int]] = [[0] * size for _ in range(words)]
    start_clock(dut)
    await edge(dut)
    dut.ren_i.value = 0
    for word in range(words):
        dut.wen_i.value = 1
        dut.waddr_i.value = word
        dut.wbe_i.value = (1 << size) - 1
        dut.wdata_i.value = 0
        await edge(dut)
    for _ in range(2000):
        dut.ren_i.value = 1
        dut.raddr_i.value = read = random.randrange(words)
        enable = random.getrandbits(size)
        data = [random.randrange(256) for _ in range(size)]
        dut.wen_i.value = write = random.randrange(2)
        dut.waddr_i.value = address = random.choice([read, random.randrange(words)])
        dut.wbe_i.value = enable
        dut.wdata_i.value = int.from_bytes(bytes(data), "little")
        expected = int.from_bytes(bytes(memory[read]), "little")
        await edge(dut)
        await settle()
        assert int(dut.rdata_o.value) == expected
        if write:
            memory[address] = [data[i] if enable >> i & 1 else memory[address][i] for i in range(size)]
