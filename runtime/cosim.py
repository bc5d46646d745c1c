"""Co-simulation: the same program on the simulator and on the RTL, compared in everything that can be observed.

Compared are every byte of memory, the issue and retire cycle of every instruction, every counter of every engine, the
total cycles, the status and the bus beats. The tolerance is zero.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.function import execute
from accel_sim.time import Clock, TimeResult
from compiler.backend.accesses import Space, accesses
from machine.assembly import format_instruction
from machine.config import Machine
from machine.errors import DataError
from machine.isa import Engine, Opcode
from machine.program import Program, Segment
from machine.registers import EngineState, Status
from rtl.run import RtlResult
from runtime.rtl import run_on_rtl
from runtime.session import Session
from runtime.timing import segment_time

DIFFERENCES_SHOWN = 8
"""Differences of each kind that are described; all are counted."""

ByteArray = npt.NDArray[np.uint8]


@dataclass
class CosimResult:
    """Outcome of a comparison; the field names are the stable keys of `tpukit cosim --json`.

    An event of an engine beyond its last instruction counts as one more instruction that differs. The seconds are wall
    time, `cycle_seconds_rtl` is CPU time of the RTL's cycles alone.
    """

    equal: bool
    cycles_sim: int
    cycles_rtl: int
    status_sim: str
    status_rtl: str
    instructions: int
    mismatched_instructions: int
    bytes_compared: int
    mismatched_bytes: int
    counters_compared: int
    mismatched_counters: int
    seconds_sim: float
    seconds_rtl: float
    cycle_seconds_rtl: float
    differences: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as a JSON-able dictionary."""
        return dict(vars(self))


def cosimulate(
    session: Session, inputs: Mapping[str, npt.NDArray[Any]] | None = None, waves: Path | None = None
) -> CosimResult:
    """Run a program on both machines and compare: the first batch of a model's inputs, or a kernel (no inputs).

    Each segment begins with what the host makes of the simulator's results, so a difference in one does not hide those
    in the next. The waveform of the RTL goes to `waves` where one is given (FST if so named, else VCD; programs of one
    segment only).

    Raises:
        DataError: inputs that the model does not take, or a waveform of several segments.
        ToolError: the RTL cannot be built or run.
    """
    program = session.program
    if waves is not None and len(program.segments) != 1:
        raise DataError(f"a waveform is of one segment, and this program has {len(program.segments)}")
    images = [session.blank_image() for _ in program.segments] if inputs is None else session.first_images(inputs)
    return _together([
        cosimulate_segment(program, segment, image, waves)
        for segment, image in zip(program.segments, images, strict=True)
    ])


def cosimulate_segment(
    program: Program, segment: Segment, memory: ByteArray, waves: Path | None = None
) -> CosimResult:
    """Run one segment on both machines from the same memory image, uint8[memory bytes], and compare.

    The simulator's time is that of the stepper, the law made readable; the events kernel is compared with the stepper.

    A program that ends with an error status is compared in status, cycles, instructions and counters; its bytes are
    compared only where it is done (the values of an illegal program are not defined).

    Raises:
        ToolError: the RTL cannot be built or run.
    """
    begin = time.perf_counter()
    timing = segment_time(program, segment, clock=Clock.STEPPER)
    seconds_sim = time.perf_counter() - begin
    hardware = run_on_rtl(
        program, segment, memory, waves, max_cycles=2 * timing.cycles + 10_000, expected_cycles=timing.cycles
    )
    expected = None
    if timing.status is Status.DONE:
        after = memory[None].copy()
        execute(program.machine, segment.instructions, after)
        expected = after[0]
    return compare(program, segment, timing, hardware, expected, seconds_sim)


def _together(results: Sequence[CosimResult]) -> CosimResult:
    """Return the sums over segments; the status is that of the first one that is not done."""
    if len(results) == 1:
        return results[0]
    done = Status.DONE.name.lower()
    values: dict[str, Any] = {
        entry.name: sum(getattr(result, entry.name) for result in results)
        for entry in fields(CosimResult) if entry.type in ("int", "float")
    }
    for side in ("status_sim", "status_rtl"):
        values[side] = next((text for result in results if (text := getattr(result, side)) != done), done)
    differences = [f"segment {index}: {text}" for index, result in enumerate(results) for text in result.differences]
    return CosimResult(**{**values, "equal": all(result.equal for result in results), "differences": differences})


def compare(
    program: Program, segment: Segment, timing: TimeResult, hardware: RtlResult, expected: ByteArray | None,
    seconds_sim: float = 0.0,
) -> CosimResult:
    """Compare what both machines gave; `expected` is the simulator's memory at the end, None where it has no values."""
    differences: list[str] = []
    if timing.status is not hardware.status or timing.cycles != hardware.cycles:
        differences.append(
            f"end: simulator {timing.status.name.lower()} in cycle {timing.cycles}, "
            f"RTL {hardware.status.name.lower()} in cycle {hardware.cycles}"
        )
    mismatched_instructions = _compare_instructions(program, segment, timing, hardware, differences)
    counters, mismatched_counters = _compare_counters(timing, hardware, differences)
    mismatched_bytes = 0
    if expected is not None:
        mismatched_bytes = _compare_bytes(program, segment, expected, hardware.memory, differences)
    return CosimResult(
        equal=not differences,
        cycles_sim=timing.cycles,
        cycles_rtl=hardware.cycles,
        status_sim=timing.status.name.lower(),
        status_rtl=hardware.status.name.lower(),
        instructions=len(segment.instructions),
        mismatched_instructions=mismatched_instructions,
        bytes_compared=0 if expected is None else int(expected.size),
        mismatched_bytes=mismatched_bytes,
        counters_compared=counters,
        mismatched_counters=mismatched_counters,
        seconds_sim=seconds_sim,
        seconds_rtl=hardware.seconds,
        cycle_seconds_rtl=hardware.cycle_seconds,
        differences=differences,
    )


