"""Runs a program on the Verilated machine: memory image in; status, cycles, events, counters and memory out."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machine.config import Machine
from machine.errors import ProgramError, ToolError
from machine.isa import ENGINE_COUNT, Engine
from machine.progress import during
from machine.registers import REGISTERS, STATE_COUNT, STATE_COUNTER_BASE, Status
from rtl.build import Waves, build
from rtl.processes import check_tool

OFFSETS = {register.name: register.offset for register in REGISTERS}
LIMIT_UNIT_BYTES = 64
PROGRAM_UNIT_BYTES = 256
STATES_PER_ENGINE = 16

Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True)
class RtlResult:
    """What a run of the hardware gave.

    Attributes:
        status: value of STATUS at the end.
        cycles: value of CYCLES.
        issue: for each engine the cycles in which its instructions issued, int64[instructions issued], in order.
        retire: the same for retirement.
        counters: cycles of each engine in each state, int64[engine, state].
        read_beats: value of READ_BEATS.
        write_beats: value of WRITE_BEATS.
        memory: memory after the run, uint8[size of the image].
        seconds: wall time of the simulation, the build not included.
    """

    status: Status
    cycles: int
    issue: dict[Engine, Cycles]
    retire: dict[Engine, Cycles]
    counters: Cycles
    read_beats: int
    write_beats: int
    memory: npt.NDArray[np.uint8]
    seconds: float


def run_program(
    machine: Machine,
    memory: npt.NDArray[np.uint8],
    program_address: int,
    program_length: int,
    memory_limit: int,
    waves: Path | None = None,
    max_cycles: int = 1 << 40,
) -> RtlResult:
    """Run a program from its start to its end.

    Args:
        machine: the machine; it is built at the first use.
        memory: image of the memory before the run, uint8[bytes]; not changed. What lies behind it is zero.
        program_address: byte address of the first instruction, a multiple of 256.
        program_length: instructions.
        memory_limit: bytes that the program may address, a multiple of 64.
        waves: where to write a waveform, FST where the name ends so, else VCD; None for none.
        max_cycles: a longer run is stopped.

    Raises:
        ProgramError: an address or limit that the registers cannot hold.
        ToolError: the hardware cannot be built or simulated, or the run went past `max_cycles`.
    """
    _check_registers(program_address, program_length, memory_limit)
    program = build(machine, _format(waves), max(memory.size, memory_limit))
    with tempfile.TemporaryDirectory(prefix="tpukit_rtl_") as name:
        folder = Path(name)
        beats = _write_image(folder / "image", memory, machine.bus_bytes)
        arguments: dict[str, int | Path] = {
            "program_address": program_address,
            "program_length": program_length,
            "memory_limit": memory_limit,
            "max_cycles": max_cycles,
            "image": folder / "image",
            "result": folder / "result",
            "events": folder / "events",
            "memory": folder / "memory",
            "memory_beats": beats,
        }
        if waves is not None:
            arguments["waves"] = waves.absolute()
        start = time.perf_counter()
        with during("simulating the RTL"):
            check_tool([program, *(f"+{key}={value}" for key, value in arguments.items())], "simulating the RTL")
        seconds = time.perf_counter() - start
        registers = _read_registers(folder / "result", max_cycles)
        issue, retire = _read_events(folder / "events")
        after = np.fromfile(folder / "memory", dtype=np.uint8)
    if after.size != beats * machine.bus_bytes:
        raise ToolError(f"simulating the RTL failed: it wrote {after.size} bytes of memory, not {memory.size}")
    return RtlResult(
        status=Status(registers[OFFSETS["STATUS"]]),
        cycles=registers[OFFSETS["CYCLES_LOW"]] | registers[OFFSETS["CYCLES_HIGH"]] << 32,
        issue=issue,
        retire=retire,
        counters=_counters(registers),
        read_beats=registers[OFFSETS["READ_BEATS"]],
        write_beats=registers[OFFSETS["WRITE_BEATS"]],
        memory=after[: memory.size],
        seconds=seconds,
    )


def _format(waves: Path | None) -> Waves | None:
    if waves is None:
        return None
    return Waves.FST if waves.suffix.lower() == f".{Waves.FST}" else Waves.VCD


def _check_registers(program_address: int, program_length: int, memory_limit: int) -> None:
    for name, value, unit in (
        ("program_address", program_address, PROGRAM_UNIT_BYTES),
        ("program_length", program_length, 1),
        ("memory_limit", memory_limit, LIMIT_UNIT_BYTES),
    ):
        if not 0 <= value < 1 << 32 or value % unit:
            raise ProgramError(f"{name} = {value}: must be a multiple of {unit} below 2**32")


def _write_image(path: Path, memory: npt.NDArray[np.uint8], bus_bytes: int) -> int:
    """Write the image as the test bench reads it, whole beats with the highest address first; return the beats."""
    beats = -(-memory.size // bus_bytes)
    padded = np.zeros(beats * bus_bytes, dtype=np.uint8)
    padded[: memory.size] = memory.reshape(-1)
    padded.reshape(beats, bus_bytes)[:, ::-1].tofile(path)
    return beats


def _read_registers(path: Path, max_cycles: int) -> dict[int, int]:
    registers: dict[int, int] = {}
    for line in path.read_text().splitlines():
        if line == "stopped":
            raise ToolError(f"the program did not end within {max_cycles} cycles on the RTL; it was stopped")
        offset, value = line.split()
        registers[int(offset)] = int(value)
    return registers


def _read_events(path: Path) -> tuple[dict[Engine, Cycles], dict[Engine, Cycles]]:
    events = np.array(path.read_bytes().split(), dtype=np.int64).reshape(-1, 3)
    issue, retire = (
        {engine: events[(events[:, 0] == engine) & (events[:, 1] == kind), 2] for engine in Engine} for kind in (0, 1)
    )
    return issue, retire


def _counters(registers: dict[int, int]) -> Cycles:
    counters = np.zeros((ENGINE_COUNT, STATE_COUNT), dtype=np.int64)
    for engine in range(ENGINE_COUNT):
        for state in range(STATE_COUNT):
            offset = STATE_COUNTER_BASE + 8 * (STATES_PER_ENGINE * engine + state)
            counters[engine, state] = registers[offset] | registers[offset + 4] << 32
    return counters
