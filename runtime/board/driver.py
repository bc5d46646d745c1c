"""The driver: runs segments of programs through the registers alone (docs/board.md, `machine.registers`)."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machine.errors import ToolError
from machine.program import Program, Segment
from machine.registers import (
    BASE_UNIT_BYTES,
    CONTROL_RESET,
    CONTROL_START,
    OFFSETS,
    Status,
    check_program_registers,
    read_state_counters,
)
from runtime.board.bus import Bus

POLL_SECONDS = 0.001
"""Longest wait between two looks at STATUS, should an interrupt be lost or not be there."""
SHAPE_BITS = 16
"""SHAPE holds the rows in its lower bits, the columns in those above."""


@dataclass(frozen=True)
class BoardRun:
    """What a run of a segment gave.

    Attributes:
        status: value of STATUS at the end.
        cycles: value of CYCLES.
        counters: cycles of each engine in each state, int64[engine, state].
        read_beats: value of READ_BEATS.
        write_beats: value of WRITE_BEATS.
        memory: memory after the run, uint8[size of the image].
        seconds: wall time from the start to the end, the transfer of the memory not included.
    """

    status: Status
    cycles: int
    counters: npt.NDArray[np.int64]
    read_beats: int
    write_beats: int
    memory: npt.NDArray[np.uint8]
    seconds: float


class Driver:
    """Drives one machine over a bus. One program at a time; a machine that ended with an error is reset."""

    def __init__(self, bus: Bus, timeout_seconds: float = 60.0) -> None:
        """Take a bus, and the longest time that a segment may run.

        Raises:
            ToolError: the bus's block of memory does not begin at a multiple of 4096.
        """
        if bus.memory_base % BASE_UNIT_BYTES or not 0 <= bus.memory_base < 1 << 64:
            raise ToolError(
                f"memory at {bus.memory_base:#x}: must be a multiple of {BASE_UNIT_BYTES}, below 2**64"
            )
        self._bus = bus
        self._timeout_seconds = timeout_seconds

    def status(self) -> Status:
        """Return STATUS.

        Raises:
            ToolError: it holds no code of the machine, so what answers is something else.
        """
        code = self._read("STATUS")
        if code not in {int(status) for status in Status}:
            raise ToolError(f"STATUS reads {code:#x}, which is no status: the registers are not those of the machine")
        return Status(code)

    def reset(self) -> None:
        """Stop whatever runs and clear the registers; returns when nothing is outstanding on the memory bus.

        Raises:
            ToolError: the memory does not answer what is outstanding.
        """
        self._write("CONTROL", CONTROL_RESET)
        self._wait_until_not(set(Status) - {Status.IDLE}, "the machine did not reset", pause_seconds=0)

    def run_segment(self, program: Program, segment: Segment, memory: npt.NDArray[np.uint8]) -> BoardRun:
        """Run a segment of a program from a memory image: uint8[memory bytes].

        An error of the program is a status of the result, and leaves the machine reset.

        Raises:
            ProgramError: an address or limit that the registers cannot hold.
            ToolError: the hardware is not the program's machine, its memory is too small, another program runs on it,
                or the program did not end in time.
        """
        length = len(segment.instructions)
        check_program_registers(segment.program_address, length, program.memory_bytes)
        self._check_machine(program)
        self._bus.write_memory(0, memory.tobytes())
        self._write("MEMORY_BASE_LOW", self._bus.memory_base & 0xFFFF_FFFF)
        self._write("MEMORY_BASE_HIGH", self._bus.memory_base >> 32)
        self._write("PROGRAM_ADDRESS", segment.program_address)
        self._write("PROGRAM_LENGTH", length)
        self._write("MEMORY_LIMIT", program.memory_bytes)
        begin = time.perf_counter()
        self._write("CONTROL", CONTROL_START)
        self._write("INTERRUPT", 1)
        status = self._wait_until_not({Status.RUNNING}, "the program did not end", POLL_SECONDS)
        seconds = time.perf_counter() - begin
        self._write("INTERRUPT", 0)
        run = BoardRun(
            status=status,
            cycles=self._read("CYCLES_LOW") | self._read("CYCLES_HIGH") << 32,
            counters=read_state_counters(self._bus.read32),
            read_beats=self._read("READ_BEATS"),
            write_beats=self._read("WRITE_BEATS"),
            memory=np.frombuffer(self._bus.read_memory(0, memory.size), np.uint8),
            seconds=seconds,
        )
        if status is not Status.DONE:
            self.reset()
        return run

    def _check_machine(self, program: Program) -> None:
        """Find an idle machine of the program's shape with memory enough."""
        machine, shape = program.machine, self._read("SHAPE")
        rows, columns = shape & (1 << SHAPE_BITS) - 1, shape >> SHAPE_BITS
        if (rows, columns) != (machine.rows, machine.columns):
            raise ToolError(
                f"the program is for {machine.name}, {machine.rows}x{machine.columns}; the board has {rows}x{columns}"
            )
        if program.memory_bytes > self._bus.memory_bytes:
            raise ToolError(
                f"the program needs {program.memory_bytes} bytes of memory; the board has {self._bus.memory_bytes}"
            )
        status = self.status()
        if status is Status.RUNNING:
            raise ToolError("a program runs on the board already; Driver.reset() stops it")
        if status not in (Status.IDLE, Status.DONE):
            self.reset()

    def _wait_until_not(self, statuses: set[Status], failure: str, pause_seconds: float) -> Status:
        end = time.monotonic() + self._timeout_seconds
        while (status := self.status()) in statuses:
            if time.monotonic() > end:
                raise ToolError(f"{failure} within {self._timeout_seconds:g} s: STATUS is {status.name.lower()}")
            if pause_seconds:
                self._bus.wait(pause_seconds)
        return status

    def _read(self, register: str) -> int:
        return self._bus.read32(OFFSETS[register])

    def _write(self, register: str, value: int) -> None:
        self._bus.write32(OFFSETS[register], value)
