"""One kernel executed: its results and whether they are what is expected, its profile, the same on the RTL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.time import Clock
from compiler.kernel import Kernel, Output
from machine.isa import Instruction
from machine.sections import Work, bus_bytes_per_cycle, read_cycles, work_of, write_cycles
from runtime.cosim import CosimResult, cosimulate
from runtime.profile import NetworkProfile, profile_program
from runtime.session import Session
from runtime.timing import prepare_simulator

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True)
class Check:
    """A result held against what is expected: how many values differ and what the first is; None: nothing is expected.
    """

    output: Output
    values: AnyArray
    differing: int | None
    first: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {
            "name": self.output.name, "dtype": self.values.dtype.name, "shape": list(self.values.shape),
            "differing": self.differing, "first_difference": self.first,
        }


@dataclass(frozen=True)
class Roofline:
    """What bounds a kernel: the least cycles that its work takes of each resource, "array", "vector", "read", "write".

    `ridge` is the arithmetic intensity, in MACs a byte on the bus, below which the bus is slower than the array, though
    it read and wrote in every cycle.
    """

    work: Work
    cycles: dict[str, int]
    ridge: float

    @property
    def bound(self) -> str:
        """The resource that takes most."""
        return max(self.cycles, key=lambda resource: self.cycles[resource])

    @property
    def bound_cycles(self) -> int:
        """What it takes."""
        return self.cycles[self.bound]

    @property
    def intensity(self) -> float | None:
        """MACs for each byte that load, weights and store move; None where they move nothing."""
        moved = self.work.read_bytes + self.work.write_bytes
        return self.work.macs / moved if moved else None

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {
            "macs": self.work.macs, "read_bytes": self.work.read_bytes, "write_bytes": self.work.write_bytes,
            "intensity": self.intensity, "ridge": self.ridge, "cycles": self.cycles, "bound": self.bound,
        }


@dataclass(frozen=True, eq=False)
class KernelRun:
    """What a run of a kernel gave; `cosim` is None where it did not run on the RTL."""

    kernel: Kernel
    profile: NetworkProfile
    memory: npt.NDArray[np.uint8]
    checks: tuple[Check, ...]
    roofline: Roofline
    cosim: CosimResult | None

    @property
    def cycles(self) -> int:
        """The machine's cycles."""
        return self.profile.total.total_cycles

    @property
    def is_right(self) -> bool:
        """Whether every result is what is expected, and the RTL did the same."""
        return not any(check.differing for check in self.checks) and (self.cosim is None or self.cosim.equal)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {
            "name": self.kernel.name,
            "cycles": self.cycles,
            "roofline": self.roofline.to_dict(),
            "outputs": [check.to_dict() for check in self.checks],
            "rtl": None if self.cosim is None else self.cosim.to_dict(),
            "profile": self.profile.to_dict(),
        }


def run_kernel(kernel: Kernel, *, rtl: bool = False, max_cycles: int) -> KernelRun:
    """Run a kernel on the simulator, and on the RTL if asked.

    Raises:
        SimulationError: it has not ended after `max_cycles`.
        ToolError: the RTL cannot be built or run.
    """
    session = Session(kernel.program)
    profile = profile_program(kernel.program, max_cycles)
    memory = session.run(with_time=False).outputs["memory"]
    cosim = None
    if rtl:
        prepare_simulator(Clock.STEPPER)
        cosim = cosimulate(session)
    checks = tuple(_check(output, output.read(memory)) for output in kernel.outputs)
    return KernelRun(kernel, profile, memory, checks, roofline_of(kernel), cosim)


def _check(output: Output, values: AnyArray) -> Check:
    if output.expected is None:
        return Check(output, values, None)
    wrong = np.argwhere(values != output.expected)
    if not len(wrong):
        return Check(output, values, 0)
    place = tuple(int(index) for index in wrong[0])
    text = f"the first at {list(place)}: {values[place]}, expected {output.expected[place]}"
    return Check(output, values, len(wrong), text)


def roofline_of(kernel: Kernel) -> Roofline:
    """Return what bounds a kernel, fetching its instructions left out; cycles are rounded section by section."""
    machine, program = kernel.program.machine, kernel.program
    members: dict[int, list[Instruction]] = {}
    for instruction, node in zip(program.instructions, program.instruction_nodes, strict=True):
        members.setdefault(node, []).append(instruction)
    parts = [work_of(machine, part) for part in members.values()]
    work = sum(parts, Work())
    cycles = {
        "array": work.matrix_cycles, "vector": work.vector_cycles,
        "read": sum(read_cycles(machine, part.read_bytes) for part in parts),
        "write": sum(write_cycles(machine, part.write_bytes) for part in parts),
    }
    return Roofline(work, cycles, machine.rows * machine.columns / bus_bytes_per_cycle(machine))
