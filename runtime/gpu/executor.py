"""A graph prepared for a PyTorch device, and run: stretches of the device, and nodes of the host between them.

Arrays hold any number of samples, as `compiler.importer.float_session` describes them. `onnx` nodes, and in a quantized
graph whatever the host executes in float, run by ONNX Runtime (`runtime.host`) as on every other backend; conversions
between float and int8 are done on the device. A value lies where it was made, and is moved when somebody else reads it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from compiler.graph import CONVERSIONS, Graph, Node, Op, is_on_host
from compiler.importer.float_session import is_independent, rows_of, take_samples
from machine.errors import ModelError
from runtime.arrays import check_inputs
from runtime.gpu.device import device_errors, open_device
from runtime.gpu.float_operators import FLOAT
from runtime.gpu.integer_operators import INTEGER
from runtime.gpu.setup import Setup, Step
from runtime.host import execute_on_host

AnyArray = npt.NDArray[Any]
BATCH = 64
"""Samples that `run_quantized` executes together."""
Value = Tensor | AnyArray
"""A tensor on the device, or an array of the host."""


@dataclass(frozen=True)
class RunSeconds:
    """What a run took: the device's stretches, by its own clock, and the host's nodes with their transfers."""

    device: float
    host: float


@dataclass(frozen=True)
class _Prepared:
    """A node, and how the device computes it; None where the host does."""

    node: Node
    step: Step | None
    together: bool

    @property
    def on_host(self) -> bool:
        return self.step is None


class DeviceGraph:
    """A float or a quantized graph with its constants on a device."""

    def __init__(
        self, graph: Graph, device: torch.device, dtype: torch.dtype = torch.float32, quantized: bool = False
    ) -> None:
        """Prepare every node; `dtype` is the type in which float32 tensors are computed.

        Of a quantized graph the host executes what it would beside the accelerator.

        Raises:
            ModelError: a node is of no operator that the device or the host executes.
            DataError: the constants do not fit the device's memory.
        """
        self.graph, self.device, self.dtype = graph, device, dtype
        self._quantized = quantized
        self._setup = Setup(graph, device, dtype)
        with device_errors(device), exact_float32():
            prepared = [self._prepare(node) for node in graph.nodes()]
        self._stretches = [(on_host, tuple(nodes)) for on_host, nodes in groupby(prepared, lambda each: each.on_host)]
        self._freed = self._last_reads()

    @property
    def has_host_nodes(self) -> bool:
        """Whether the host executes any node."""
        return any(on_host for on_host, _ in self._stretches)

    def upload(self, inputs: Mapping[str, AnyArray]) -> dict[str, Value]:
        """Put input arrays where they are read first: on the device, unless only host nodes read them.

        Raises:
            DataError: inputs that the graph does not take, or that do not fit the device's memory.
        """
        check_inputs(self.graph, inputs)
        hosted = {each.node.name for on_host, nodes in self._stretches if on_host for each in nodes}
        with device_errors(self.device):
            return {
                name: array if self._only_read_by(name, hosted) else self._setup.upload(array)
                for name, array in inputs.items()
            }

    def run(self, values: Mapping[str, Value]) -> tuple[dict[str, Value], RunSeconds]:
        """Run uploaded inputs: the graph's outputs by name, and what it took.

        Raises:
            DataError: the device runs out of memory, or ONNX Runtime refuses the values of a host node.
        """
        known, clock = dict(values), _Clock(self.device)
        samples = next((len(known[name]) // rows_of(self.graph.tensors[name]) for name in self.graph.inputs), 1)
        with device_errors(self.device), exact_float32(), torch.inference_mode():
            for on_host, nodes in self._stretches:
                with clock.host() if on_host else clock.device():
                    for each in nodes:
                        run = self._run_on_host if on_host else self._run_on_device
                        known |= run(each, known, samples)
                        for name in self._freed.get(each.node.name, ()):
                            del known[name]
            seconds = clock.read()
        constants = {name: self.graph.tensors[name].data for name in self.graph.outputs}
        outputs = {name: known[name] if name in known else np.asarray(constants[name]) for name in self.graph.outputs}
        return outputs, seconds

    def download(self, values: Mapping[str, Value]) -> dict[str, AnyArray]:
        """Return values as arrays of the graph's own types."""
        return {name: self._on_host(name, value) for name, value in values.items()}

    def _last_reads(self) -> dict[str, list[str]]:
        """Return, by node, the tensors that nobody reads after it: their memory is given back."""
        last: dict[str, str] = {}
        for _, nodes in self._stretches:
            for each in nodes:
                computed = [*each.node.inputs, *each.node.outputs]
                last |= {name: each.node.name for name in computed if not self.graph.tensors[name].is_constant}
        freed: dict[str, list[str]] = {}
        for name, node in last.items():
            if name not in self.graph.outputs:
                freed.setdefault(node, []).append(name)
        return freed

    def _prepare(self, node: Node) -> _Prepared:
        if node.op is Op.ONNX or (self._quantized and is_on_host(node) and node.op not in CONVERSIONS):
            return _Prepared(node, None, False)
        tensors = [self.graph.tensors[name] for name in (*node.inputs, *node.outputs)]
        integer = any(tensor.dtype == "int8" for tensor in tensors)
        builders = INTEGER if integer else FLOAT
        if node.op not in builders:
            raise node.error(f"the gpu backend has no {'int8' if integer else 'float'} form of it")
        independent = integer or node.op is Op.RESHAPE or is_independent(self.graph, node)
        return _Prepared(node, builders[node.op](self._setup, node), independent)

    def _only_read_by(self, tensor: str, nodes: set[str]) -> bool:
        readers = {node.name for node in self.graph.consumers(tensor)}
        return bool(readers) and readers <= nodes

    def _run_on_device(self, each: _Prepared, known: Mapping[str, Value], samples: int) -> dict[str, Value]:
        assert each.step is not None
        names = [name for name in each.node.inputs if not self.graph.tensors[name].is_constant]
        operands = [self._on_device(known[name]) for name in names]
        if each.together:
            return {each.node.output: each.step(operands)}
        shapes = [self.graph.tensors[name].shape for name in names]
        parts = [each.step(_sample(operands, shapes, sample)) for sample in range(samples)]
        return {each.node.output: torch.cat([part if part.ndim else part[None] for part in parts])}

    def _run_on_host(self, each: _Prepared, known: Mapping[str, Value], samples: int) -> dict[str, Value]:
        read = dict.fromkeys(name for name in each.node.inputs if not self.graph.tensors[name].is_constant)
        return dict(execute_on_host(self.graph, each.node, {name: self._on_host(name, known[name]) for name in read}))

    def _on_device(self, value: Value) -> Tensor:
        return value if isinstance(value, Tensor) else self._setup.upload(value)

    def _on_host(self, name: str, value: Value) -> AnyArray:
        if not isinstance(value, Tensor):
            return value
        array: AnyArray = value.cpu().numpy().astype(self.graph.tensors[name].dtype, copy=False)
        return array


