"""`tpukit check`: a program's bits against the reference backend, and its values against the float model.

Two questions with two answers. Does the accelerator compute what the quantized graph says? Every int8 output of the
simulator is compared with the reference's, and the tolerance is zero. How far is the quantized graph from the float
model? Each tensor has a signal to quantization noise ratio, and each output that names a class an agreement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.front import front
from compiler.graph import CONVERSIONS, Graph, Op, is_on_host
from compiler.importer.float_session import FloatSession, take_samples
from compiler.placement.place import PlacementOptions
from compiler.quantizer.calibration import samples_at_once
from compiler.quantizer.equalize import SUFFIX, equalize
from compiler.quantizer.sensitivity import NoiseRatio
from machine.errors import ProgramError
from machine.progress import steps
from runtime.arrays import check_inputs
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend
from runtime.session import Session

AnyArray = npt.NDArray[Any]


@dataclass
class BitCheck:
    """One int8 tensor that the accelerator writes, compared value by value."""

    tensor: str
    values: int = 0
    different: int = 0
    first_difference: list[int] | None = None

    def add(self, simulated: AnyArray, expected: AnyArray, sample: int) -> None:
        """Compare arrays [S, ...] whose first sample is number `sample`."""
        places = np.argwhere(simulated != expected)
        if len(places) and self.first_difference is None:
            first = [int(index) for index in places[0]]
            self.first_difference = [first[0] + sample, *first[1:]]
        self.values += expected.size
        self.different += len(places)


@dataclass
class LayerCheck:
    """One activation of the network: the node that makes it, and the noise that quantization has put on it.

    `tensor` is its name in the float graph, `quantized` that in the quantized one.
    """

    tensor: str
    quantized: str
    layer: str
    operator: str
    ratio: NoiseRatio = field(default_factory=NoiseRatio)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of a row."""
        return {
            "tensor": self.tensor, "layer": self.layer, "operator": self.operator, "sqnr_db": self.ratio.decibels
        }


@dataclass
class OutputCheck:
    """One output of the model: noise, and how often the largest value is in the same place as in float.

    `axis` is the classes' axis, None where the output has no classes.
    """

    output: str
    axis: int | None
    ratio: NoiseRatio = field(default_factory=NoiseRatio)
    places: int = 0
    agreeing: int = 0

    @property
    def top1_agreement(self) -> float | None:
        """The share of places where float and int8 choose the same class."""
        return self.agreeing / self.places if self.axis is not None and self.places else None

    def add(self, exact: AnyArray, quantized: AnyArray) -> None:
        """Take in outputs [S, ...]."""
        self.ratio.add(exact, quantized)
        if self.axis is not None:
            same = exact.argmax(axis=self.axis) == quantized.argmax(axis=self.axis)
            self.places += same.size
            self.agreeing += int(same.sum())

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of a row."""
        return {"output": self.output, "sqnr_db": self.ratio.decibels, "top1_agreement": self.top1_agreement}


@dataclass
class CheckResult:
    """What a check found; `layers` and `outputs` are empty where the program holds no float model."""

    samples: int
    bits: list[BitCheck]
    layers: list[LayerCheck]
    outputs: list[OutputCheck]

    @property
    def equal(self) -> bool:
        """Whether every bit of every output is the reference's."""
        return not any(check.different for check in self.bits)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of `tpukit check --json`."""
        return {
            "equal": self.equal,
            "samples": self.samples,
            "bits": [dict(vars(check)) for check in self.bits],
            "layers": [check.to_dict() for check in self.layers],
            "outputs": [check.to_dict() for check in self.outputs],
        }


def check_program(session: Session, inputs: Mapping[str, AnyArray]) -> CheckResult:
    """Run samples of the model's inputs on the simulator, the reference and the float model, a few at a time.

    Raises:
        DataError: inputs that the model does not take.
        ProgramError: the program's parts contradict each other.
        ModelError: the float model in the program cannot be read.
    """
    graph = session.graph
    samples = check_inputs(graph, inputs)
    checker = _Checker(session)
    for start, chunk in _chunks(graph, inputs, samples, "checking"):
        checker.check(chunk, start)
    return CheckResult(samples, checker.bits, list(checker.layers.values()), checker.outputs)


def _chunks(
    graph: Graph, inputs: Mapping[str, AnyArray], samples: int, activity: str
) -> Iterator[tuple[int, dict[str, AnyArray]]]:
    """Yield the inputs a few samples at a time, with the number of the first; `activity` names the progress bar."""
    step = samples_at_once(graph, list(graph.tensors))
    starts = range(0, samples, step)
    for start in steps(activity, starts, len(starts)):
        yield start, {name: take_samples(graph, name, array, start, start + step) for name, array in inputs.items()}


def layer_errors(session: Session, inputs: Mapping[str, AnyArray]) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Yield a layer's name and the error of its int8 activation on some samples, int8 less float, in its own steps.

    Every layer comes once for each few of the samples.

    Raises:
        DataError: inputs that the model does not take.
        ModelError: the float model in the program cannot be read.
    """
    graph = session.graph
    samples = check_inputs(graph, inputs)
    checker = _Checker(session)
    for _, chunk in _chunks(graph, inputs, samples, "comparing with float"):
        for layer, exact, real in checker.compared(chunk, checker.reference(chunk)):
            yield layer.layer, (real - exact) / graph.tensors[layer.quantized].affine.scale[0]


