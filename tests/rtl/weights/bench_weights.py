"""The weights engine and its FIFO in lockstep with their model; the bench shifts tiles as the matrix engine would."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from machine.isa import Opcode, encode, make
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.memory.port import ReadMemory, compare
from tests.rtl.weights.model import WeightsModel

MEMORY_BYTES = 1 << 16


async def lockstep(
    dut: Any,
    instructions: int,
    *,
    issue_rate: float = 1.0,
    grant_rate: float = 1.0,
    beat_rate: float = 1.0,
    shift_rate: float = 1.0,
    latency: int = 10,
    most: int = 6,
) -> None:
    """Run random instructions; every output is compared in every cycle."""
    p = parameters()
    content = random.randbytes(MEMORY_BYTES)
    model = WeightsModel(p, content)
    memory = ReadMemory(content, model.bus, latency, beat_rate)
    left = []
    for _ in range(instructions):
        tiles = random.randint(1, most)
        values = {
            "tiles": tiles,
            "memory_address": random.randrange(MEMORY_BYTES - tiles * model.tile_bytes),
            "zero_point": random.choice((0, random.randint(-128, 127))),
            "send": random.choice((0, 1, 4, 29)),
        }
        left.append((values, int.from_bytes(encode(make(Opcode.WEIGHTS, **values)), "little")))
    for name in ("instr_valid_i", "mem_grant_i", "mem_rvalid_i", "mem_rlast_i", "row_ren_i"):
        getattr(dut, name).value = 0
    await reset(dut)
    idle = 0
    while idle < 3:
        valid = bool(left) and random.random() < issue_rate
        request = model.request()
        granted = request is not None and memory.outstanding() < p["OUTSTANDING"] and random.random() < grant_rate
        # A shift goes on for ROWS cycles without a gap; a new one may follow at once.
        shift = bool(model.shift_left) or (model.present() and random.random() < shift_rate)
        beat = memory.deliver(model.cycle)
        dut.instr_valid_i.value = int(valid)
        dut.instr_i.value = left[0][1] if left else 0
        dut.mem_grant_i.value = int(granted)
        dut.row_ren_i.value = int(shift)
        dut.mem_rvalid_i.value = int(beat is not None)
        dut.mem_rlast_i.value = int(beat[1]) if beat else 0
        dut.mem_rdata_i.value = int.from_bytes(beat[0] if beat else random.randbytes(model.bus), "little")
        cycle = model.cycle
        if request and granted:
            memory.accept(cycle, *request)
        expected = model.step(left[0][0] if valid else None, granted, beat is not None, shift)
        await settle()
        compare(dut, expected, cycle)
        if valid and expected["accept_o"]:
            left.pop(0)
        quiet = expected["idle_o"] and not left and not model.tiles and model.rows_read == [None, None]
        idle = idle + 1 if quiet else 0
        await edge(dut)


@cocotb.test()
async def free_machine(dut: Any) -> None:
    await lockstep(dut, 25)


@cocotb.test()
async def single_tiles(dut: Any) -> None:
    await lockstep(dut, 50, most=1, latency=60)


@cocotb.test()
async def slow_matrix(dut: Any) -> None:
    await lockstep(dut, 15, shift_rate=0.05)


@cocotb.test()
async def slow_memory(dut: Any) -> None:
    await lockstep(dut, 15, issue_rate=0.1, grant_rate=0.3, beat_rate=0.4, shift_rate=0.5)
