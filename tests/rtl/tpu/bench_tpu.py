"""The whole machine through its registers, with a memory that stalls as it pleases: only bytes are compared."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from machine.config import load_machine
from machine.registers import REGISTERS, Status
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.tpu.programs import MEMORY_BYTES, SmallProgram, copy, layer

OFFSET = {register.name: register.offset for register in REGISTERS}


class StallingMemory:
    """An AXI4 slave whose channels are ready or valid at random; answers in order, after any number of cycles."""

    def __init__(self, dut: Any, memory: bytearray, pace: float) -> None:
        self.dut, self.memory, self.pace = dut, memory, pace
        self.bus = parameters()["BUS_BYTES"]
        self.reads: deque[tuple[int, bool]] = deque()
        self.addresses: deque[tuple[int, int]] = deque()
        self.data: deque[tuple[int, int, bool]] = deque()
        self.answers = 0
        self.offered: dict[str, bool] = {"r": False, "b": False}
        self.error_after: dict[str, int | None] = {"r": None, "b": None}
        """The answer of each channel, counted from 0, that is an error; None for none."""
        self.answered = {"r": 0, "b": 0}

    def get(self, name: str) -> int:
        return int(getattr(self.dut, f"m_axi_{name}_o").value)

    def drive(self, name: str, value: int) -> None:
        getattr(self.dut, f"m_axi_{name}_i").value = value

    def before_edge(self) -> None:
        """Drive the inputs of this cycle; what is offered stays until it is taken."""
        for channel in ("ar", "aw", "w"):
            self.drive(f"{channel}ready", random.random() < self.pace)
        self.offered["r"] = bool(self.reads) and (self.offered["r"] or random.random() < self.pace)
        self.offered["b"] = bool(self.answers) and (self.offered["b"] or random.random() < self.pace)
        self.drive("rvalid", self.offered["r"])
        if self.offered["r"]:
            address, last = self.reads[0]
            self.drive("rdata", int.from_bytes(self.memory[address : address + self.bus], "little"))
            self.drive("rlast", last)
        self.drive("bvalid", self.offered["b"])
        for channel in ("r", "b"):
            failed = self.answered[channel] == self.error_after[channel]
            self.drive(f"{channel}resp", random.choice((2, 3)) if failed else 0)

    def at_edge(self) -> None:
        """Take what is handed over in this cycle."""
        dut = self.dut
        for channel in ("r", "b"):
            self.answered[channel] += self.offered[channel] and self.get(f"{channel}ready")
        if self.offered["r"] and self.get("rready"):
            self.reads.popleft()
            self.offered["r"] = False
        if self.offered["b"] and self.get("bready"):
            self.answers -= 1
            self.offered["b"] = False
        if self.get("arvalid") and int(dut.m_axi_arready_i.value):
            address, beats = self.burst("ar")
            self.reads.extend((address + self.bus * i, i == beats - 1) for i in range(beats))
        if self.get("awvalid") and int(dut.m_axi_awready_i.value):
            self.addresses.append(self.burst("aw"))
        if self.get("wvalid") and int(dut.m_axi_wready_i.value):
            self.data.append((self.get("wdata"), self.get("wstrb"), bool(self.get("wlast"))))
        self.write()

    def burst(self, channel: str) -> tuple[int, int]:
        address, beats = self.get(f"{channel}addr"), self.get(f"{channel}len") + 1
        assert self.get(f"{channel}burst") == 1 and 1 << self.get(f"{channel}size") == self.bus
        assert address % self.bus == 0 and beats * self.bus <= 256
        assert address // 4096 == (address + beats * self.bus - 1) // 4096, "a burst crosses 4 KiB"
        return address, beats

    def write(self) -> None:
        """Write bursts whose data is complete."""
        while self.addresses and len(self.data) >= self.addresses[0][1]:
            address, beats = self.addresses.popleft()
            for beat in range(beats):
                data, strobe, last = self.data.popleft()
                assert last == (beat == beats - 1)
                for i in range(self.bus):
                    if strobe >> i & 1:
                        self.memory[address + beat * self.bus + i] = data >> 8 * i & 255
            self.answers += 1

    async def serve(self) -> None:
        while True:
            await settle()
            self.before_edge()
            await settle()
            self.at_edge()
            await edge(self.dut)


async def write_register(dut: Any, name: str, value: int) -> None:
    dut.s_axil_awaddr_i.value = OFFSET[name]
    dut.s_axil_wdata_i.value = value
    dut.s_axil_wstrb_i.value = 15
    dut.s_axil_awvalid_i.value = dut.s_axil_wvalid_i.value = 1
    await edge(dut)
    dut.s_axil_awvalid_i.value = dut.s_axil_wvalid_i.value = 0
    await edge(dut)


async def read_register(dut: Any, name: str) -> int:
    dut.s_axil_araddr_i.value = OFFSET[name]
    dut.s_axil_arvalid_i.value = 1
    await edge(dut)
    dut.s_axil_arvalid_i.value = 0
    await settle()
    assert int(dut.s_axil_rvalid_o.value) == 1
    value = int(dut.s_axil_rdata_o.value)
    await edge(dut)
    return value


async def begin(dut: Any, pace: float) -> StallingMemory:
    for name in ("awvalid", "awaddr", "wvalid", "wdata", "wstrb", "arvalid", "araddr"):
        getattr(dut, f"s_axil_{name}_i").value = 0
    dut.s_axil_bready_i.value = dut.s_axil_rready_i.value = 1
    memory = StallingMemory(dut, bytearray(MEMORY_BYTES), pace)
    for name in ("arready", "awready", "wready", "rvalid", "rlast", "rdata", "rresp", "bvalid", "bresp"):
        memory.drive(name, 0)
    await reset(dut)
    return memory


async def run(dut: Any, memory: StallingMemory, program: SmallProgram) -> None:
    memory.memory[:] = program.memory.tobytes()
    await write_register(dut, "PROGRAM_ADDRESS", 0)
    await write_register(dut, "PROGRAM_LENGTH", len(program.instructions))
    await write_register(dut, "MEMORY_LIMIT", MEMORY_BYTES)
    await write_register(dut, "CONTROL", 1)
    for _ in range(20_000):
        status = Status(await read_register(dut, "STATUS"))
        if status is not Status.RUNNING:
            break
    assert status is Status.DONE
    assert bytes(memory.memory) == program.expected.tobytes()


@cocotb.test()
async def programs_in_a_row(dut: Any) -> None:
    """Start after done behaves as after reset, whatever the memory's pace."""
    machine = load_machine("nano4")
    for pace in (1.0, 0.5, 0.1):
        memory = await begin(dut, pace)
        server = cocotb.start_soon(memory.serve())
        for seed in range(2):
            await run(dut, memory, layer(machine, seed=seed, results=30))
            await run(dut, memory, copy(machine, 70 + seed, seed=seed))
        server.cancel()


