"""The host registers: AXI4-Lite with every skew of ready and valid, and what each register does."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from machine.registers import REGISTERS, STATE_COUNTER_BASE, Status
from tests.rtl.bench import edge, parameters, reset, settle

OFFSET = {register.name: register.offset for register in REGISTERS}
PREFIX = "s_axil_"


class Host:
    """A master whose five channels move at their own pace."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.starts = self.resets = 0

    def drive(self, name: str, value: int) -> None:
        getattr(self.dut, f"{PREFIX}{name}_i").value = value

    def get(self, name: str) -> int:
        return int(getattr(self.dut, f"{PREFIX}{name}_o").value)

    async def begin(self) -> None:
        for name in ("awvalid", "awaddr", "wvalid", "wdata", "wstrb", "bready", "arvalid", "araddr", "rready"):
            self.drive(name, 0)
        for name in ("status_i", "cycles_i", "read_beats_i", "write_beats_i", "counter_i"):
            getattr(self.dut, name).value = 0
        await reset(self.dut)

    async def tick(self) -> None:
        await settle()
        self.starts += int(self.dut.start_o.value)
        self.resets += int(self.dut.reset_o.value)
        await edge(self.dut)

    async def write(self, offset: int, data: int, strobe: int = 15, skew: bool = True) -> None:
        """Write a register; address, data and response each wait for a random number of cycles."""
        address_at, data_at, ready_at = (random.randrange(4) if skew else 0 for _ in range(3))
        address_taken = data_taken = False
        responses = 0
        for cycle in range(40):
            self.drive("awvalid", address_at <= cycle and not address_taken)
            self.drive("awaddr", offset if not address_taken else random.getrandbits(12))
            self.drive("wvalid", data_at <= cycle and not data_taken)
            self.drive("wdata", data if not data_taken else random.getrandbits(32))
            self.drive("wstrb", strobe)
            self.drive("bready", cycle >= ready_at)
            await settle()
            took_address = address_at <= cycle and not address_taken and bool(self.get("awready"))
            took_data = data_at <= cycle and not data_taken and bool(self.get("wready"))
            if self.get("bvalid"):
                assert address_taken and data_taken, "a response before its request"
                assert self.get("bresp") == 0
                responses += cycle >= ready_at
            done = responses == 1
            await self.tick()
            address_taken |= took_address
            data_taken |= took_data
            if done:
                self.drive("bready", 0)
                return
        raise AssertionError("no response to a write")

    async def read(self, offset: int, skew: bool = True) -> int:
        """Read a register; address and data wait for a random number of cycles, and the data does not change."""
        address_at, ready_at = (random.randrange(4) if skew else 0 for _ in range(2))
        taken = False
        values = set()
        for cycle in range(40):
            self.drive("arvalid", address_at <= cycle and not taken)
            self.drive("araddr", offset if not taken else random.getrandbits(12))
            self.drive("rready", cycle >= ready_at)
            await settle()
            took = address_at <= cycle and not taken and bool(self.get("arready"))
            if self.get("rvalid"):
                assert taken, "data before its request"
                assert self.get("rresp") == 0
                values.add(self.get("rdata"))
            done = bool(values) and cycle >= ready_at
            await self.tick()
            taken |= took
            if done:
                assert len(values) == 1, "read data changed while it waited"
                self.drive("rready", 0)
                return values.pop()
        raise AssertionError("no answer to a read")


@cocotb.test()
async def configuration_registers(dut: Any) -> None:
    host = Host(dut)
    await host.begin()
    kept = {"PROGRAM_ADDRESS": 0xFFFF_FF00, "PROGRAM_LENGTH": 0xFFFF_FFFF, "MEMORY_LIMIT": 0xFFFF_FFC0,
            "MEMORY_BASE_LOW": 0xFFFF_F000, "MEMORY_BASE_HIGH": 0xFFFF_FFFF, "INTERRUPT": 1}
    model = dict.fromkeys(kept, 0)
    for _ in range(300):
        name = random.choice(list(kept))
        if random.random() < 0.5:
            data, strobe = random.getrandbits(32), random.getrandbits(4)
            await host.write(OFFSET[name], data, strobe)
            mask = sum(0xFF << 8 * i for i in range(4) if strobe >> i & 1)
            model[name] = (model[name] & ~mask | data & mask) & kept[name]
        assert await host.read(OFFSET[name]) == model[name]
        assert int(dut.program_address_o.value) << 8 == model["PROGRAM_ADDRESS"]
        assert int(dut.program_length_o.value) == model["PROGRAM_LENGTH"]
        assert int(dut.memory_limit_o.value) << 6 == model["MEMORY_LIMIT"]
        assert int(dut.memory_base_o.value) << 12 == model["MEMORY_BASE_HIGH"] << 32 | model["MEMORY_BASE_LOW"]
    assert host.starts == host.resets == 0


@cocotb.test()
async def start_and_reset(dut: Any) -> None:
    host = Host(dut)
    await host.begin()
    for _ in range(30):
        before = host.starts, host.resets
        data, strobe = random.getrandbits(2), random.getrandbits(4)
        await host.write(OFFSET["CONTROL"], data, strobe)
        counted = strobe & 1
        assert (host.starts, host.resets) == (before[0] + (data & counted), before[1] + (data >> 1 & counted))
    await host.write(OFFSET["PROGRAM_LENGTH"], 123)
    await host.write(OFFSET["CONTROL"], 2)
    assert await host.read(OFFSET["PROGRAM_LENGTH"]) == 0, "reset clears the registers"


