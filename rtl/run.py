"""Runs programs on the Verilated machine: memory image in; status, cycles, events, counters and memory out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from machine.config import Machine
from machine.errors import ToolError
from machine.isa import Engine
from machine.progress import during, parts, remark
from machine.registers import OFFSETS, Status, check_program_registers, read_state_counters
from rtl.build import Waves, build, place_of
from rtl.coverage import collect
from rtl.estimate import warning
from rtl.processes import check_tool

PROGRESS_PARTS = 1000

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
        expected_cycles: how long it will probably run, for who waits; None where that is not known.
    """

    memory: npt.NDArray[np.uint8]
    program_address: int
    program_length: int
    memory_limit: int
    max_cycles: int = 1 << 40
    waves: Path | None = None
    expected_cycles: int | None = None


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
        cycle_seconds: CPU time of the cycles alone, to 256 of them: reading and writing the memory's image left out.
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
    cycle_seconds: float


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
    expected_cycles: int | None = None,
) -> RtlResult:
    """Run one program from its start to its end; the arguments are those of `RtlRun`.

    Raises:
        ProgramError: an address or limit that the registers cannot hold.
        ToolError: the hardware cannot be built or simulated, or the run went past `max_cycles`.
    """
    run = RtlRun(memory, program_address, program_length, memory_limit, max_cycles, waves, expected_cycles)
    (result,) = run_programs(machine, [run])
    if isinstance(result, ToolError):
        raise result
    return result


def run_programs(machine: Machine, runs: Sequence[RtlRun]) -> list[RtlResult | ToolError]:
    """Run programs one after the other, each on a machine as after power-on, in as few processes as may be.

    Where the build and the runs will take long, that is said before they begin (machine/progress.py).

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
    waves = _format(runs[0].waves if runs else None)
    text = warning(machine, place_of(machine, waves, memory_bytes).exists(), _expected_cycles(runs))
    if text is not None:
        remark(text)
    program = build(machine, waves, memory_bytes)
    results: list[RtlResult | ToolError] = []
    while len(results) < len(runs):
        results += _run_process(program, machine, runs[len(results) :])
    return results


def _expected_cycles(runs: Sequence[RtlRun]) -> int | None:
    """Return how long runs will take together; None where that is not known of each."""
    known = [run.expected_cycles for run in runs if run.expected_cycles is not None]
    return sum(known) if len(known) == len(runs) else None


def _run_process(program: Path, machine: Machine, runs: Sequence[RtlRun]) -> list[RtlResult | ToolError]:
    """Run programs in one process, to the first at which it fails; that one's result is the failure."""
    failure = None
    with tempfile.TemporaryDirectory(prefix="tpukit_rtl_") as name:
        folders = [Path(name) / str(number) for number in range(len(runs))]
        listed, log, reached = (Path(name) / part for part in ("runs", "seconds", "cycles"))
        listed.write_bytes(b"".join(map(_prepare, folders, runs, [machine.bus_bytes] * len(runs))))
        try:
            with _progress(reached, _expected_cycles(runs)) as watch:
                check_tool([program, listed, log, reached], "simulating the RTL", watch=watch)
        except ToolError as error:
            failure = error
        lines = log.read_text().splitlines() if log.exists() else []
        seconds = [(float(wall), float(cycles)) for wall, cycles in map(str.split, lines)]
        if failure is None and len(seconds) < len(runs):
            failure = ToolError(f"simulating the RTL failed: it ended before run {len(seconds)} of {len(runs)}")
        # Where it failed behind the last run, that one is not to be trusted.
        whole = len(runs) if failure is None else min(len(seconds), len(runs) - 1)
        ended = islice(zip(folders, runs, seconds, strict=False), whole)
        results: list[RtlResult | ToolError] = [_collect(folder, run, took) for folder, run, took in ended]
    return results if failure is None else [*results, failure]


@contextmanager
def _progress(reached: Path, cycles: int | None) -> Iterator[Callable[[], None]]:
    """Say how many thousandths of the cycles a process has simulated, which it writes into the file `reached`."""
    if not cycles:
        with during("simulating the RTL"):
            yield lambda: None
        return
    with parts("simulating the RTL", PROGRESS_PARTS) as tell:

        def watch() -> None:
            text = reached.read_text() if reached.exists() else ""
            if text.endswith("\n"):
                tell(PROGRESS_PARTS * int(text) // cycles)

        yield watch


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
    plusargs = [*(f"+{key}={value}" for key, value in arguments.items()), *collect.run_arguments()]
    return b"".join(os.fsencode(plusarg) + b"\0" for plusarg in plusargs) + b"\0"


def _collect(folder: Path, run: RtlRun, seconds: tuple[float, float]) -> RtlResult | ToolError:
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
        seconds=seconds[0],
        cycle_seconds=seconds[1],
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