@cocotb.test()
async def every_start_is_like_the_first(dut: Any) -> None:
    """With a memory of constant pace a program takes the same cycles after reset and after other programs."""
    machine = load_machine("nano4")
    memory = await begin(dut, 1.0)
    server = cocotb.start_soon(memory.serve())
    cycles: dict[str, set[int]] = {"layer": set(), "copy": set()}
    for name in ("layer", "copy", "copy", "layer", "copy", "layer"):
        await run(dut, memory, layer(machine) if name == "layer" else copy(machine, 33))
        cycles[name].add(await read_register(dut, "CYCLES_LOW"))
    assert [len(values) for values in cycles.values()] == [1, 1], cycles
    server.cancel()


@cocotb.test()
async def reset_in_the_middle(dut: Any) -> None:
    """CONTROL.reset while bursts are outstanding: the port is drained, and the next program runs as ever."""
    machine = load_machine("nano4")
    memory = await begin(dut, 0.3)
    server = cocotb.start_soon(memory.serve())
    program = copy(machine, 64)
    for wait in (3, 40, 300, 700, 1100):
        memory.memory[:] = program.memory.tobytes()
        await write_register(dut, "PROGRAM_LENGTH", len(program.instructions))
        await write_register(dut, "MEMORY_LIMIT", MEMORY_BYTES)
        await write_register(dut, "CONTROL", 1)
        for _ in range(wait):
            await edge(dut)
        await write_register(dut, "CONTROL", 2)
        for _ in range(5000):
            if Status(await read_register(dut, "STATUS")) is Status.IDLE:
                break
        assert not memory.reads and not memory.addresses and not memory.data and not memory.answers
        for name in ("PROGRAM_LENGTH", "CYCLES_LOW", "READ_BEATS"):
            assert await read_register(dut, name) == 0
        await run(dut, memory, program)
    server.cancel()


@cocotb.test()
async def instructions_behind_halt(dut: Any) -> None:
    """Fetch reads on behind halt; done waits until that is answered, and the next program is not disturbed."""
    machine = load_machine("nano4")
    memory = await begin(dut, 0.5)
    server = cocotb.start_soon(memory.serve())
    program = copy(machine, 10)
    longer = SmallProgram([*program.instructions, *layer(machine).instructions], program.memory, program.expected)
    for _ in range(3):
        await run(dut, memory, longer)
        await run(dut, memory, layer(machine))
    server.cancel()


@cocotb.test()
async def bus_errors(dut: Any) -> None:
    """An answer with an error, wherever it comes, ends the program with its status, and nothing else is disturbed."""
    machine = load_machine("nano4")
    program = copy(machine, 70)
    for pace in (1.0, 0.3):
        memory = await begin(dut, pace)
        server = cocotb.start_soon(memory.serve())
        await run(dut, memory, program)
        answers = dict(memory.answered)
        for channel, number in answers.items():
            for after in {0, number // 2, number - 1}:
                memory.memory[:] = program.memory.tobytes()
                memory.error_after[channel] = memory.answered[channel] + after
                await write_register(dut, "PROGRAM_LENGTH", len(program.instructions))
                await write_register(dut, "MEMORY_LIMIT", MEMORY_BYTES)
                await write_register(dut, "INTERRUPT", 1)
                await write_register(dut, "CONTROL", 1)
                status = Status.RUNNING
                assert not int(dut.interrupt_o.value)
                while status is Status.RUNNING:
                    status = Status(await read_register(dut, "STATUS"))
                assert status is Status.BUS_ERROR, (channel, after)
                assert int(dut.interrupt_o.value)
                await write_register(dut, "CONTROL", 1)
                assert await read_register(dut, "STATUS") == Status.BUS_ERROR, "an error stays until the reset"
                await write_register(dut, "CONTROL", 2)
                while Status(await read_register(dut, "STATUS")) is not Status.IDLE:
                    pass
                assert not memory.reads and not memory.addresses and not memory.data and not memory.answers
                memory.error_after[channel] = None
                await run(dut, memory, program)
        server.cancel()
