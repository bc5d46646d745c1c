"""The wrapper through its two buses alone: a program file run by the driver, at every pace of every channel."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import pytest
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge

from machine.errors import SimulationError
from machine.isa import Opcode
from machine.registers import BASE_UNIT_BYTES, CONTROL_RESET, CONTROL_START, OFFSETS, Status
from tests.rtl.bench import parameters
from tests.rtl.board.host import Expected, begin, driver_of
from tests.rtl.board.memory import Memory, slow

SIGNALS = {
    "m_axi_aw": ("addr", "len", "size", "burst", "id", "lock", "cache", "prot", "qos", "region"),
    "m_axi_ar": ("addr", "len", "size", "burst", "id", "lock", "cache", "prot", "qos", "region"),
    "m_axi_w": ("data", "strb", "last"),
    "s_axi_b": ("resp",),
    "s_axi_r": ("data", "resp"),
}
"""The channels that the wrapper drives, and what they carry."""


def base() -> int:
    """Return where the memory lies: as high as the addresses reach."""
    return (1 << parameters()["ADDRESS_BITS"]) - (1 << 20) - 3 * BASE_UNIT_BYTES


async def watch(dut: Any, channel: str) -> None:
    """Hold that what a channel offers stays as it is until it is taken."""
    offered: tuple[int, ...] | None = None
    while True:
        await RisingEdge(dut.aclk)
        await ReadOnly()
        values = None
        if int(getattr(dut, f"{channel}valid").value):
            values = tuple(int(getattr(dut, f"{channel}{name}").value) for name in SIGNALS[channel])
        assert offered is None or values == offered, f"{channel} changed while it waited"
        offered = None if values and int(getattr(dut, f"{channel}ready").value) else values


def check_constants(dut: Any) -> None:
    for channel in ("aw", "ar"):
        values = {name: int(getattr(dut, f"m_axi_{channel}{name}").value) for name in SIGNALS["m_axi_aw"][3:]}
        assert values == {"burst": 1, "id": 0, "lock": 0, "cache": 3, "prot": 0, "qos": 0, "region": 0}


@cocotb.test()
async def digits(dut: Any) -> None:
    """Every byte is the simulator's, at full pace and at random ones, one run after the other without a reset."""
    expected = Expected()
    size = expected.session.program.memory_bytes
    master = await begin(dut)
    memory = Memory(dut, size, base())
    for channel in SIGNALS:
        cocotb.start_soon(watch(dut, channel))
    driver = driver_of(dut, master, memory, size, base())
    cycles = []
    for pace in (1.0, 0.8, 0.4):
        slow(master, memory, pace)
        result = await bridge(expected.session.run_on_board)(driver, expected.inputs)
        expected.check_bytes(result)
        expected.check_sums(result)
        cycles.append(result.cycles)
        check_constants(dut)
    assert cycles == sorted(set(cycles)), f"a slower bus takes longer: {cycles}"


@cocotb.test()
async def errors(dut: Any) -> None:
    """An illegal program and a fault of the memory come out as STATUS, in one line of Python, and leave it usable."""
    expected = Expected()
    program = expected.session.program
    master = await begin(dut)
    memory = Memory(dut, program.memory_bytes, base())
    driver = driver_of(dut, master, memory, program.memory_bytes, base())
    segment, image = program.segments[0], expected.session.first_images(expected.inputs)[0]
    broken = image.copy()
    broken[segment.program_address + 64] = 15
    run = await bridge(driver.run_segment)(program, segment, broken)
    assert run.status is Status.ILLEGAL_INSTRUCTION
    assert run.cycles > 0 and (run.counters.sum(axis=1) == run.cycles).all() and run.read_beats > 0
    assert await bridge(driver.status)() is Status.IDLE
    weights = next(each["memory_address"] for each in segment.instructions if each.opcode is Opcode.WEIGHTS)
    for address in (segment.program_address, segment.inputs[0].address, weights, segment.outputs[0].address):
        memory.fault = range(address, address + parameters()["BUS_BYTES"])
        with pytest.raises(SimulationError, match="halted with bus_error in cycle"):
            await bridge(expected.session.run_on_board)(driver, expected.inputs)
        memory.fault = range(0)
        expected.check_bytes(await bridge(expected.session.run_on_board)(driver, expected.inputs))


@cocotb.test()
async def reset_while_it_runs(dut: Any) -> None:
    """Driver.reset() ends a program in the middle of its bursts; the next run is as ever."""
    expected = Expected()
    program = expected.session.program
    master = await begin(dut)
    memory = Memory(dut, program.memory_bytes, base())
    for channel in SIGNALS:
        cocotb.start_soon(watch(dut, channel))
    slow(master, memory, 0.5)
    driver = driver_of(dut, master, memory, program.memory_bytes, base())
    for wait in (1, 30, random.randrange(100, 3000)):
        image = expected.session.first_images(expected.inputs)[0]
        memory.write(base(), image.tobytes())
        for name, value in (("MEMORY_BASE_LOW", base() & 0xFFFF_FFFF), ("MEMORY_BASE_HIGH", base() >> 32),
                            ("PROGRAM_ADDRESS", program.segments[0].program_address),
                            ("PROGRAM_LENGTH", len(program.segments[0].instructions)),
                            ("MEMORY_LIMIT", program.memory_bytes), ("INTERRUPT", 1), ("CONTROL", CONTROL_START)):
            await master.write_dword(OFFSETS[name], value)
        await ClockCycles(dut.aclk, wait)
        assert Status(await master.read_dword(OFFSETS["STATUS"])) is Status.RUNNING and not int(dut.irq.value)
        await master.write_dword(OFFSETS["CONTROL"], CONTROL_RESET)
        await bridge(driver.reset)()
        assert await bridge(driver.status)() is Status.IDLE and not int(dut.irq.value)
        assert await master.read_dword(OFFSETS["MEMORY_BASE_LOW"]) == base() & 0xFFFF_FFFF
    expected.check_bytes(await bridge(expected.session.run_on_board)(driver, expected.inputs))


@cocotb.test()
async def the_first_access_may_follow_the_reset(dut: Any) -> None:
    """A host that writes in the very cycle after ARESETN loses nothing, and the line of the interrupt is a level."""
    master = await begin(dut)
    await master.write_dword(OFFSETS["PROGRAM_LENGTH"], 0)
    await master.write_dword(OFFSETS["MEMORY_LIMIT"], 4096)
    assert await master.read_dword(OFFSETS["MEMORY_LIMIT"]) == 4096
    await master.write_dword(OFFSETS["CONTROL"], CONTROL_START)
    await ClockCycles(dut.aclk, 100)
    assert await master.read_dword(OFFSETS["STATUS"]) == Status.DEADLOCK and not int(dut.irq.value)
    for enable in (1, 0, 1):
        await master.write_dword(OFFSETS["INTERRUPT"], enable)
        assert int(dut.irq.value) == enable
    dut.aresetn.value = 0
    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    assert await master.read_dword(OFFSETS["MEMORY_LIMIT"]) == 0 and not int(dut.irq.value)