class _Checker:
    """Compares one chunk of samples after another."""

    def __init__(self, session: Session) -> None:
        self.session, self.graph = session, session.graph
        self.bits = [BitCheck(entry.tensor) for entry in session.program.outputs]
        self.layers: dict[str, LayerCheck] = {}
        self.outputs: list[OutputCheck] = []
        if session.program.model:
            floats = float_graph(session)
            self.layers = _comparable(self.graph, floats)
            self.outputs = [OutputCheck(name, class_axis(self.graph, name)) for name in self.graph.outputs]
            self.names = [check.tensor for check in self.layers.values() if check.tensor not in floats.inputs]
            self.floats = FloatSession(floats, self.names)

    def check(self, inputs: Mapping[str, AnyArray], start: int) -> None:
        """Run one chunk; `start` is the number of its first sample."""
        simulated = self.session.run_segments(inputs, self.session.execute_function)
        reference = self.reference(inputs)
        for bits in self.bits:
            bits.add(simulated[bits.tensor], reference[bits.tensor], start)
        if self.session.program.model:
            self._compare_with_float(inputs, reference)

    def reference(self, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """Return every tensor that the quantized graph computes."""
        names = [name for name, tensor in self.graph.tensors.items() if not tensor.is_constant]
        return ReferenceBackend().run(self.graph, inputs, names)

    def compared(
        self, inputs: Mapping[str, AnyArray], reference: Mapping[str, AnyArray]
    ) -> Iterator[tuple[LayerCheck, AnyArray, npt.NDArray[np.float64]]]:
        """Yield each layer with its values in the float model and those that its int8 values stand for."""
        exact = {**inputs, **self.floats.run(inputs)}
        for name, layer in self.layers.items():
            if name not in reference:
                raise ProgramError(f"the program's graph does not compute {name!r} from its inputs")
            affine = self.graph.tensors[name].affine
            real = (reference[name].astype(np.float64) - affine.zero_point) * affine.scale[0]
            yield layer, exact[layer.tensor], real

    def _compare_with_float(self, inputs: Mapping[str, AnyArray], reference: Mapping[str, AnyArray]) -> None:
        for layer, exact, real in self.compared(inputs, reference):
            layer.ratio.add(exact, real)
        original = run_float(self.session.program.model, inputs)
        for output in self.outputs:
            name = output.output
            wanted, got = original.get(name), reference.get(name)
            if wanted is None or got is None or wanted.shape != got.shape:
                raise ProgramError(f"the program and its float model do not both compute {name!r}")
            output.add(wanted, got)


def float_graph(session: Session) -> Graph:
    """Return the placed float graph of a program's model, its tensors named as in the quantized graph.

    Host nodes are those of the quantized graph, whatever options and prices put them there.

    Raises:
        ProgramError: the model takes other inputs than the quantized graph.
        CompileError: a host node of the quantized graph is none of the model's.
        ModelError: the model cannot be read.
    """
    graph = session.graph
    shapes = {name: graph.tensors[name].shape for name in graph.inputs}
    kept = tuple(node.name for node in graph.nodes() if is_on_host(node) and node.op not in CONVERSIONS)
    floats = front(session.program.model, None, shapes, until="place", placement=PlacementOptions(keep_float=kept))
    if floats.inputs != graph.inputs:
        raise ProgramError(f"the program's model takes {list(floats.inputs)}, its graph {list(graph.inputs)}")
    return equalize(floats) if any(name.endswith(SUFFIX) for name in graph.tensors) else floats


def class_axis(graph: Graph, name: str) -> int | None:
    """Return the axis along which an output's largest value is the answer.

    It is a softmax's own axis, or the only axis but the batch that is longer than 1.
    """
    producer = graph.producer(name)
    shape = graph.tensors[name].shape
    if producer is not None and producer.op is Op.SOFTMAX:
        return producer.integer("axis") % len(shape)
    long = [axis for axis in range(1, len(shape)) if shape[axis] > 1]
    return long[0] if len(long) == 1 else None


def _comparable(graph: Graph, floats: Graph) -> dict[str, LayerCheck]:
    """Return a row for each int8 activation that stands for a tensor of the float graph, in the order of execution."""
    twins = {node.output: node.inputs[0] for node in graph.nodes() if node.op is Op.QUANTIZE}
    twins |= {node.inputs[0]: node.output for node in graph.nodes() if node.op is Op.DEQUANTIZE}
    rows = {}
    for node in graph.nodes():
        tensor, name = graph.tensors[node.output], twins.get(node.output, node.output)
        known = floats.tensors.get(name)
        if tensor.dtype == "int8" and known is not None and known.shape == tensor.shape and not known.is_constant:
            rows[tensor.name] = LayerCheck(name, tensor.name, node.name, node.op.value)
    return rows
