"""The end of a program: the order of causes, and the 64 quiet cycles of a deadlock."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from machine.config import DEADLOCK_CYCLES
from machine.registers import Status
from tests.rtl.bench import edge, reset, settle

INPUTS = ("halt_i", "empty_i", "idle_i", "quiet_i", "illegal_i", "address_error_i", "overflow_i", "bus_error_i")


async def begin(dut: Any) -> None:
    for name in INPUTS:
        getattr(dut, name).value = 0
    dut.running_i.value = 1
    await reset(dut)


def ended(dut: Any) -> Status | None:
    return Status(int(dut.status_o.value)) if int(dut.end_o.value) else None


@cocotb.test()
async def every_combination(dut: Any) -> None:
    await begin(dut)
    for code in range(1 << len(INPUTS)):
        bits = {name: code >> i & 1 for i, name in enumerate(INPUTS)}
        for name, bit in bits.items():
            getattr(dut, name).value = bit
        await settle()
        expected = None
        if bits["bus_error_i"]:
            expected = Status.BUS_ERROR
        elif bits["illegal_i"]:
            expected = Status.ILLEGAL_INSTRUCTION
        elif bits["address_error_i"]:
            expected = Status.ADDRESS_ERROR
        elif bits["overflow_i"]:
            expected = Status.TOKEN_OVERFLOW
        elif bits["halt_i"] and bits["empty_i"] and bits["idle_i"]:
            expected = Status.DONE
        assert ended(dut) == expected
        dut.running_i.value = 0
        await settle()
        assert ended(dut) is None
        dut.running_i.value = 1
        dut.quiet_i.value = 0
        await edge(dut)


@cocotb.test()
async def deadlock_is_the_64th_quiet_cycle(dut: Any) -> None:
    await begin(dut)
    # A machine that was quiet for 63 cycles is quiet in the next, so nothing interrupts then.
    for interrupted in (random.randrange(1, DEADLOCK_CYCLES - 1), DEADLOCK_CYCLES - 2):
        dut.quiet_i.value = 1
        for _ in range(interrupted):
            await settle()
            assert ended(dut) is None
            await edge(dut)
        dut.quiet_i.value = 0
        await settle()
        assert ended(dut) is None
        await edge(dut)
    dut.quiet_i.value = 1
    for _ in range(DEADLOCK_CYCLES - 1):
        await settle()
        assert ended(dut) is None
        await edge(dut)
    await settle()
    assert ended(dut) is Status.DEADLOCK
    for name in ("halt_i", "empty_i", "idle_i"):
        getattr(dut, name).value = 1
    await settle()
    assert ended(dut) is Status.DONE, "done in that cycle wins"
    dut.overflow_i.value = 1
    await settle()
    assert ended(dut) is Status.TOKEN_OVERFLOW