@cocotb.test()
async def writes_while_running_are_ignored(dut: Any) -> None:
    host = Host(dut)
    await host.begin()
    await host.write(OFFSET["PROGRAM_LENGTH"], 5)
    dut.status_i.value = int(Status.RUNNING)
    for name in ("PROGRAM_ADDRESS", "PROGRAM_LENGTH", "MEMORY_LIMIT", "STATUS", "SHAPE", "MEMORY_BASE_LOW",
                 "MEMORY_BASE_HIGH"):  # fmt: skip
        await host.write(OFFSET[name], 0xFFFF_FFFF)
    assert int(dut.program_address_o.value) == 0
    assert int(dut.memory_limit_o.value) == int(dut.memory_base_o.value) == 0
    assert await host.read(OFFSET["PROGRAM_LENGTH"]) == 5
    dut.status_i.value = int(Status.DEADLOCK)
    await host.write(OFFSET["PROGRAM_LENGTH"], 6)
    assert await host.read(OFFSET["PROGRAM_LENGTH"]) == 6


@cocotb.test()
async def the_memory_base_changes_only_when_nothing_is_outstanding(dut: Any) -> None:
    """Bursts may be on their way out while a program runs, after an error, and after CONTROL.reset."""
    host = Host(dut)
    await host.begin()
    for status in Status:
        dut.status_i.value = int(Status.IDLE)
        await host.write(OFFSET["MEMORY_BASE_LOW"], 0x1234_5678)
        await host.write(OFFSET["MEMORY_BASE_HIGH"], 0x9ABC)
        dut.status_i.value = int(status)
        await host.write(OFFSET["CONTROL"], 2)
        assert int(dut.memory_base_o.value) << 12 == 0x9ABC_1234_5000
        await host.write(OFFSET["MEMORY_BASE_LOW"], 0x4000)
        await host.write(OFFSET["MEMORY_BASE_HIGH"], 1)
        changed = status in (Status.IDLE, Status.DONE)
        assert int(dut.memory_base_o.value) << 12 == (0x1_0000_4000 if changed else 0x9ABC_1234_5000)


@cocotb.test()
async def interrupt(dut: Any) -> None:
    """A level: enabled at any time, high for every status that is an end; CONTROL.reset disables it."""
    host = Host(dut)
    await host.begin()
    for enable, strobe, expected in ((1, 14, False), (1, 1, True), (0, 14, True), (2, 1, False), (3, 15, True)):
        dut.status_i.value = int(Status.RUNNING)
        await host.write(OFFSET["INTERRUPT"], enable, strobe)
        assert await host.read(OFFSET["INTERRUPT"]) == expected
        for status in Status:
            dut.status_i.value = int(status)
            await settle()
            assert int(dut.interrupt_o.value) == (expected and status not in (Status.IDLE, Status.RUNNING))
            await edge(dut)
    await host.write(OFFSET["CONTROL"], 2)
    assert await host.read(OFFSET["INTERRUPT"]) == int(dut.interrupt_o.value) == 0


@cocotb.test()
async def results(dut: Any) -> None:
    host = Host(dut)
    await host.begin()
    for _ in range(20):
        cycles, reads, writes = random.getrandbits(64), random.getrandbits(32), random.getrandbits(32)
        status = random.randrange(8)
        dut.status_i.value, dut.cycles_i.value = status, cycles
        dut.read_beats_i.value, dut.write_beats_i.value = reads, writes
        assert await host.read(OFFSET["STATUS"]) == status
        assert await host.read(OFFSET["CYCLES_LOW"]) == cycles & 0xFFFF_FFFF
        assert await host.read(OFFSET["CYCLES_HIGH"]) == cycles >> 32
        assert await host.read(OFFSET["READ_BEATS"]) == reads
        assert await host.read(OFFSET["WRITE_BEATS"]) == writes
        assert await host.read(OFFSET["SHAPE"]) == parameters()["COLUMNS"] << 16 | parameters()["ROWS"]
        assert await host.read(OFFSET["CONTROL"]) == 0
    for offset in (0x34, 0xFC, 0xF00, 0xFFC, 0x500):
        dut.counter_i.value = (1 << 64) - 1
        assert await host.read(offset) == 0, f"{offset:#x} is no register"


@cocotb.test()
async def state_counters(dut: Any) -> None:
    host = Host(dut)
    await host.begin()
    for engine in range(5):
        for state in range(11):
            for word in range(2):
                index = engine * 16 + state
                # The answer depends on the address alone: hold it, then read.
                host.drive("araddr", STATE_COUNTER_BASE + 8 * index + 4 * word)
                await settle()
                assert int(dut.counter_engine_o.value) == engine
                assert int(dut.counter_state_o.value) == state
                dut.counter_i.value = (index + 1) << 32 | (index + 7)
                value = await host.read(STATE_COUNTER_BASE + 8 * index + 4 * word, skew=False)
                assert value == (index + 1 if word else index + 7)


@cocotb.test()
async def back_to_back(dut: Any) -> None:
    """With every ready high a write and a read are taken in each cycle."""
    host = Host(dut)
    await host.begin()
    for name in ("awvalid", "wvalid", "bready", "arvalid", "rready"):
        host.drive(name, 1)
    host.drive("wstrb", 15)
    host.drive("awaddr", OFFSET["PROGRAM_LENGTH"])
    host.drive("araddr", OFFSET["PROGRAM_LENGTH"])
    for value in range(1, 20):
        host.drive("wdata", value)
        await settle()
        assert host.get("awready") and host.get("wready") and host.get("arready")
        if value > 1:
            assert host.get("bvalid") and host.get("rvalid")
            assert host.get("rdata") == max(value - 2, 0)
        await edge(dut)
