"""Cases on both sides of a comparison, and in what the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from random import Random
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accel_sim.function import execute
from accel_sim.time import Clock, Program, TimeResult, decode_program, start_of, time_decoded
from machine.errors import DataError, SimulationError, ToolError
from machine.isa import Engine, Instruction, Opcode, make
from machine.program import Program as File
from machine.program import Segment
from machine.registers import Status
from rtl.run import RtlResult, RtlRun, RtlStopped, run_programs
from runtime.cosim import compare
from runtime.fuzz.cases import Case
from runtime.fuzz.differences import differences
from runtime.fuzz.random_programs import MEMORY_BYTES

MOST_CYCLES = (*[1_000] * 8, *[2_000] * 7, 30_000)
"""A program that runs longer is given up, and what it did until then compared; each as often as the others."""
MARKS = (1, 30, 100, 1_000)
"""Cycles at whose end the counters are compared."""
RTL_SLACK_CYCLES = 10_000
"""The RTL is given up after this many cycles more than twice the simulator's."""
GROUPS = 3
"""Layers that a program's instructions are charged to in turn; every fourth instruction to none."""


class FuzzBackend(StrEnum):
    """What is compared: the stepper with the events kernel, or with the Verilated RTL."""

    EVENTS = "events"
    RTL = "rtl"


class Verdict(NamedTuple):
    """What became of a case.

    Attributes:
        decoded: its program.
        time: its time on the stepper; of one that was given up, until then.
        differences: a line for each difference, and one where a program that is proved legal ends in an error.
        asked: whether the verifier was asked for a proof that the program is legal.
        refusal: why it refused that; None where it proved it or was not asked.
    """

    decoded: Program
    time: TimeResult
    differences: list[str]
    asked: bool
    refusal: str | None


def check_cases(cases: Sequence[Case], backend: FuzzBackend, ask: bool) -> list[Verdict]:
    """Run cases on both sides and compare.

    Args:
        cases: the cases; for the RTL they have one machine.
        backend: the other side. For the RTL the verifier is asked about every program.
        ask: ask the verifier about programs that end in an error, in any case.

    Raises:
        DataError: a memory that is too large for the RTL.
        ToolError: the RTL cannot be built.
    """
    if backend is FuzzBackend.EVENTS:
        return [_check_events(case, ask) for case in cases]
    return _check_rtl(cases)


def _check_events(case: Case, ask: bool) -> Verdict:
    decoded = decode_program(case.machine, case.code)
    stepper, events = (_time(case, decoded, clock) for clock in (Clock.STEPPER, Clock.EVENTS))
    found = differences(events, stepper)
    asked = ask and _is_error(stepper)
    refusal = case.refusal() if asked else None
    return Verdict(decoded, stepper, found + _error_of_legal(stepper, asked and refusal is None), asked, refusal)


def _time(case: Case, decoded: Program, clock: Clock) -> TimeResult:
    """Run a decoded program on a model of time."""
    groups = [index % (GROUPS + 1) - 1 for index in range(len(case.words))]
    start = start_of(len(case.words), case.program_address, case.memory_bytes, _most_cycles(case))
    return time_decoded(case.machine, decoded, start, MARKS, groups, clock, with_history=True)


def _most_cycles(case: Case) -> int:
    """Return when a case is given up; the same while it is made small."""
    return Random(case.source).choice(MOST_CYCLES)


def _is_error(time: TimeResult) -> bool:
    return time.status not in (Status.DONE, Status.RUNNING)


def _error_of_legal(time: TimeResult, proved: bool) -> list[str]:
    """Return a line where a program that is proved legal ends in an error."""
    wrong = proved and _is_error(time)
    return [f"proved legal, and ends in cycle {time.cycles} with {time.status.name.lower()}"] if wrong else []


