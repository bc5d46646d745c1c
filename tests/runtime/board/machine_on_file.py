"""A machine behind files that a `MmapBus` maps: the registers' rules, with the simulator for what a program does."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from accel_sim.function import execute
from accel_sim.time import simulate_time
from machine.config import Machine
from machine.isa import INSTRUCTION_BYTES, Engine, decode
from machine.registers import (
    CONTROL_RESET,
    CONTROL_START,
    OFFSETS,
    REGISTER_SPACE_BYTES,
    STATE_COUNT,
    STATE_COUNTER_BASE,
    STATES_PER_ENGINE,
    Status,
)
from runtime.board.mmap_bus import MmapBus

REGISTERS_OFFSET, MEMORY_OFFSET = 0x2000, 0x4000
"""Where registers and memory lie in the file, each at a page."""


class MachineOnFile(MmapBus):
    """What the driver does is done to the file; a write of CONTROL then runs the machine on the file's own bytes."""

    def __init__(self, machine: Machine, path: Path, memory_bytes: int, memory_base: int = 0) -> None:
        path.write_bytes(bytes(MEMORY_OFFSET + memory_bytes))
        self.machine, self.path = machine, path
        self.written: list[int] = []
        super().__init__(
            path, path, memory_bytes, memory_base, registers_offset=REGISTERS_OFFSET, memory_offset=MEMORY_OFFSET
        )
        self.registers = np.memmap(path, np.uint32, "r+", REGISTERS_OFFSET, REGISTER_SPACE_BYTES // 4)
        self.memory = np.memmap(path, np.uint8, "r+", MEMORY_OFFSET, memory_bytes)
        self.put("SHAPE", machine.columns << 16 | machine.rows)

    def put(self, register: str, value: int) -> None:
        self.registers[OFFSETS[register] // 4] = value

    def get(self, register: str) -> int:
        return int(self.registers[OFFSETS[register] // 4])

    def write32(self, offset: int, value: int) -> None:
        self.written.append(offset)
        if offset != OFFSETS["CONTROL"]:
            super().write32(offset, value)
        elif value == CONTROL_RESET:
            self.put("STATUS", Status.IDLE)
        elif value == CONTROL_START and self.get("STATUS") in (Status.IDLE, Status.DONE):
            self.start()

    def start(self) -> None:
        assert self.get("MEMORY_BASE_LOW") | self.get("MEMORY_BASE_HIGH") << 32 == self.memory_base
        first, length = self.get("PROGRAM_ADDRESS"), self.get("PROGRAM_LENGTH")
        code = bytes(self.memory[first : first + INSTRUCTION_BYTES * length])
        timing = simulate_time(self.machine, code, program_address=first, memory_limit=self.get("MEMORY_LIMIT"))
        if timing.status is Status.DONE:
            instructions = [decode(code[at : at + INSTRUCTION_BYTES]) for at in range(0, len(code), INSTRUCTION_BYTES)]
            memory = np.array(self.memory[: self.get("MEMORY_LIMIT")])[None]
            execute(self.machine, instructions, memory)
            self.memory[: memory.shape[1]] = memory[0]
        self.put("STATUS", timing.status)
        self.put("CYCLES_LOW", timing.cycles & 0xFFFF_FFFF)
        self.put("CYCLES_HIGH", timing.cycles >> 32)
        self.put("READ_BEATS", timing.read_beats)
        self.put("WRITE_BEATS", timing.write_beats)
        for engine in Engine:
            for state in range(STATE_COUNT):
                word = (STATE_COUNTER_BASE + 8 * (STATES_PER_ENGINE * engine + state)) // 4
                count = int(timing.counters[engine, state])
                self.registers[word : word + 2] = count & 0xFFFF_FFFF, count >> 32
