"""Token counters under random issues and retirements, against a table."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import edge, reset, settle

ENGINES = 5


def random_masks() -> list[int]:
    return [random.getrandbits(ENGINES) & ~(1 << engine) for engine in range(ENGINES)]


def packed(masks: list[int]) -> int:
    return sum(mask << ENGINES * engine for engine, mask in enumerate(masks))


async def clear(dut: Any) -> list[list[int]]:
    for name in ("wait_i", "issue_i", "retire_i", "send_i"):
        getattr(dut, name).value = 0
    await reset(dut)
    return [[0] * ENGINES for _ in range(ENGINES)]


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    tokens = await clear(dut)
    for _ in range(3000):
        waits, sends = random_masks(), random_masks()
        waits = [mask & random.getrandbits(ENGINES) for mask in waits]
        sends = [mask & random.getrandbits(ENGINES) for mask in sends]
        dut.wait_i.value = packed(waits)
        dut.send_i.value = packed(sends)
        ready = [all(tokens[p][q] for p in range(ENGINES) if waits[q] >> p & 1) for q in range(ENGINES)]
        issue = [ready[q] and random.random() < 0.5 for q in range(ENGINES)]
        retire = [random.random() < 0.4 for _ in range(ENGINES)]
        dut.issue_i.value = sum(bit << q for q, bit in enumerate(issue))
        dut.retire_i.value = sum(bit << p for p, bit in enumerate(retire))
        await settle()
        assert int(dut.ready_o.value) == sum(bit << q for q, bit in enumerate(ready))
        overflow = False
        for p in range(ENGINES):
            for q in range(ENGINES):
                tokens[p][q] += int(retire[p] and sends[p] >> q & 1) - int(issue[q] and waits[q] >> p & 1)
                overflow |= tokens[p][q] > 255
        assert int(dut.overflow_o.value) == overflow
        if overflow:
            return
        await edge(dut)


@cocotb.test()
async def limit(dut: Any) -> None:
    """255 tokens are legal, the 256th overflows, and an issue in the same cycle makes room for it."""
    for p in range(ENGINES):
        q = (p + 2) % ENGINES
        await clear(dut)
        dut.retire_i.value = 1 << p
        dut.send_i.value = 1 << ENGINES * p + q
        dut.wait_i.value = 1 << ENGINES * q + p
        for _ in range(255):
            await settle()
            assert int(dut.overflow_o.value) == 0
            await edge(dut)
        await settle()
        assert int(dut.overflow_o.value) == 1
        dut.issue_i.value = 1 << q
        await settle()
        assert int(dut.overflow_o.value) == 0
        await edge(dut)
        dut.retire_i.value = 0
        for left in range(255, 0, -1):
            await settle()
            assert int(dut.ready_o.value) >> q & 1, f"{left} tokens left"
            await edge(dut)
        await settle()
        assert not int(dut.ready_o.value) >> q & 1
