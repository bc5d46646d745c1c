"""Run a program: inputs in the model's own types to outputs, on a backend of choice, with the time that it takes."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.function import execute
from accel_sim.time import Clock, simulate_time
from compiler.graph import Graph
from compiler.passes.legality import verify_quantized
from machine.config import load_machine
from machine.errors import DataError, ProgramError, SimulationError
from machine.isa import Engine, Opcode, make
from machine.program import Program
from machine.progress import during, steps
from machine.registers import ENGINE_STATES, Status
from runtime.accounts import EngineAccount, engine_accounts
from runtime.arrays import check_inputs
from runtime.cpu import run_float
from runtime.host import run_host
from runtime.reference import BATCH, ReferenceBackend, integer_inputs

AnyArray = npt.NDArray[Any]
BATCH_BYTES = 256 << 20
"""Memory that the samples evaluated together by the function simulator may take."""


class Backend(StrEnum):
    """What executes a program."""

    SIM = "sim"
    RTL = "rtl"
    REFERENCE = "reference"
    CPU = "cpu"


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
        cycles: cycles of the program for one batch; None where the backend has no clock.
        utilization: MACs / (rows x columns x cycles).
        counters: cycles by engine and state.
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
    bound_cycles: int | None = None
    utilization: float | None = None
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    accounts: dict[Engine, EngineAccount] = field(default_factory=dict)
    simulation_seconds: float = 0.0

    @property
    def cycles_per_sample(self) -> float | None:
        """Cycles of a full batch over its samples; None where the backend has no clock."""
        return None if self.cycles is None else self.cycles / self.batch

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of `tpukit run --json`."""
        return {
            "backend": self.backend.value,
            "samples": self.samples,
            "batch": self.batch,
            "cycles": self.cycles,
            "cycles_per_sample": self.cycles_per_sample,
            "bound_cycles": self.bound_cycles,
            "utilization": self.utilization,
            "counters": self.counters,
            "accounts": {engine.name.lower(): account.to_dict() for engine, account in self.accounts.items()},
            "simulation_seconds": self.simulation_seconds,
            "outputs": {name: {"shape": list(a.shape), "dtype": a.dtype.name} for name, a in self.outputs.items()},
        }


