"""Run a program: inputs in the model's own types to outputs, on a backend of choice, with the time that it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accel_sim.function import execute
from compiler.graph import Graph, Op
from compiler.importer.float_session import take_samples
from compiler.passes.legality import verify_quantized
from machine.errors import DataError, ProgramError
from machine.program import Program, Segment
from machine.progress import during, steps
from runtime.accounts import engine_accounts
from runtime.arrays import check_inputs
from runtime.board.driver import Driver
from runtime.cpu import BATCH as FLOAT_BATCH
from runtime.cpu import run_float
from runtime.host import run_host
from runtime.reference import ReferenceBackend
from runtime.result import Backend, HardwareRun, RunResult, SegmentEnd
from runtime.timing import prepare_simulator, program_times

__all__ = ["Backend", "RunResult", "Session"]

AnyArray = npt.NDArray[Any]
SegmentRun = Callable[[Segment, Mapping[str, AnyArray]], dict[str, AnyArray]]
"""Runs a segment's int8 inputs by tensor name to its int8 outputs."""
Hardware = Callable[[Program, Segment, npt.NDArray[np.uint8]], HardwareRun]
"""Runs a segment of a program on hardware from a memory image: uint8[memory bytes]."""
BATCH_BYTES = 256 << 20
"""Memory that the samples evaluated together by the function simulator may take."""


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
        if self._graph is not None and any(not part.inputs or not part.outputs for part in program.segments):
            raise ProgramError("the program holds a model, but a segment of the accelerator takes or gives nothing")

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
        if backend is Backend.BOARD:
            raise DataError("a board needs a driver of its bus: Session.run_on_board(driver, inputs), docs/board.md")
        if backend is Backend.RTL:
            from runtime.rtl import run_on_rtl  # Verilator is optional

            return self._run_hardware(RunResult(backend), run_on_rtl, inputs, with_function)
        if self.is_kernel:
            return self._run_kernel(inputs, backend, with_time, with_function)
        if backend in (Backend.REFERENCE, Backend.CPU, Backend.GPU) and not with_function:
            raise DataError(f"the {backend} backend has no clock; --time-only goes with sim and rtl")
        values = self._inputs(inputs) if with_function else {}
        if backend is Backend.CPU:
            return self._run_cpu(values)
        result = RunResult(backend)
        if backend is Backend.REFERENCE:
            self._run_reference(result, values)
            return result
        if backend is Backend.GPU:
            self._run_gpu(result, values)
            return result
        if with_time:
            self._add_time(result)
        if with_function:
            self._run_simulator(result, values)
        return result

    def run_on_board(
        self, driver: Driver, inputs: Mapping[str, AnyArray] | None = None, *, with_function: bool = True
    ) -> RunResult:
        """Run samples of the model's inputs, or a kernel, on the hardware behind a driver (docs/board.md).

        Raises:
            DataError: inputs that the model does not take.
            SimulationError: the program ended with an error status.
            ToolError: the hardware is not the program's machine, its memory is too small, or it did not end in time.
        """
        return self._run_hardware(RunResult(Backend.BOARD), driver.run_segment, inputs, with_function)

    def _check_no_inputs(self, inputs: Mapping[str, AnyArray] | None) -> None:
        if inputs is not None:
            raise DataError("this program is a kernel: it holds no model and takes no inputs")

    def _run_kernel(
        self, inputs: Mapping[str, AnyArray] | None, backend: Backend, with_time: bool, with_function: bool
    ) -> RunResult:
        """Run a kernel on the simulator from its own memory image."""
        if backend is not Backend.SIM:
            raise DataError(f"the {backend} backend runs models and this program is a kernel; sim and rtl run kernels")
        self._check_no_inputs(inputs)
        result = RunResult(backend)
        if with_time:
            self._add_time(result)
        if with_function:
            memory = self.blank_image()
            begin = time.perf_counter()
            for segment in self.program.segments:
                execute(self.program.machine, segment.instructions, memory[None])
            result.simulation_seconds += time.perf_counter() - begin
            result.samples, result.outputs = 1, {"memory": memory}
        return result

    def _inputs(self, inputs: Mapping[str, AnyArray] | None) -> dict[str, AnyArray]:
        arrays = dict(inputs or {})
        check_inputs(self.graph, arrays)
        return arrays

    def _add_time(self, result: RunResult) -> None:
        prepare_simulator()
        begin = time.perf_counter()
        with during("simulating time"):
            timings = list(program_times(self.program))
        result.simulation_seconds += time.perf_counter() - begin
        result.set_time(self.program, [SegmentEnd(each.status, each.cycles, each.counters) for each in timings])
        result.accounts = engine_accounts(self.program, timings)

    def run_segments(self, values: Mapping[str, AnyArray], run: SegmentRun) -> dict[str, AnyArray]:
        """Run the host's operators and, through `run`, the segments, each as soon as its inputs are known.

        Returns all values known afterwards, by tensor name.

        Raises:
            ProgramError: an input of a segment is not computed before it.
        """
        known = run_host(self.graph, values)
        for segment in self.program.segments:
            made = run(segment, self._take(known, [entry.tensor for entry in segment.inputs]))
            known = run_host(self.graph, {**known, **made})
        return known

    def memory_images(self, segment: Segment, integers: Mapping[str, AnyArray]) -> npt.NDArray[np.uint8]:
        """Lay the program's image and a segment's int8 inputs out in memory: uint8[batches, memory bytes].

        The last batch is padded with its last sample.
        """
        program = self.program
        samples = len(next(iter(integers.values()))) if integers else 1
        runs = -(-samples // program.batch)
        taken = np.minimum(np.arange(runs * program.batch), samples - 1)
        memory = np.repeat(self.blank_image()[None], runs, axis=0)
        for entry in segment.inputs:
            data = np.ascontiguousarray(integers[entry.tensor][taken]).view(np.uint8).reshape(runs, -1)
            memory[:, entry.address : entry.address + entry.size_bytes] = data
        return memory

    @staticmethod
    def read_outputs(segment: Segment, memory: npt.NDArray[np.uint8]) -> dict[str, AnyArray]:
        """Take a segment's int8 outputs out of memory images: int8[batches * batch, ...] by tensor name."""
        return {
            entry.tensor: memory[:, entry.address : entry.address + entry.size_bytes]
            .view(np.int8).reshape(len(memory) * entry.shape[0], *entry.shape[1:]).copy()
            for entry in segment.outputs
        }

    def execute_function(self, segment: Segment, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Run a segment's int8 inputs (any number of samples) through the function simulator."""
        samples = len(next(iter(integers.values())))
        runs = max(1, BATCH_BYTES // (self.program.memory_bytes + 4 * self.program.machine.scratchpad_bytes))
        chunk = runs * self.program.batch
        parts = []
        starts = range(0, samples, chunk)
        for start in steps("simulating", starts, len(starts)):
            memory = self.memory_images(segment, {name: a[start : start + chunk] for name, a in integers.items()})
            execute(self.program.machine, segment.instructions, memory)
            parts.append(self.read_outputs(segment, memory))
        return {name: np.concatenate([part[name] for part in parts])[:samples] for name in parts[0]}

    def _finish(self, result: RunResult, values: Mapping[str, AnyArray], known: Mapping[str, AnyArray]) -> None:
        result.samples = check_inputs(self.graph, values)
        result.integers = self._take(known, [entry.tensor for entry in self.program.outputs])
        result.outputs = self._take(known, self.graph.outputs)

    def _take(self, known: Mapping[str, AnyArray], names: Sequence[str]) -> dict[str, AnyArray]:
        """Return the named arrays.

        Raises:
            ProgramError: the program does not compute them, so its parts contradict each other.
        """
        missing = [name for name in names if name not in known]
        if missing:
            raise ProgramError(f"the program does not compute {missing[0]!r}")
        return {name: known[name] for name in names}

    def _run_cpu(self, values: dict[str, AnyArray]) -> RunResult:
        if not self.program.model:
            raise ProgramError("this program holds no ONNX model, which is what the cpu backend runs")
        result = RunResult(Backend.CPU, samples=check_inputs(self.graph, values))
        begin = time.perf_counter()
        result.outputs = run_float(self.program.model, values, self._float_samples_at_once)
        result.simulation_seconds = time.perf_counter() - begin
        return result

    @property
    def _float_samples_at_once(self) -> int:
        """Samples that the float model may take together: one where an operator may mix them."""
        return 1 if any(node.op is Op.ONNX for node in self.graph.nodes()) else FLOAT_BATCH

    def _run_reference(self, result: RunResult, values: dict[str, AnyArray]) -> None:
        begin = time.perf_counter()
        known = ReferenceBackend().run(self.graph, values, self._computed)
        result.simulation_seconds = time.perf_counter() - begin
        self._finish(result, values, known)

    def _run_gpu(self, result: RunResult, values: dict[str, AnyArray]) -> None:
        from runtime.gpu import run_quantized  # PyTorch is optional

        known, seconds = run_quantized(self.graph, values, self._computed)
        result.simulation_seconds = seconds.device
        self._finish(result, values, known)

    @property
    def _computed(self) -> tuple[str, ...]:
        """The tensors that a run is asked for: the accelerator's outputs and the model's, each once."""
        return tuple(dict.fromkeys([*(entry.tensor for entry in self.program.outputs), *self.graph.outputs]))

    def _run_simulator(self, result: RunResult, values: dict[str, AnyArray]) -> None:

        def run(segment: Segment, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
            begin = time.perf_counter()
            made = self.execute_function(segment, integers)
            result.simulation_seconds += time.perf_counter() - begin
            return made

        self._finish(result, values, self.run_segments(values, run))

    def _run_hardware(
        self, result: RunResult, hardware: Hardware, inputs: Mapping[str, AnyArray] | None, with_function: bool
    ) -> RunResult:
        """Run a model or a kernel, segment after segment, on something that has the machine's registers."""
        ends: list[SegmentEnd] = []

        def on_hardware(segment: Segment, image: npt.NDArray[np.uint8]) -> tuple[SegmentEnd, npt.NDArray[np.uint8]]:
            run = hardware(self.program, segment, image)
            result.simulation_seconds += run.seconds
            return SegmentEnd(run.status, run.cycles, run.counters), run.memory

        def run(segment: Segment, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
            images, parts = self.memory_images(segment, integers), []
            for image in steps(f"running on the {result.backend}", images, len(images)):
                end, memory = on_hardware(segment, image)
                parts.append(self.read_outputs(segment, memory[None]))
            ends.append(end)
            samples = len(next(iter(integers.values())))
            return {name: np.concatenate([part[name] for part in parts])[:samples] for name in parts[0]}

        if self.is_kernel:
            self._check_no_inputs(inputs)
            memory = self.blank_image()
            for segment in self.program.segments:
                end, memory = on_hardware(segment, memory)
                ends.append(end)
            if with_function:
                result.samples, result.outputs = 1, {"memory": memory}
        elif with_function:
            values = self._inputs(inputs)
            self._finish(result, values, self.run_segments(values, run))
        else:
            ends = [on_hardware(segment, self.blank_image())[0] for segment in self.program.segments]
        result.set_time(self.program, ends)
        return result

    def blank_image(self) -> npt.NDArray[np.uint8]:
        """Return the program's memory before any input is written: uint8[memory bytes]."""
        memory = np.zeros(self.program.memory_bytes, np.uint8)
        memory[: self.program.image.size] = self.program.image
        return memory

    def first_images(self, inputs: Mapping[str, AnyArray]) -> list[npt.NDArray[np.uint8]]:
        """Return the memory in which each segment begins, with the first batch of the inputs: uint8[memory bytes]."""
        values = {
            name: take_samples(self.graph, name, array, 0, self.program.batch)
            for name, array in self._inputs(inputs).items()
        }
        images: list[npt.NDArray[np.uint8]] = []

        def run(segment: Segment, integers: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
            images.append(self.memory_images(segment, integers)[0])
            return self.execute_function(segment, integers)

        self.run_segments(values, run)
        return images
