"""The scratchpad: random traffic on all ports, as the claims allow it, against an array of bytes."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, settle, start_clock

READERS = ("matrix", "vector_a", "vector_b", "store")


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    p = parameters()
    rows, columns, banks = p["ROWS"], p["COLUMNS"], p["BANKS"]
    word, granule = max(rows, columns), min(rows, columns)
    size = banks * p["BANK_WORDS"] * word
    bank_bytes = size // banks
    width = {"matrix": rows, "vector_a": columns, "vector_b": columns, "store": word}
    memory = bytearray(random.randrange(256) for _ in range(size))
    start_clock(dut)
    for reader in READERS:
        getattr(dut, f"{reader}_ren_i").value = 0
    dut.vector_wen_i.value = 0
    dut.load_wen_i.value = 0
    await edge(dut)
    for first in range(0, size, word):
        dut.load_wen_i.value = 1
        dut.load_addr_i.value = first // granule
        dut.load_be_i.value = (1 << word) - 1
        dut.load_wdata_i.value = int.from_bytes(memory[first : first + word], "little")
        await edge(dut)

    def pick(bank: int) -> int:
        """Return a granule address in the bank, a few words being visited most."""
        span = min(bank_bytes, 4 * word) if random.random() < 0.8 else bank_bytes
        return (bank * bank_bytes + random.randrange(span)) // granule

    beyond = banks * bank_bytes // granule
    for _ in range(1500):
        expected: dict[str, bytes] = {}
        readers = random.sample(range(banks), len(READERS))
        for reader, bank in zip(READERS, readers, strict=True):
            active = random.random() < 0.8
            address = pick(bank)
            getattr(dut, f"{reader}_ren_i").value = int(active)
            getattr(dut, f"{reader}_addr_i").value = address
            if active:
                first = address * granule // width[reader] * width[reader]
                expected[reader] = bytes(memory[first : first + width[reader]])
        # Writes go often to banks that are read in the same cycle: the ports are independent.
        vector_bank, load_bank = random.sample(range(banks), 2)
        vector_on, load_on = random.random() < 0.7, random.random() < 0.7
        address = pick(vector_bank) if random.random() < 0.95 else beyond + pick(vector_bank)
        data = random.randbytes(columns)
        dut.vector_wen_i.value = int(vector_on)
        dut.vector_waddr_i.value = address
        dut.vector_wdata_i.value = int.from_bytes(data, "little")
        if vector_on and address < beyond:
            first = address * granule // columns * columns
            memory[first : first + columns] = data
        address = pick(load_bank)
        data = random.randbytes(word)
        enable = random.getrandbits(word)
        dut.load_wen_i.value = int(load_on)
        dut.load_addr_i.value = address
        dut.load_wdata_i.value = int.from_bytes(data, "little")
        dut.load_be_i.value = enable
        if load_on:
            first = address * granule // word * word
            for i in range(word):
                if enable >> i & 1:
                    memory[first + i] = data[i]
        await edge(dut)
        await settle()
        for reader, value in expected.items():
            assert int(getattr(dut, f"{reader}_rdata_o").value) == int.from_bytes(value, "little"), reader