def _check_rtl(cases: Sequence[Case]) -> list[Verdict]:
    for case in cases:
        if case.memory_bytes > MEMORY_BYTES:
            raise DataError(f"{case.source} has a memory of {case.memory_bytes} bytes; on the RTL: {MEMORY_BYTES}")
    decoded = [decode_program(case.machine, case.code) for case in cases]
    times = [_time(case, program, Clock.STEPPER) for case, program in zip(cases, decoded, strict=True)]
    runs = [
        RtlRun(
            case.memory(), case.program_address, len(case.words), case.memory_bytes, max_cycles=_rtl_limit(time),
            expected_cycles=time.cycles,
        )
        for case, time in zip(cases, times, strict=True)
    ]
    results = run_programs(cases[0].machine, runs) if cases else []
    verdicts = []
    for case, program, time, hardware in zip(cases, decoded, times, results, strict=True):
        refusal = case.refusal()
        proved = refusal is None
        found = _rtl_differences(case, time, hardware, proved) + _error_of_legal(time, proved)
        verdicts.append(Verdict(program, time, found, True, refusal))
    return verdicts


def _rtl_limit(time: TimeResult) -> int:
    """Return how long the RTL may run: as long as the simulator where that was given up, otherwise much longer."""
    return time.cycles if time.status is Status.RUNNING else 2 * time.cycles + RTL_SLACK_CYCLES


def _rtl_differences(case: Case, time: TimeResult, hardware: RtlResult | ToolError, proved: bool) -> list[str]:
    """Compare the stepper's time with the RTL's, and the bytes that are defined."""
    if isinstance(hardware, RtlStopped) and time.status is Status.RUNNING:
        return _event_differences(time, hardware)
    if isinstance(hardware, ToolError):
        return [f"RTL: {hardware}"]
    # What no machine knows is named as a halt: no engine executes either.
    instructions = [instruction or make(Opcode.HALT) for instruction in case.decoded()]
    memory = case.memory()
    segment = Segment(tuple(instructions), program_address=case.program_address)
    program = File(case.machine, (segment,), memory, case.memory_bytes, source=case.source)
    if proved and time.status is Status.DONE:
        after = memory[None].copy()
        try:
            execute(case.machine, instructions, after)
        except SimulationError as error:
            return [f"proved legal, and done: {error}"]
        return compare(program, segment, time, hardware, after[0]).differences
    wrong = np.flatnonzero((hardware.memory != memory) & ~_stored(instructions))
    found = [f"byte {wrong[0]:#x}, which no store reaches: RTL {hardware.memory[wrong[0]]:#04x}"] if len(wrong) else []
    return compare(program, segment, time, hardware, None).differences + found


def _event_differences(time: TimeResult, hardware: RtlStopped) -> list[str]:
    """Compare issue and retire cycles of a program that both have given up, as far as both went."""
    pairs = [
        (f"{name} of {engine.name.lower()}", getattr(time, name)[engine], getattr(hardware, name)[engine])
        for name in ("issue", "retire") for engine in Engine
    ]
    found = []
    for name, simulated, measured in pairs:
        sides = [cycles[(cycles >= 0) & (cycles <= time.cycles)].tolist() for cycles in (simulated, measured)]
        if sides[0] != sides[1]:
            found.append(f"{name}: simulator {sides[0]}, RTL {sides[1]}")
    return found


def _stored(instructions: Sequence[Instruction]) -> npt.NDArray[np.bool_]:
    """Return bool[MEMORY_BYTES], where a store can write: between its lowest and its highest address."""
    reached = np.zeros(MEMORY_BYTES, np.bool_)
    for store in instructions:
        if store.opcode is not Opcode.STORE:
            continue
        span = sum((store[f"count{axis}"] - 1) * store[f"memory_stride{axis}"] for axis in (1, 2, 3))
        end = store["memory_address"] + span + store["words"] * store["window_bytes"]
        first = 0 if end > 1 << 32 else store["memory_address"]  # addresses wrap
        reached[min(first, MEMORY_BYTES) : end] = True
    return reached
