"""What is compared: a model, its float and its quantized graph, its inputs, and the float model's answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.front import front
from compiler.graph import Graph, Op
from compiler.importer.float_session import rows_of, take_samples
from compiler.importer.load import load
from compiler.placement.prices import macs
from compiler.quantizer.calibration import CalibrationSource, RandomCalibration, load_samples
from compiler.quantizer.sensitivity import NoiseRatio
from machine.config import Machine
from machine.errors import DataError
from machine.progress import during
from runtime.arrays import check_inputs
from runtime.check import OutputCheck, class_axis
from runtime.compare.result import Answer
from runtime.compile import MOST_SAMPLES, model_bytes
from runtime.cpu import BATCH, run_float

AnyArray = npt.NDArray[Any]


class Subject:
    """A model with its inputs; what several backends need is made once, when the first asks for it."""

    def __init__(
        self,
        model: str | Path | bytes | Graph,
        machine: Machine,
        inputs: Mapping[str, AnyArray] | RandomCalibration,
        calibration: CalibrationSource | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        """Read the model; calibration data is the inputs where none is given.

        Raises:
            ModelError: the model cannot be read, or holds something that is not supported.
            DataError: the inputs or the calibration data do not fit the model.
        """
        loaded = model if isinstance(model, Graph) else load(model)
        self.machine = machine
        self.float_graph = front(loaded, None, shapes, until="fold_and_fuse")
        self.model = model_bytes(loaded)
        self._loaded, self._shapes = loaded, shapes
        self.inputs = inputs.draw(self.float_graph) if isinstance(inputs, RandomCalibration) else dict(inputs)
        self.samples = check_inputs(self.float_graph, self.inputs)
        source = self.inputs if calibration is None else calibration
        self.calibration = load_samples(self.float_graph, source)

    @cached_property
    def quantized_graph(self) -> Graph:
        """The int8 graph, placed for the machine.

        Raises:
            ModelError: the quantizer does not know something in the model.
            DataError: the calibration data makes something infinite.
        """
        with during("quantizing"):
            return front(self._loaded, self.calibration, self._shapes, machine=self.machine)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one sample, by constants of the model."""
        return sum(macs(self.float_graph, node) for node in self.float_graph.nodes())

    def batch(self, size: int) -> dict[str, AnyArray]:
        """Return the inputs of one run: the samples in order, from the first again where there are too few.

        Raises:
            DataError: the size is none that a program takes.
        """
        if not 1 <= size <= MOST_SAMPLES:
            raise DataError(f"the batch is {size}; legal are 1 to {MOST_SAMPLES} samples")
        batch = {}
        for name, array in self.inputs.items():
            rows = rows_of(self.float_graph.tensors[name])
            samples = array.reshape(self.samples, rows, *array.shape[1:])
            batch[name] = samples[np.arange(size) % self.samples].reshape(size * rows, *array.shape[1:])
        return batch

    def answers(self, outputs: Mapping[str, AnyArray], size: int) -> tuple[Answer, ...]:
        """Compare the outputs of a batch with the float model's, each sample once.

        Raises:
            DataError: an output is missing or of another shape.
        """
        count = min(size, self.samples)
        return tuple(self._answer(name, outputs.get(name), count) for name in self.float_graph.outputs)

    def _answer(self, name: str, found: AnyArray | None, count: int) -> Answer:
        graph = self.float_graph
        exact = take_samples(graph, name, self._expected[name], 0, count)
        got = None if found is None else take_samples(graph, name, found, 0, count)
        if got is None or got.shape != exact.shape:
            shape = "nothing" if got is None else list(got.shape)
            raise DataError(f"output '{name}' should be {list(exact.shape)}, received {shape}")
        check = OutputCheck(name, class_axis(graph, name), NoiseRatio())
        check.add(exact, got)
        error = float(np.abs(exact.astype(np.float64) - got).max())
        return Answer(name, error, check.ratio.decibels, check.top1_agreement)

    @cached_property
    def _expected(self) -> dict[str, AnyArray]:
        """The float model's outputs of all samples; one by one where an operator may mix samples."""
        mixes = any(node.op is Op.ONNX for node in self.float_graph.nodes())
        return run_float(self.model, self.inputs, 1 if mixes else BATCH)