def counter_table(counters: npt.NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Name the counters int64[engine, state]: cycles by engine and by each state that the engine can be in."""
    return {
        engine.name.lower(): {state.name.lower(): int(counters[engine, state]) for state in ENGINE_STATES[engine]}
        for engine in Engine
    }


@functools.cache
def prepare_simulator(clock: Clock = Clock.EVENTS) -> None:
    """Compile a model of time, or load it from the cache, so that measured runs do not begin with that."""
    simulate_time(load_machine("nano4"), [make(Opcode.HALT)], clock=clock)


class Session:
    """A loaded program, ready to run."""

    def __init__(self, program: Program) -> None:
        """Take a program; its embedded graph, if any, is rebuilt and verified.

        Raises:
            ModelError: the graph is not sound.
            ProgramError: the accelerator's inputs and outputs are not tensors of the graph.
        """
        self.program = program
        self._graph = None if program.graph is None else Graph.from_dict(*program.graph)
        if self._graph is not None:
            verify_quantized(self._graph)
        for entry in (*program.inputs, *program.outputs):
            tensor = None if self._graph is None else self._graph.tensors.get(entry.tensor)
            expected = None if tensor is None else (tensor.dtype, (program.batch, *tensor.shape[1:]))
            if expected != ("int8", entry.shape):
                raise ProgramError(f"tensor {entry.tensor!r}, int8{list(entry.shape)}, is not in the program's graph")

    @property
    def graph(self) -> Graph:
        """The quantized graph.

        Raises:
            ProgramError: the program is a kernel and holds no graph.
        """
        if self._graph is None:
            raise ProgramError("this program is a kernel: it holds no model and takes no inputs")
        return self._graph

    @property
    def is_kernel(self) -> bool:
        """Whether the program is written by hand: no model, no inputs, its memory is what it gives."""
        return self._graph is None

    def run(
        self,
        inputs: Mapping[str, AnyArray] | None = None,
        backend: Backend = Backend.SIM,
        *,
        with_time: bool = True,
        with_function: bool = True,
    ) -> RunResult:
        """Run samples of the model's inputs; without function, and for a kernel, no inputs are needed.

        Raises:
            DataError: inputs that the model does not take, or a backend that does not give what is asked for.
            SimulationError: the program ended with an error status.
        """
        if not with_time and not with_function:
            raise DataError("a run gives time, values or both; neither was asked for")
        if backend is Backend.RTL and not with_time:
            raise DataError("the rtl backend always has time; --function-only goes with the other backends")
        if self.is_kernel:
            return self._run_kernel(inputs, backend, with_time, with_function)
        if backend is Backend.RTL:
            return self._run_rtl(inputs, with_function)
        if backend in (Backend.REFERENCE, Backend.CPU) and not with_function:
            raise DataError(f"the {backend} backend has no clock; --time-only goes with sim and rtl")
        values = self._inputs(inputs) if with_function else {}
        if backend is Backend.CPU:
            return self._run_cpu(values)
        result = RunResult(backend)
        if backend is Backend.REFERENCE:
            self._run_reference(result, values)
            return result
        if with_time:
            self._add_time(result)
        if with_function:
            integers = self.quantized_inputs(values)
            begin = time.perf_counter()
            result.integers = self.execute_function(integers)
            result.simulation_seconds += time.perf_counter() - begin
            self._finish(result, values)
        return result

    def _run_kernel(
        self, inputs: Mapping[str, AnyArray] | None, backend: Backend, with_time: bool, with_function: bool
    ) -> RunResult:
        """Run a kernel from its own memory image."""
        if backend not in (Backend.SIM, Backend.RTL):
            raise DataError(f"the {backend} backend runs models and this program is a kernel; sim and rtl run kernels")
        if inputs is not None:
            raise DataError("this program is a kernel: it holds no model and takes no inputs")
        result, memory = RunResult(backend), self.blank_image()
        if backend is Backend.RTL:
            memory = self._add_rtl(result, memory)
        else:
            if with_time:
                self._add_time(result)
            if with_function:
                begin = time.perf_counter()
                execute(self.program.machine, self.program.instructions, memory[None])
                result.simulation_seconds += time.perf_counter() - begin
        if with_function:
            result.samples, result.outputs = 1, {"memory": memory}
        return result

    def _inputs(self, inputs: Mapping[str, AnyArray] | None) -> dict[str, AnyArray]:
        arrays = dict(inputs or {})
        check_inputs(self.graph, arrays)
        return arrays

    def _add_time(self, result: RunResult) -> None:
        program = self.program
        prepare_simulator()
        begin = time.perf_counter()
        with during("simulating time"):
            timing = simulate_time(
                program.machine, program.code, program_address=program.program_address,
                memory_limit=program.memory_bytes, groups=program.instruction_nodes,
            )
        result.simulation_seconds += time.perf_counter() - begin
        self.add_timing(result, timing.status, timing.cycles, timing.counters)
        result.accounts = engine_accounts(program, timing)

    def add_timing(self, result: RunResult, status: Status, cycles: int, counters: npt.NDArray[np.int64]) -> None:
        """Put a machine's status, cycles and counters into a result.

        Raises:
            SimulationError: the status is an error.
        """
        if status is not Status.DONE:
            raise SimulationError(f"the program halted with {status.name.lower()} in cycle {cycles}")
        machine = self.program.machine
        result.cycles, result.batch = cycles, self.program.batch
        result.bound_cycles = self.program.bound_cycles
        result.utilization = self.program.macs / (machine.rows * machine.columns * cycles)
        result.counters = counter_table(counters)

    def quantized_inputs(self, values: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run the host's part before the accelerator: int8 arrays by tensor name."""
        known = run_host(self.graph, values)
        return self._take(known, [entry.tensor for entry in self.program.inputs])

    def memory_images(self, integers: Mapping[str, AnyArray]) -> npt.NDArray[np.uint8]:
        """Lay the program's image and its int8 inputs out in memory: uint8[batches, memory bytes].

        The last batch is padded with its last sample.
        """
        program = self.program
        samples = len(next(iter(integers.values()))) if integers else 1
        runs = -(-samples // program.batch)
        taken = np.minimum(np.arange(runs * program.batch), samples - 1)
        memory = np.repeat(self.blank_image()[None], runs, axis=0)
        for entry in program.inputs:
            data = np.ascontiguousarray(integers[entry.tensor][taken]).view(np.uint8).reshape(runs, -1)
            memory[:, entry.address : entry.address + entry.size_bytes] = data
        return memory

    def read_outputs(self, memory: npt.NDArray[np.uint8]) -> dict[str, AnyArray]:
        """Take the int8 outputs out of memory images: int8[batches * batch, ...] by tensor name."""
        return {
            entry.tensor: memory[:, entry.address : entry.address + entry.size_bytes]
            .view(np.int8).reshape(len(memory) * entry.shape[0], *entry.shape[1:]).copy()
            for entry in self.program.outputs
        }

    def execute_function(self, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run int8 inputs (any number of samples) through the function simulator."""
        samples = len(next(iter(integers.values())))
        runs = max(1, BATCH_BYTES // (self.program.memory_bytes + 4 * self.program.machine.scratchpad_bytes))
        chunk = runs * self.program.batch
        parts = []
        starts = range(0, samples, chunk)
        for start in steps("simulating", starts, len(starts)):
            memory = self.memory_images({name: array[start : start + chunk] for name, array in integers.items()})
            execute(self.program.machine, self.program.instructions, memory)
            parts.append(self.read_outputs(memory))
        return {name: np.concatenate([part[name] for part in parts])[:samples] for name in parts[0]}

    def _finish(self, result: RunResult, values: Mapping[str, AnyArray]) -> None:
        result.samples = len(next(iter(values.values())))
        known = run_host(self.graph, {**values, **result.integers})
        result.outputs = self._take(known, self.graph.outputs)

    def _take(self, known: Mapping[str, AnyArray], names: Sequence[str]) -> dict[str, AnyArray]:
        """Return the named arrays.

        Raises:
            ProgramError: the program does not compute them, so its parts contradict each other.
        """
        missing = [name for name in names if name not in known]
        if missing:
            raise ProgramError(f"the program does not compute {missing[0]!r}")
        if not names:
            raise ProgramError("the program holds a model, but the accelerator takes no inputs")
        return {name: known[name] for name in names}

    def _run_cpu(self, values: dict[str, AnyArray]) -> RunResult:
        if not self.program.model:
            raise ProgramError("this program holds no ONNX model, which is what the cpu backend runs")
        result = RunResult(Backend.CPU, samples=len(next(iter(values.values()))))
        begin = time.perf_counter()
        result.outputs = run_float(self.program.model, values)
        result.simulation_seconds = time.perf_counter() - begin
        return result

    def _run_reference(self, result: RunResult, values: dict[str, AnyArray]) -> None:
        known = run_host(self.graph, values)
        inputs = self._take(known, integer_inputs(self.graph))
        begin = time.perf_counter()
        parts = []
        for start in range(0, len(next(iter(values.values()))), BATCH):
            chunk = {name: array[start : start + BATCH] for name, array in inputs.items()}
            parts.append(ReferenceBackend().run_integers(self.graph, chunk, all_tensors=True))
        names = [entry.tensor for entry in self.program.outputs]
        result.integers = {name: np.concatenate([part[name] for part in parts]) for name in names}
        result.simulation_seconds = time.perf_counter() - begin
        self._finish(result, values)

    def _run_rtl(self, inputs: Mapping[str, AnyArray] | None, with_function: bool) -> RunResult:
        result = RunResult(Backend.RTL)
        values = self._inputs(inputs) if with_function else {}
        images = self.memory_images(self.quantized_inputs(values)) if with_function else self.blank_image()[None]
        parts = []
        for image in steps("simulating the RTL", images, len(images)):
            parts.append(self.read_outputs(self._add_rtl(result, image)[None]))
        if with_function:
            samples = len(next(iter(values.values())))
            result.integers = {name: np.concatenate([part[name] for part in parts])[:samples] for name in parts[0]}
            self._finish(result, values)
        return result

    def _add_rtl(self, result: RunResult, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Run one memory image on the RTL, put its time into a result and return the memory at the end."""
        from runtime.rtl import run_on_rtl  # Verilator is optional

        rtl = run_on_rtl(self.program, image)
        self.add_timing(result, rtl.status, rtl.cycles, rtl.counters)
        result.simulation_seconds += rtl.seconds
        return rtl.memory

    def blank_image(self) -> npt.NDArray[np.uint8]:
        """Return the program's memory before any input is written: uint8[memory bytes]."""
        memory = np.zeros(self.program.memory_bytes, np.uint8)
        memory[: self.program.image.size] = self.program.image
        return memory

    def first_image(self, inputs: Mapping[str, AnyArray]) -> npt.NDArray[np.uint8]:
        """Return the memory with the first batch of the inputs: uint8[memory bytes]."""
        values = {name: array[: self.program.batch] for name, array in self._inputs(inputs).items()}
        image: npt.NDArray[np.uint8] = self.memory_images(self.quantized_inputs(values))[0]
        return image
