"""Co-simulation: the same program on the simulator and on the RTL, compared in everything that can be observed.

Compared are every byte of memory, the issue and retire cycle of every instruction, every counter of every engine, the
total cycles, the status and the bus beats. The tolerance is zero.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.function import execute
from accel_sim.stepper import TimeResult, simulate_time
from machine.assembly import format_instruction
from machine.isa import Engine
from machine.program import Program
from machine.registers import EngineState, Status
from rtl.run import RtlResult
from runtime.rtl import run_on_rtl

DIFFERENCES_SHOWN = 8


@dataclass
class CosimResult:
    """Outcome of a comparison; the field names are the stable keys of `tpukit cosim --json`."""

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


def cosimulate(program: Program, memory: npt.NDArray[np.uint8], waves: Path | None = None) -> CosimResult:
    """Run a program on both machines from the same memory image, uint8[memory bytes], and compare.

    A program that ends with an error status is compared in status, cycles, instructions and counters; its bytes are
    compared only where it is done (the values of an illegal program are not defined).

    Raises:
        ToolError: the RTL cannot be built or run.
    """
    begin = time.perf_counter()
    timing = simulate_time(
        program.machine, program.code, program_address=program.program_address, memory_limit=program.memory_bytes
    )
    seconds_sim = time.perf_counter() - begin
    hardware = run_on_rtl(program, memory, waves, max_cycles=2 * timing.cycles + 10_000)
    differences: list[str] = []
    if timing.status is not hardware.status or timing.cycles != hardware.cycles:
        differences.append(
            f"end: simulator {timing.status.name.lower()} in cycle {timing.cycles}, "
            f"RTL {hardware.status.name.lower()} in cycle {hardware.cycles}"
        )
    mismatched_instructions = _compare_instructions(program, timing, hardware, differences)
    counters, mismatched_counters = _compare_counters(timing, hardware, differences)
    compared, mismatched_bytes = 0, 0
    if timing.status is Status.DONE:
        compared, mismatched_bytes = _compare_bytes(program, memory, hardware, differences)
    return CosimResult(
        equal=not differences,
        cycles_sim=timing.cycles,
        cycles_rtl=hardware.cycles,
        status_sim=timing.status.name.lower(),
        status_rtl=hardware.status.name.lower(),
        instructions=len(program.instructions),
        mismatched_instructions=mismatched_instructions,
        bytes_compared=compared,
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
    """Compare issue and retire cycles; the earliest differences are described first."""
    found: list[tuple[int, str]] = []
    wrong: set[int] = set()
    for engine in Engine:
        indices = [i for i, instruction in enumerate(program.instructions) if instruction.engine is engine]
        for event, sim, rtl in (
            ("issue", timing.issue[engine], hardware.issue[engine]),
            ("retire", timing.retire[engine], hardware.retire[engine]),
        ):
            left, right = _padded(sim, len(indices)), _padded(rtl, len(indices))
            for position in np.flatnonzero(left != right):
                index = indices[position]
                wrong.add(index)
                cycles = [int(c) for c in (left[position], right[position]) if c >= 0]
                found.append((min(cycles), _describe(program, index, event, int(left[position]), int(right[position]))))
    differences += [text for _, text in sorted(found)[:DIFFERENCES_SHOWN]]
    return len(wrong)


def _padded(cycles: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    result = np.full(count, -1, np.int64)
    result[: min(count, len(cycles))] = cycles[:count]
    return result


def _describe(program: Program, index: int, event: str, sim: int, rtl: int) -> str:
    node = program.instruction_nodes[index] if index < len(program.instruction_nodes) else -1
    layer = f" of layer {program.nodes[node].name!r}" if node >= 0 else ""
    sides = (("simulator", sim), ("RTL", rtl))
    times = [f"{side} {'never' if cycle < 0 else f'in cycle {cycle}'}" for side, cycle in sides]
    text = format_instruction(program.instructions[index])
    return f"instruction {index}{layer} ({text}): {event}: {', '.join(times)}"


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
    program: Program, memory: npt.NDArray[np.uint8], hardware: RtlResult, differences: list[str]
) -> tuple[int, int]:
    expected = memory[None].copy()
    execute(program.machine, program.instructions, expected)
    wrong = np.flatnonzero(expected[0] != hardware.memory[: expected.shape[1]])
    for address in wrong[:DIFFERENCES_SHOWN]:
        where = next((f" ({d.tensor})" for d in program.outputs if d.address <= address < d.address + d.size_bytes), "")
        differences.append(f"byte {int(address):#x}{where}: simulator {int(expected[0, address]):#04x}, "
                           f"RTL {int(hardware.memory[address]):#04x}")
    return int(expected.shape[1]), int(wrong.size)
