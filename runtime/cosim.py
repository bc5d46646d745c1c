"""Co-simulation: the same program on the simulator and on the RTL, compared in everything that can be observed.

Compared are every byte of memory, the issue and retire cycle of every instruction, every counter of every engine, the
total cycles, the status and the bus beats. The tolerance is zero.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.function import execute
from accel_sim.time import Clock, TimeResult, simulate_time
from compiler.backend.accesses import Space, accesses
from machine.assembly import format_instruction
from machine.isa import Engine, Opcode
from machine.program import Program
from machine.registers import EngineState, Status
from rtl.run import RtlResult
from runtime.rtl import run_on_rtl

DIFFERENCES_SHOWN = 8
"""Differences of each kind that are described; all are counted."""

ByteArray = npt.NDArray[np.uint8]


@dataclass
class CosimResult:
    """Outcome of a comparison; the field names are the stable keys of `tpukit cosim --json`.

    An event of an engine beyond its last instruction counts as one more instruction that differs.
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
    differences: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as a JSON-able dictionary."""
        return dict(vars(self))


def cosimulate(program: Program, memory: ByteArray, waves: Path | None = None) -> CosimResult:
    """Run a program on both machines from the same memory image, uint8[memory bytes], and compare.

    The simulator's time is that of the stepper, the law made readable; the events kernel is compared with the stepper.

    A program that ends with an error status is compared in status, cycles, instructions and counters; its bytes are
    compared only where it is done (the values of an illegal program are not defined).

    Raises:
        ToolError: the RTL cannot be built or run.
    """
    begin = time.perf_counter()
    timing = simulate_time(
        program.machine, program.code, program_address=program.program_address, memory_limit=program.memory_bytes,
        clock=Clock.STEPPER,
    )
    seconds_sim = time.perf_counter() - begin
    hardware = run_on_rtl(program, memory, waves, max_cycles=2 * timing.cycles + 10_000)
    expected = None
    if timing.status is Status.DONE:
        after = memory[None].copy()
        execute(program.machine, program.instructions, after)
        expected = after[0]
    return compare(program, timing, hardware, expected, seconds_sim)


def compare(
    program: Program, timing: TimeResult, hardware: RtlResult, expected: ByteArray | None, seconds_sim: float = 0.0
) -> CosimResult:
    """Compare what both machines gave; `expected` is the simulator's memory at the end, None where it has no values."""
    differences: list[str] = []
    if timing.status is not hardware.status or timing.cycles != hardware.cycles:
        differences.append(
            f"end: simulator {timing.status.name.lower()} in cycle {timing.cycles}, "
            f"RTL {hardware.status.name.lower()} in cycle {hardware.cycles}"
        )
    mismatched_instructions = _compare_instructions(program, timing, hardware, differences)
    counters, mismatched_counters = _compare_counters(timing, hardware, differences)
    mismatched_bytes = 0 if expected is None else _compare_bytes(program, expected, hardware.memory, differences)
    return CosimResult(
        equal=not differences,
        cycles_sim=timing.cycles,
        cycles_rtl=hardware.cycles,
        status_sim=timing.status.name.lower(),
        status_rtl=hardware.status.name.lower(),
        instructions=len(program.instructions),
        mismatched_instructions=mismatched_instructions,
        bytes_compared=0 if expected is None else int(expected.size),
        mismatched_bytes=mismatched_bytes,
        counters_compared=counters,
        mismatched_counters=mismatched_counters,
        seconds_sim=seconds_sim,
        seconds_rtl=hardware.seconds,
        differences=differences,
    )


def _compare_instructions(
    program: Program, timing: TimeResult, hardware: RtlResult, differences: list[str]
) -> int:
    """Compare issue and retire cycles: first the numbers of events, then the earliest differences are described."""
    found: list[tuple[int, str]] = []
    wrong: set[tuple[Engine, int]] = set()
    for engine in Engine:
        indices = [i for i, instruction in enumerate(program.instructions) if instruction.engine is engine]
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
                name = (_instruction(program, indices[position]) if position < len(indices)
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


def _instruction(program: Program, index: int) -> str:
    node = program.instruction_nodes[index] if index < len(program.instruction_nodes) else -1
    layer = f" of layer {program.nodes[node].name!r}" if node >= 0 else ""
    return f"instruction {index}{layer} ({format_instruction(program.instructions[index])})"


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


def _compare_bytes(program: Program, expected: ByteArray, memory: ByteArray, differences: list[str]) -> int:
    """Compare the memories; bytes are described with their tensor and the store that wrote them last."""
    wrong = np.flatnonzero(expected != memory[: expected.size])
    shown = [int(address) for address in wrong[:DIFFERENCES_SHOWN]]
    writers = last_writers(program, shown)
    for address in shown:
        where = next((f" ({d.tensor})" for d in program.outputs if d.address <= address < d.address + d.size_bytes), "")
        writer = f"last written by {_instruction(program, writers[address])}" if address in writers else "never written"
        differences.append(f"byte {address:#x}{where}: simulator {int(expected[address]):#04x}, "
                           f"RTL {int(memory[address]):#04x}; {writer}")
    return int(wrong.size)


def last_writers(program: Program, addresses: Iterable[int]) -> dict[int, int]:
    """Return for each byte address of memory the index of the last store that writes it; those never written lack."""
    left, found = set(addresses), dict[int, int]()
    for index in reversed(range(len(program.instructions))):
        if not left:
            break
        if program.instructions[index].opcode is not Opcode.STORE:
            continue
        for access in accesses(program.machine, program.instructions[index]):
            if access.space is Space.MEMORY and access.write:
                for address in sorted(left):
                    line = int(np.searchsorted(access.starts, address, side="right")) - 1
                    if line >= 0 and address < access.stops[line]:
                        found[address] = index
        left -= found.keys()
    return found