def run_quantized(
    graph: Graph, inputs: Mapping[str, AnyArray], names: Sequence[str]
) -> tuple[dict[str, AnyArray], RunSeconds]:
    """Run a quantized graph on the GPU and return the named tensors, and what it took.

    Raises:
        ToolError: there is no CUDA device.
        DataError: inputs that the graph does not take, or the device runs out of memory.
        ModelError: the graph does not compute a named tensor.
    """
    known = {*graph.inputs, *(name for node in graph.nodes() for name in node.outputs)}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ModelError(f"the graph does not compute '{unknown[0]}'")
    prepared = DeviceGraph(graph.replace(outputs=names), open_device(), quantized=True)
    samples, parts, times = check_inputs(graph, inputs), [], []
    for start in range(0, samples, BATCH):
        chunk = {name: take_samples(graph, name, array, start, start + BATCH) for name, array in inputs.items()}
        values, seconds = prepared.run(prepared.upload(chunk))
        parts.append(prepared.download(values))
        times.append(seconds)
    total = RunSeconds(sum(each.device for each in times), sum(each.host for each in times))
    return {name: np.concatenate([part[name] for part in parts]) for name in names}, total


def _sample(operands: Sequence[Tensor], shapes: Sequence[tuple[int, ...]], sample: int) -> list[Tensor]:
    """Return one sample of each operand, in the graph's own shapes."""
    rows = [shape[0] if shape else 1 for shape in shapes]
    taken = [x[sample * count : (sample + 1) * count] for x, count in zip(operands, rows, strict=True)]
    return [x.reshape(shape) for x, shape in zip(taken, shapes, strict=True)]


@contextmanager
def exact_float32() -> Iterator[None]:
    """Keep cuDNN from rounding float32 operands to TF32 within the block, and let it choose the fastest of the rest."""
    with torch.backends.cudnn.flags(enabled=torch.backends.cudnn.enabled, benchmark=True, allow_tf32=False):
        yield


def _event() -> torch.cuda.Event:
    return torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]


class _Clock:
    """Measures stretches: the device's by CUDA events, the host's (and a CPU device's) by the process's clock."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []
        self._device_seconds = self._host_seconds = 0.0

    @contextmanager
    def device(self) -> Iterator[None]:
        if self._device.type != "cuda":
            begin = time.perf_counter()
            yield
            self._device_seconds += time.perf_counter() - begin
            return
        with torch.cuda.device(self._device):
            begin_event, end_event = _event(), _event()
            begin_event.record()
            yield
            end_event.record()
        self._events.append((begin_event, end_event))

    @contextmanager
    def host(self) -> Iterator[None]:
        self._wait()
        begin = time.perf_counter()
        yield
        self._host_seconds += time.perf_counter() - begin

    def read(self) -> RunSeconds:
        """Wait for the device and return what was measured."""
        self._wait()
        device = sum(begin.elapsed_time(end) for begin, end in self._events) / 1e3
        return RunSeconds(self._device_seconds + device, self._host_seconds)

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
