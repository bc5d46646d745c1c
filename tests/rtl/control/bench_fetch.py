"""Fetch against the rules of docs/units/control.md: what it presents and when, and what comes out, in each cycle."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, reset, settle


async def run_program(dut: Any, address: int, length: int, grant: float, beat: float, pop: float) -> None:
    bus, depth = parameters()["BUS_BYTES"], parameters()["FETCH_DEPTH"]
    program = [random.getrandbits(512) for _ in range(length)]
    for name in ("running_i", "mem_grant_i", "mem_rvalid_i", "head_pop_i"):
        getattr(dut, name).value = 0
    dut.program_address_i.value = address >> 8
    dut.program_length_i.value = length
    await reset(dut)
    await settle()
    assert int(dut.mem_req_o.value) == 0, "fetch presents only while running"
    await edge(dut)
    dut.running_i.value = 1
    index, free, taken = 0, depth, 0
    beats: deque[int] = deque()  # beats to deliver
    complete: deque[int] = deque()
    arrived = 0
    for _ in range(100_000):
        await settle()
        count = min(4 - index % 4, length - index)
        presents = index < length and free >= count
        assert int(dut.mem_req_o.value) == presents
        if presents:
            assert int(dut.mem_addr_o.value) == address + 64 * index
            assert int(dut.mem_beats_o.value) == count * 64 // bus
        assert int(dut.head_valid_o.value) == bool(complete)
        if complete:
            assert int(dut.head_o.value) == complete[0]
        granted = presents and random.random() < grant
        delivered = bool(beats) and random.random() < beat
        popped = bool(complete) and random.random() < pop
        dut.mem_grant_i.value = granted
        dut.mem_rvalid_i.value = delivered
        dut.mem_rdata_i.value = beats[0] if delivered else random.getrandbits(8 * bus)
        dut.head_pop_i.value = popped
        await edge(dut)
        if popped:
            complete.popleft()
            free += 1
            taken += 1
        if delivered:
            beats.popleft()
            arrived += 1
            if arrived % (64 // bus) == 0:
                complete.append(program[arrived * bus // 64 - 1])
        if granted:
            data = b"".join(word.to_bytes(64, "little") for word in program[index : index + count])
            beats.extend(int.from_bytes(data[at : at + bus], "little") for at in range(0, len(data), bus))
            index += count
            free -= count
        if taken == length:
            return
    raise AssertionError("the program did not come through")


@cocotb.test()
async def nothing_waits(dut: Any) -> None:
    await run_program(dut, 0x1000, 41, 1.0, 1.0, 1.0)


@cocotb.test()
async def random_stalls(dut: Any) -> None:
    for length in (1, 2, 3, 4, 5, 30):
        await run_program(dut, random.randrange(1 << 20) << 8, length, 0.3, 0.7, 0.4)


@cocotb.test()
async def full_buffer(dut: Any) -> None:
    await run_program(dut, 0xFFFF_0000, 60, 1.0, 1.0, 0.02)
