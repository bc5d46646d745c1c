"""The instruction queue under random pushes and pops, against a deque."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, reset, settle


@cocotb.test()
async def random_traffic(dut: Any) -> None:
    width, depth = parameters()["WIDTH"], parameters()["DEPTH"]
    dut.push_i.value = 0
    dut.pop_i.value = 0
    await reset(dut)
    model: deque[int] = deque()
    seen: set[int] = set()
    for cycle in range(3000):
        await settle()
        assert int(dut.valid_o.value) == bool(model)
        assert int(dut.full_o.value) == (len(model) == depth)
        if model:
            assert int(dut.head_o.value) == model[0]
        seen.add(len(model))
        eager = (cycle // 100) % 3  # phases: mostly pushes, mostly pops, both
        push = len(model) < depth and random.random() < (0.9, 0.3, 0.8)[eager]
        pop = bool(model) and random.random() < (0.3, 0.9, 0.8)[eager]
        data = random.getrandbits(width)
        dut.push_i.value = push
        dut.pop_i.value = pop
        dut.data_i.value = data
        await edge(dut)
        if pop:
            model.popleft()
        if push:
            model.append(data)
    assert seen == set(range(depth + 1))


@cocotb.test()
async def a_pop_makes_no_room_in_its_cycle(dut: Any) -> None:
    depth = parameters()["DEPTH"]
    dut.pop_i.value = 0
    dut.push_i.value = 0
    await reset(dut)
    dut.push_i.value = 1
    for _ in range(depth):
        await edge(dut)
    dut.push_i.value = 0
    dut.pop_i.value = 1
    await settle()
    assert int(dut.full_o.value) == 1
    await edge(dut)
    await settle()
    assert int(dut.full_o.value) == 0
