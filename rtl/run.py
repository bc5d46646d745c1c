"""Runs programs on the Verilated machine: memory image in; status, cycles, events, counters and memory out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machine.config import Machine
from machine.errors import ToolError
from machine.isa import Engine
from machine.progress import during
from machine.registers import OFFSETS, Status, check_program_registers, read_state_counters
from rtl.build import Waves, build
from rtl.processes import check_tool

Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class RtlRun:
    """A program to be run from its start to its end.

    Attributes:
        memory: image of the memory before the run, uint8[bytes]; not changed. What lies behind it is zero.
        program_address: byte address of the first instruction, a multiple of 256.
        program_length: instructions.
        memory_limit: bytes that the program may address, a multiple of 64.
        max_cycles: a longer run is stopped.
        waves: where to write a waveform, FST where the name ends so, else VCD; None for none.
    """

    memory: npt.NDArray[np.uint8]
    program_address: int
    program_length: int
    memory_limit: int
    max_cycles: int = 1 << 40
    waves: Path | None = None


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
        seconds: wall time of the simulation, the build and the start of the process not included.
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


class RtlStopped(ToolError):
    """A run went past its `max_cycles`; `issue` and `retire` have, as in `RtlResult`, what happened until then."""

    def __init__(self, max_cycles: int, issue: dict[Engine, Cycles], retire: dict[Engine, Cycles]) -> None:
        """Name the limit."""
        super().__init__(f"the program did not end within {max_cycles} cycles on the RTL; it was stopped")
        self.issue = issue
        self.retire = retire


def run_program(
    machine: Machine,
    memory: npt.NDArray[np.uint8],
    program_address: int,
    program_length: int,
    memory_limit: int,
    waves: Path | None = None,
    max_cycles: int = 1 << 40,
) -> RtlResult:
    """Run one program from its start to its end; the arguments are those of `RtlRun`.

    Raises:
        ProgramError: an address or limit that the registers cannot hold.
        ToolError: the hardware cannot be built or simulated, or the run went past `max_cycles`.
    """
    run = RtlRun(memory, program_address, program_length, memory_limit, max_cycles, waves)
    (result,) = run_programs(machine, [run])
    if isinstance(result, ToolError):
        raise result
    return result


def run_programs(machine: Machine, runs: Sequence[RtlRun]) -> list[RtlResult | ToolError]:
    """Run programs one after the other, each on a machine as after power-on, in as few processes as may be.

    Args:
        machine: the machine; it is built at the first use.
        runs: the programs; their waveforms are of one format. Each takes twice its memory on the disk for temporary
            files, all of them at once.

    Returns:
        For each run its result; or the error, where its simulation failed or went past `max_cycles`.

    Raises:
        ProgramError: an address or limit that the registers cannot hold.
        ToolError: the hardware cannot be built.
    """
    for run in runs:
        check_program_registers(run.program_address, run.program_length, run.memory_limit)
    memory_bytes = max((max(run.memory.size, run.memory_limit) for run in runs), default=0)
    program = build(machine, _format(runs[0].waves if runs else None), memory_bytes)
    results: list[RtlResult | ToolError] = []
    while len(results) < len(runs):
        results += _run_process(program, machine, runs[len(results) :])
    return results


def _run_process(program: Path, machine: Machine, runs: Sequence[RtlRun]) -> list[RtlResult | ToolError]:
    """Run programs in one process, to the first at which it fails; that one's result is the failure."""
    failure = None
    with tempfile.TemporaryDirectory(prefix="tpukit_rtl_") as name:
        folders = [Path(name) / str(number) for number in range(len(runs))]
        listed, log = Path(name) / "runs", Path(name) / "seconds"
        listed.write_bytes(b"".join(map(_prepare, folders, runs, [machine.bus_bytes] * len(runs))))
        try:
            with during("simulating the RTL"):
                check_tool([program, listed, log], "simulating the RTL")
        except ToolError as error:
            failure = error
        seconds = [float(line) for line in log.read_text().splitlines()] if log.exists() else []
        if failure is None and len(seconds) < len(runs):
            failure = ToolError(f"simulating the RTL failed: it ended before run {len(seconds)} of {len(runs)}")
        # Where it failed behind the last run, that one is not to be trusted.
        whole = len(runs) if failure is None else min(len(seconds), len(runs) - 1)
        ended = islice(zip(folders, runs, seconds, strict=False), whole)
        results: list[RtlResult | ToolError] = [_collect(folder, run, took) for folder, run, took in ended]
    return results if failure is None else [*results, failure]


