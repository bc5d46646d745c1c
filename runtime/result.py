"""What a run gives, and the backends that can run a program."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from machine.errors import SimulationError
from machine.isa import Engine
from machine.program import Program
from machine.registers import ENGINE_STATES, Status
from runtime.accounts import EngineAccount

AnyArray = npt.NDArray[Any]


class Backend(StrEnum):
    """What executes a program."""

    SIM = "sim"
    RTL = "rtl"
    REFERENCE = "reference"
    CPU = "cpu"
    GPU = "gpu"
    BOARD = "board"


@dataclass
class RunResult:
    """What a run gives.

    Attributes:
        backend: which backend ran.
        samples: how many samples ran (0 with time only): those of a batch at once, the batches one after another.
        batch: samples that the program takes at once; the last batch is padded with its last sample.
        outputs: the model's outputs by name, samples along axis 0; of a kernel `memory`, its memory at the end,
            uint8[memory bytes]; empty with time only.
        integers: the accelerator's int8 outputs by tensor name; empty for the CPU backend and with time only.
        cycles: cycles of all segments for one batch, the host's time left out; None where the backend has no clock.
        segment_cycles: those of each segment.
        utilization: MACs / (rows x columns x cycles).
        counters: cycles by engine and state, of all segments together.
        accounts: where each cycle of the matrix and the vector engine went, by layer; empty but for the simulator's
            time, since the hardware counts states only.
        simulation_seconds: wall time of the execution proper: without loading, host operators, and the compilation or
            build of the simulator itself.
    """

    backend: Backend
    samples: int = 0
    outputs: dict[str, AnyArray] = field(default_factory=dict)
    integers: dict[str, AnyArray] = field(default_factory=dict)
    batch: int = 1
    cycles: int | None = None
    segment_cycles: list[int] = field(default_factory=list)
    bound_cycles: int | None = None
    utilization: float | None = None
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    accounts: dict[Engine, EngineAccount] = field(default_factory=dict)
    simulation_seconds: float = 0.0

    @property
    def cycles_per_sample(self) -> float | None:
        """Cycles of a full batch over its samples; None where the backend has no clock."""
        return None if self.cycles is None else self.cycles / self.batch

    def set_time(self, program: Program, segments: list[SegmentEnd]) -> None:
        """Take the time of one batch: how each of a program's segments ended.

        Raises:
            SimulationError: the status of one is an error.
        """
        for index, segment in enumerate(segments):
            if segment.status is not Status.DONE:
                place = f" of segment {index}" if len(segments) > 1 else ""
                raise SimulationError(
                    f"the program halted with {segment.status.name.lower()} in cycle {segment.cycles}{place}"
                )
        self.segment_cycles = [segment.cycles for segment in segments]
        self.cycles, self.batch, self.bound_cycles = sum(self.segment_cycles), program.batch, program.bound_cycles
        size = program.machine.rows * program.machine.columns
        self.utilization = program.macs / (size * self.cycles) if self.cycles else 0.0
        counted = [segment.counters for segment in segments]
        if counted:
            self.counters = counter_table(np.sum(counted, axis=0))

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of `tpukit run --json`."""
        return {
            "backend": self.backend.value,
            "samples": self.samples,
            "batch": self.batch,
            "cycles": self.cycles,
            "cycles_per_sample": self.cycles_per_sample,
            "segments": [{"cycles": cycles} for cycles in self.segment_cycles],
            "bound_cycles": self.bound_cycles,
            "utilization": self.utilization,
            "counters": self.counters,
            "accounts": {engine.name.lower(): account.to_dict() for engine, account in self.accounts.items()},
            "simulation_seconds": self.simulation_seconds,
            "outputs": {name: {"shape": list(a.shape), "dtype": a.dtype.name} for name, a in self.outputs.items()},
        }


class HardwareRun(Protocol):
    """What a segment's run gives on hardware, simulated or not.

    Attributes:
        status: value of STATUS at the end.
        cycles: value of CYCLES.
        counters: cycles of each engine in each state, int64[engine, state].
        memory: memory after the run, uint8[memory bytes].
        seconds: wall time of the run itself.
    """

    @property
    def status(self) -> Status: ...  # noqa: D102
    @property
    def cycles(self) -> int: ...  # noqa: D102
    @property
    def counters(self) -> npt.NDArray[np.int64]: ...  # noqa: D102
    @property
    def memory(self) -> npt.NDArray[np.uint8]: ...  # noqa: D102
    @property
    def seconds(self) -> float: ...  # noqa: D102


@dataclass(frozen=True)
class SegmentEnd:
    """How a segment ended on either machine: status, last cycle, cycles int64[engine, state]."""

    status: Status
    cycles: int
    counters: npt.NDArray[np.int64]


def counter_table(counters: npt.NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Name the counters int64[engine, state]: cycles by engine and by each state that the engine can be in."""
    return {
        engine.name.lower(): {state.name.lower(): int(counters[engine, state]) for state in ENGINE_STATES[engine]}
        for engine in Engine
    }
