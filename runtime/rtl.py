"""The RTL backend: a program on the Verilated machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from machine.program import Program, Segment
from rtl.run import RtlResult, run_program
from runtime.timing import segment_time

MAX_CYCLES = 1 << 40


def run_on_rtl(
    program: Program, segment: Segment, memory: npt.NDArray[np.uint8], waves: Path | None = None,
    max_cycles: int = MAX_CYCLES, expected_cycles: int | None = None,
) -> RtlResult:
    """Run a segment of a program on the Verilated RTL from a memory image: uint8[memory bytes].

    `expected_cycles` is the simulator's count, for the estimate before a long run and its progress; where it is not
    given it is simulated here.

    Raises:
        ToolError: no Verilator or C++ compiler, or the run went past `max_cycles`.
    """
    if expected_cycles is None:
        expected_cycles = segment_time(program, segment, max_cycles=MAX_CYCLES).cycles
    return run_program(
        program.machine, memory, program_address=segment.program_address,
        program_length=len(segment.instructions), memory_limit=program.memory_bytes,
        waves=waves, max_cycles=max_cycles, expected_cycles=expected_cycles,
    )