def _prepare(folder: Path, run: RtlRun, bus_bytes: int) -> bytes:
    """Write a run's image and return its entry in the list of runs (`rtl/testbench/main.cpp`)."""
    folder.mkdir()
    arguments: dict[str, int | Path] = {
        "program_address": run.program_address,
        "program_length": run.program_length,
        "memory_limit": run.memory_limit,
        "max_cycles": run.max_cycles,
        "image": folder / "image",
        "result": folder / "result",
        "events": folder / "events",
        "memory": folder / "memory",
        "memory_beats": _write_image(folder / "image", run.memory, bus_bytes),
    }
    if run.waves is not None:
        arguments["waves"] = run.waves.absolute()
    return b"".join(os.fsencode(f"+{key}={value}") + b"\0" for key, value in arguments.items()) + b"\0"


def _collect(folder: Path, run: RtlRun, seconds: float) -> RtlResult | ToolError:
    """Read what a run that has ended wrote."""
    registers = _read_registers(folder / "result")
    issue, retire = _read_events(folder / "events")
    if registers is None:
        return RtlStopped(run.max_cycles, issue, retire)
    after = np.fromfile(folder / "memory", dtype=np.uint8)
    if after.size < run.memory.size:
        return ToolError(f"simulating the RTL failed: it wrote {after.size} bytes of memory, not {run.memory.size}")
    return RtlResult(
        status=Status(registers[OFFSETS["STATUS"]]),
        cycles=registers[OFFSETS["CYCLES_LOW"]] | registers[OFFSETS["CYCLES_HIGH"]] << 32,
        issue=issue,
        retire=retire,
        counters=read_state_counters(registers.__getitem__),
        read_beats=registers[OFFSETS["READ_BEATS"]],
        write_beats=registers[OFFSETS["WRITE_BEATS"]],
        memory=after[: run.memory.size],
        seconds=seconds,
    )


def _format(waves: Path | None) -> Waves | None:
    if waves is None:
        return None
    return Waves.FST if waves.suffix.lower() == f".{Waves.FST}" else Waves.VCD


def _write_image(path: Path, memory: npt.NDArray[np.uint8], bus_bytes: int) -> int:
    """Write the image as the test bench reads it, whole beats with the highest address first; return the beats."""
    beats = -(-memory.size // bus_bytes)
    padded = np.zeros(beats * bus_bytes, dtype=np.uint8)
    padded[: memory.size] = memory.reshape(-1)
    padded.reshape(beats, bus_bytes)[:, ::-1].tofile(path)
    return beats


def _read_registers(path: Path) -> dict[int, int] | None:
    """Return the registers by offset; None if the run was stopped."""
    lines = path.read_text().splitlines()
    if "stopped" in lines:
        return None
    return {int(offset): int(value) for offset, value in (line.split() for line in lines)}


def _read_events(path: Path) -> tuple[dict[Engine, Cycles], dict[Engine, Cycles]]:
    events = np.array(path.read_bytes().split(), dtype=np.int64).reshape(-1, 3)
    issue, retire = (
        {engine: events[(events[:, 0] == engine) & (events[:, 1] == kind), 2] for engine in Engine} for kind in (0, 1)
    )
    return issue, retire
