"""The run state: which starts count, when STATUS changes, and what waits for the memory port."""

from __future__ import annotations

from typing import Any

import cocotb

from machine.registers import Status
from tests.rtl.bench import edge, reset, settle


async def pulse(dut: Any, name: str) -> None:
    getattr(dut, name).value = 1
    await edge(dut)
    getattr(dut, name).value = 0
    await settle()


def status(dut: Any) -> Status:
    return Status(int(dut.status_o.value))


async def begin(dut: Any) -> None:
    for name in ("start_i", "reset_i", "end_i", "end_status_i"):
        getattr(dut, name).value = 0
    dut.drained_i.value = 1
    await reset(dut)
    await settle()


async def start(dut: Any) -> bool:
    """Write CONTROL.start; return whether it counted."""
    dut.start_i.value = 1
    await settle()
    counted = bool(int(dut.start_o.value))
    await pulse(dut, "start_i")
    return counted


@cocotb.test()
async def done_and_again(dut: Any) -> None:
    await begin(dut)
    assert status(dut) is Status.IDLE
    for _ in range(3):
        assert await start(dut)
        assert int(dut.running_o.value) == 1 and status(dut) is Status.RUNNING
        assert not await start(dut), "a start while running is ignored"
        dut.end_status_i.value = int(Status.DONE)
        dut.drained_i.value = 0
        await pulse(dut, "end_i")
        assert int(dut.running_o.value) == 0 and int(dut.draining_o.value) == 1
        for _ in range(5):
            assert status(dut) is Status.RUNNING, "not done while a read is outstanding"
            assert not await start(dut)
        dut.drained_i.value = 1
        await edge(dut)
        await settle()
        assert status(dut) is Status.DONE and int(dut.draining_o.value) == 0


@cocotb.test()
async def errors_stay(dut: Any) -> None:
    await begin(dut)
    for error in (Status.ILLEGAL_INSTRUCTION, Status.ADDRESS_ERROR, Status.TOKEN_OVERFLOW, Status.DEADLOCK):
        assert await start(dut)
        dut.end_status_i.value = int(error)
        dut.drained_i.value = 0
        await pulse(dut, "end_i")
        assert status(dut) is error, "an error shows at once"
        dut.drained_i.value = 1
        await edge(dut)
        await settle()
        assert status(dut) is error
        assert not await start(dut), "a start after an error is ignored"
        assert status(dut) is error
        await pulse(dut, "reset_i")
        assert status(dut) is Status.IDLE


@cocotb.test()
async def reset_waits_for_the_port(dut: Any) -> None:
    await begin(dut)
    assert await start(dut)
    dut.drained_i.value = 0
    await pulse(dut, "reset_i")
    assert int(dut.running_o.value) == 0 and int(dut.draining_o.value) == 1
    assert not await start(dut)
    dut.drained_i.value = 1
    await edge(dut)
    await settle()
    assert status(dut) is Status.IDLE
    assert await start(dut)


@cocotb.test()
async def reset_wins_over_start(dut: Any) -> None:
    await begin(dut)
    dut.reset_i.value = 1
    assert not await start(dut)
    dut.reset_i.value = 0
    assert status(dut) is Status.IDLE and int(dut.running_o.value) == 0
