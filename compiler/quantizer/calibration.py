"""Calibration data: reading, checking, and the range that each tensor takes over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Tensor, is_on_host
from compiler.importer.float_session import FloatSession, rows_of, samples_of, take_samples
from machine.arrays import read_arrays
from machine.errors import DataError
from machine.progress import steps

AnyArray = npt.NDArray[Any]
Float32Array = npt.NDArray[np.float32]
Ranges = dict[str, tuple[float, float]]
BYTES_AT_ONCE = 64 * 1024 * 1024
"""Bound on the activations held at one time."""
RANDOM_SAMPLES = 8


@dataclass(frozen=True, slots=True)
class RandomCalibration:
    """Random samples in place of data: for studies of shapes and time, where accuracy means nothing.

    Real inputs are normally distributed. Integers and truth values, which are indices, lengths and masks as a rule,
    are 0 or 1: what else would be legal, only the model knows.
    """

    seed: int = 0

    def draw(self, graph: Graph) -> dict[str, AnyArray]:
        """Return samples of every graph input, the same for the same seed, shapes and types."""
        generator = np.random.default_rng(self.seed)
        return {name: _draw(generator, graph.tensors[name]) for name in graph.inputs}


def _draw(generator: np.random.Generator, tensor: Tensor) -> AnyArray:
    dtype, shape = np.dtype(tensor.dtype), (RANDOM_SAMPLES * rows_of(tensor), *tensor.shape[1:])
    if dtype.kind == "f":
        return generator.standard_normal(shape, np.float32).astype(dtype)
    return generator.integers(0, 2, shape).astype(dtype)


ArraysSource = str | PathLike[str] | Mapping[str, AnyArray]
CalibrationSource = ArraysSource | RandomCalibration


def load_samples(graph: Graph, source: CalibrationSource) -> dict[str, AnyArray]:
    """Return checked calibration samples of every graph input, in their own type, [S, ...].

    Raises:
        DataError: the data cannot be read, or see `check_calibration`.
    """
    arrays = source.draw(graph) if isinstance(source, RandomCalibration) else read_calibration(source)
    return check_calibration(graph, arrays)


def read_calibration(source: ArraysSource) -> dict[str, AnyArray]:
    """Return the arrays of an npz file, or the given arrays.

    Raises:
        DataError: the file cannot be read, or is not an npz file of plain arrays.
    """
    if isinstance(source, Mapping):
        return dict(source)
    return read_arrays(source)


def check_calibration(graph: Graph, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
    """Return the samples of every graph input, in the input's own type (see `float_session`); nothing is copied.

    Raises:
        DataError: names, shapes, types or sample counts do not fit the graph's inputs, or a value is NaN or infinite.
    """
    if set(arrays) != set(graph.inputs):
        raise DataError(f"calibration data must hold the model's inputs {list(graph.inputs)}, got {sorted(arrays)}")
    samples = {name: np.asarray(array) for name, array in arrays.items()}
    for name, array in samples.items():
        _check_array(graph, name, array)
    number_of_samples(graph, samples)
    return samples


def number_of_samples(graph: Graph, samples: Mapping[str, AnyArray]) -> int:
    """Return how many samples the arrays of every graph input hold.

    Raises:
        DataError: different numbers, or none.
    """
    counts = {name: len(array) // rows_of(graph.tensors[name]) for name, array in samples.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise DataError(f"calibration data needs the same number of samples for every input, got {counts}")
    return next(iter(counts.values()))


def _check_array(graph: Graph, name: str, array: AnyArray) -> None:
    samples_of(graph, name, array, "calibration input")
    dtype = graph.tensors[name].dtype
    if array.dtype != np.dtype(dtype):
        raise DataError(f"calibration input '{name}' must be {dtype}, got {array.dtype}")
    step = samples_at_once(graph, [name])
    for start in range(0, len(array), step):
        if array.dtype.kind == "f" and not np.isfinite(array[start : start + step]).all():
            raise DataError(f"calibration input '{name}' holds NaN or infinity")


def samples_at_once(graph: Graph, names: Sequence[str]) -> int:
    """Return how many samples of the named tensors may be held as float32 at one time; at least one."""
    floats = sum(int(np.prod(graph.tensors[name].shape, dtype=np.int64)) for name in names)
    return max(1, BYTES_AT_ONCE // (4 * floats))


def activations(graph: Graph) -> tuple[str, ...]:
    """Return the tensors of a fused float graph that are quantized: all that accelerator nodes read and write."""
    nodes = [node for node in graph.nodes() if not is_on_host(node)]
    touched = {name for node in nodes for name in (*node.inputs, *node.outputs)}
    names = (*graph.inputs, *(name for node in graph.nodes() for name in node.outputs))
    return tuple(name for name in names if name in touched)


def stream(
    graph: Graph, samples: Mapping[str, AnyArray], names: Sequence[str]
) -> Iterator[dict[str, Float32Array]]:
    """Run a float graph on ONNX Runtime and yield the named tensors, a bounded number of samples at a time."""
    computed = [name for name in names if name not in graph.inputs]
    session = FloatSession(graph, computed)
    count = number_of_samples(graph, samples)
    step = samples_at_once(graph, (*computed, *graph.inputs))
    starts = range(0, count, step)
    for start in steps("calibrating", starts, len(starts)):
        chunk = {name: take_samples(graph, name, array, start, start + step) for name, array in samples.items()}
        known = chunk | session.run(chunk)
        yield {name: known[name] for name in names}


def measure_ranges(graph: Graph, samples: Mapping[str, AnyArray]) -> Ranges:
    """Return the least and the greatest value of every activation of a fused float graph over all samples.

    Raises:
        DataError: an activation becomes NaN or infinite.
    """
    ranges: Ranges = {}
    for chunk in stream(graph, samples, activations(graph)):
        for name, array in chunk.items():
            _widen(ranges, name, array)
    return ranges


def _widen(ranges: Ranges, name: str, array: AnyArray) -> None:
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise DataError(f"tensor '{name}' becomes NaN or infinite on the calibration data")
    known = ranges.get(name, (low, high))
    ranges[name] = (min(low, known[0]), max(high, known[1]))
