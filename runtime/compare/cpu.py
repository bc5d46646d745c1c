"""The CPU: ONNX Runtime, the model in float32, and quantized by ONNX Runtime's own tool from the same calibration."""

from __future__ import annotations

import logging
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime

from compiler.importer.export import to_onnx
from compiler.importer.float_session import is_independent, rows_of, take_samples
from machine.errors import DataError, ModelError
from machine.progress import during
from machine.text import one_line
from runtime.compare.measure import measure, wall
from runtime.compare.result import Row
from runtime.compare.subject import Subject

AnyArray = npt.NDArray[Any]
NUMBERS = ("float32", "int8")
INT8_FORM = "QDQ, u8 x s8 by channel"
"""How the tool quantizes: activations uint8, weights int8 with a scale for each channel, the fastest form on x86."""
QUIET = 4


@dataclass(frozen=True)
class _Model:
    """An ONNX model, what its form is called, and whether it takes a whole batch at once, or else sample by sample."""

    form: str
    content: bytes
    together: bool


class Cpu:
    """ONNX Runtime on a number of threads."""

    def __init__(self, subject: Subject, threads: int, limit_seconds: float) -> None:
        """Take what is compared, the threads, and the limit of a measurement."""
        self._subject, self._threads, self._limit = subject, threads, limit_seconds

    def row(self, number: str, batch: int) -> Row:
        """Measure runs of a batch.

        Raises:
            ModelError: ONNX Runtime cannot load or quantize the model.
            DataError: ONNX Runtime refuses the inputs.
        """
        subject, inputs = self._subject, self._subject.batch(batch)
        model = self._float(batch) if number == "float32" else self._int8(batch)
        run = self._runner(model.content, inputs, batch if model.together else 1, batch)
        outputs = run()
        (latency,) = measure(wall(run), self._limit)
        threads = f"{self._threads} thread{'s' if self._threads > 1 else ''}"
        form = model.form if model.together or batch == 1 else f"{model.form}, sample by sample"
        return Row(
            "cpu", f"{cpu_name()}, ONNX Runtime {onnxruntime.__version__}, {threads}", number, form, batch, latency,
            None, subject.macs * batch, None, subject.answers(outputs, batch), min(batch, subject.samples),
        )

    def _float(self, batch: int) -> _Model:
        """Return the model as it is where it takes the batch at once, else as exported for any batch where it can be.
        """
        takes = _takes(self._subject, batch)
        if takes or not self._independent:
            return _Model("the model as it is", self._subject.model, takes)
        return _Model("the model exported for any batch", self._exported, True)

    def _int8(self, batch: int) -> _Model:
        together = self._independent or _takes(self._subject, batch)
        return _Model(INT8_FORM, self._quantized, together)

    @cached_property
    def _independent(self) -> bool:
        """Whether every operator computes each sample by itself, so that the compiler's graph takes any batch."""
        graph = self._subject.float_graph
        return all(is_independent(graph, node) for node in graph.nodes())

    @cached_property
    def _exported(self) -> bytes:
        """The compiler's float graph for any batch."""
        return bytes(to_onnx(self._subject.float_graph).SerializeToString())

    @cached_property
    def _quantized(self) -> bytes:
        """The exported graph, in which constants are folded as the tool advises, or else the model, in int8."""
        with during("quantizing with ONNX Runtime"):
            return quantized(self._exported if self._independent else self._subject.model, self._subject)

    def _runner(
        self, content: bytes, inputs: Mapping[str, AnyArray], size: int, batch: int
    ) -> Callable[[], dict[str, AnyArray]]:
        """Return a function that runs the batch, `size` samples at a time."""
        graph, session = self._subject.float_graph, _open(content, self._threads)
        names = [value.name for value in session.get_outputs()]
        scalars = {value.name for value in session.get_inputs() if value.shape == []}
        feeds = []
        for start in range(0, batch, size):
            parts = {name: take_samples(graph, name, array, start, start + size) for name, array in inputs.items()}
            feeds.append({name: part.reshape(()) if name in scalars else part for name, part in parts.items()})

        def run() -> dict[str, AnyArray]:
            try:
                results = [session.run(names, feed) for feed in feeds]
            except Exception as error:  # the runtime has no common error
                raise DataError(f"ONNX Runtime cannot run the batch: {one_line(error)}") from None
            return {name: np.concatenate([np.atleast_1d(result[i]) for result in results])
                    for i, name in enumerate(names)}

        return run


def quantized(content: bytes, subject: Subject) -> bytes:
    """Return an ONNX model quantized by ONNX Runtime's tool from the subject's calibration data.

    Raises:
        ModelError: the tool cannot.
    """
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static  # slow to import

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # what the tool has to say is about the form, which is chosen here
    try:
        with tempfile.TemporaryDirectory(prefix="tpukit.") as folder:
            made = Path(folder) / "int8.onnx"
            quantize_static(
                onnx.load_from_string(content), made, _Reader(subject), quant_format=QuantFormat.QDQ, per_channel=True,
                activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
            )
            return made.read_bytes()
    except Exception as error:  # the tool has no common error
        raise ModelError(f"ONNX Runtime cannot quantize the model: {one_line(error)}") from None
    finally:
        logging.disable(before)


class _Reader:
    """Gives the tool the calibration data, sample by sample."""

    def __init__(self, subject: Subject) -> None:
        self._samples = _samples(subject)

    def get_next(self) -> dict[str, AnyArray] | None:
        """Return the next sample; None after the last."""
        return next(self._samples, None)


def _samples(subject: Subject) -> Iterator[dict[str, AnyArray]]:
    graph, arrays = subject.float_graph, subject.calibration
    name = graph.inputs[0]
    for sample in range(len(arrays[name]) // rows_of(graph.tensors[name])):
        yield {name: take_samples(graph, name, array, sample, sample + 1) for name, array in arrays.items()}


def cpu_name() -> str:
    """Return what the processor calls itself."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def usable_cpus() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _takes(subject: Subject, batch: int) -> bool:
    """Whether the model's inputs, as it declares them, take a batch at once."""
    graph = subject.float_graph
    for value in onnx.load_from_string(subject.model).graph.input:
        if value.name not in graph.inputs:
            continue
        dims = value.type.tensor_type.shape.dim
        wanted = batch * rows_of(graph.tensors[value.name])
        if not dims and batch > 1:
            return False
        if dims and dims[0].HasField("dim_value") and dims[0].dim_value != wanted:
            return False
    return True


def _open(content: bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = QUIET
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has no common error
        raise ModelError(f"ONNX Runtime cannot load the model: {one_line(error)}") from None