def _compare_instructions(
    program: Program, segment: Segment, timing: TimeResult, hardware: RtlResult, differences: list[str]
) -> int:
    """Compare issue and retire cycles: first the numbers of events, then the earliest differences are described."""
    found: list[tuple[int, str]] = []
    wrong: set[tuple[Engine, int]] = set()
    for engine in Engine:
        indices = [i for i, instruction in enumerate(segment.instructions) if instruction.engine is engine]
        for event, sim, rtl in (
            ("issue", timing.issue[engine], hardware.issue[engine]),
            ("retire", timing.retire[engine], hardware.retire[engine]),
        ):
            counts = [int((cycles >= 0).sum()) for cycles in (sim, rtl)]
            if counts[0] != counts[1]:
                differences.append(f"{engine.name.lower()} engine: {event} events: simulator {counts[0]}, "
                                   f"RTL {counts[1]}, of {len(indices)} instructions")
            size = max(len(sim), len(rtl))
            left, right = _padded(sim, size), _padded(rtl, size)
            for position in map(int, np.flatnonzero(left != right)):
                wrong.add((engine, position))
                cycles = [int(c) for c in (left[position], right[position])]
                name = (_instruction(program, segment, indices[position]) if position < len(indices)
                        else f"{engine.name.lower()} engine, beyond its last instruction")
                times = [f"{side} {'never' if cycle < 0 else f'in cycle {cycle}'}"
                         for side, cycle in zip(("simulator", "RTL"), cycles, strict=True)]
                found.append((min(c for c in cycles if c >= 0), f"{name}: {event}: {', '.join(times)}"))
    differences += [text for _, text in sorted(found)[:DIFFERENCES_SHOWN]]
    return len(wrong)


def _padded(cycles: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    result = np.full(size, -1, np.int64)
    result[: len(cycles)] = cycles
    return result


def _instruction(program: Program, segment: Segment, index: int) -> str:
    node = segment.instruction_nodes[index] if index < len(segment.instruction_nodes) else -1
    layer = f" of layer {program.nodes[node].name!r}" if node >= 0 else ""
    return f"instruction {index}{layer} ({format_instruction(segment.instructions[index])})"


def _compare_counters(timing: TimeResult, hardware: RtlResult, differences: list[str]) -> tuple[int, int]:
    compared, wrong = 0, 0
    pairs: list[tuple[str, int, int]] = [
        (f"{engine.name.lower()}.{state.name.lower()}", int(timing.counters[engine, state]),
         int(hardware.counters[engine, state]))
        for engine in Engine for state in EngineState
    ]
    pairs += [("read_beats", timing.read_beats, hardware.read_beats),
              ("write_beats", timing.write_beats, hardware.write_beats)]
    for name, sim, rtl in pairs:
        compared += 1
        if sim != rtl:
            wrong += 1
            if wrong <= DIFFERENCES_SHOWN:
                differences.append(f"counter {name}: simulator {sim}, RTL {rtl}")
    return compared, wrong


def _compare_bytes(
    program: Program, segment: Segment, expected: ByteArray, memory: ByteArray, differences: list[str]
) -> int:
    """Compare the memories; bytes are described with their tensor and the store that wrote them last."""
    wrong = np.flatnonzero(expected != memory[: expected.size])
    shown = [int(address) for address in wrong[:DIFFERENCES_SHOWN]]
    writers = last_writers(program.machine, segment, shown)
    for address in shown:
        where = next((f" ({d.tensor})" for d in segment.outputs if d.address <= address < d.address + d.size_bytes), "")
        writer = "never written"
        if address in writers:
            writer = f"last written by {_instruction(program, segment, writers[address])}"
        differences.append(f"byte {address:#x}{where}: simulator {int(expected[address]):#04x}, "
                           f"RTL {int(memory[address]):#04x}; {writer}")
    return int(wrong.size)


def last_writers(machine: Machine, segment: Segment, addresses: Iterable[int]) -> dict[int, int]:
    """Return for each byte address of memory the index of the last store that writes it; those never written lack."""
    left, found = set(addresses), dict[int, int]()
    for index in reversed(range(len(segment.instructions))):
        if not left:
            break
        if segment.instructions[index].opcode is not Opcode.STORE:
            continue
        for access in accesses(machine, segment.instructions[index]):
            if access.space is Space.MEMORY and access.write:
                for address in sorted(left):
                    line = int(np.searchsorted(access.starts, address, side="right")) - 1
                    if line >= 0 and address < access.stops[line]:
                        found[address] = index
        left -= found.keys()
    return found
