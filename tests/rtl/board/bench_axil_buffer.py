"""The buffer of a channel: everything comes through once and in order, and its outputs depend on registers alone."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import edge, reset, settle


@cocotb.test()
async def everything_comes_through(dut: Any) -> None:
    dut.in_valid_i.value = dut.out_ready_i.value = dut.in_data_i.value = 0
    await reset(dut)
    sent: list[int] = []
    received: list[int] = []
    offered: int | None = None
    for cycle in range(2000):
        pace = (0.1, 0.5, 1.0)[cycle // 100 % 3]
        if offered is None and random.random() < pace:
            offered = random.getrandbits(16)
        await settle()
        before = [int(signal.value) for signal in (dut.in_ready_o, dut.out_valid_o)]
        ready = random.random() < pace
        dut.in_valid_i.value, dut.in_data_i.value = offered is not None, offered or 0
        dut.out_ready_i.value = ready
        await settle()
        assert before == [int(signal.value) for signal in (dut.in_ready_o, dut.out_valid_o)], "a path from in to out"
        if before[1]:
            assert int(dut.out_data_o.value) == sent[len(received)], "lost, changed or out of order"
            if ready:
                received.append(int(dut.out_data_o.value))
        if before[0] and offered is not None:
            sent.append(offered)
            offered = None
        await edge(dut)
    assert len(received) >= len(sent) - 1 > 300


@cocotb.test()
async def nothing_is_taken_in_reset(dut: Any) -> None:
    dut.in_valid_i.value, dut.out_ready_i.value, dut.in_data_i.value = 1, 0, 7
    await reset(dut)
    dut.rst_ni.value = 0
    await edge(dut)
    for _ in range(3):
        await settle()
        assert int(dut.in_ready_o.value) == int(dut.out_valid_o.value) == 0
        await edge(dut)
