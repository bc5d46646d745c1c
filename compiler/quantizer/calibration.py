"""Calibration data: reading, checking, and the range that each tensor takes over it."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Op
from compiler.importer.export import open_session
from machine.arrays import read_arrays
from machine.errors import DataError, ModelError

AnyArray = npt.NDArray[Any]
Float32Array = npt.NDArray[np.float32]
CalibrationSource = str | PathLike[str] | Mapping[str, AnyArray]
Ranges = dict[str, tuple[float, float]]
BYTES_AT_ONCE = 64 * 1024 * 1024
"""Bound on the activations held at one time."""


def read_calibration(source: CalibrationSource) -> dict[str, AnyArray]:
    """Return the arrays of an npz file, or the given arrays.

    Raises:
        DataError: the file cannot be read, or is not an npz file of plain arrays.
    """
    if isinstance(source, Mapping):
        return dict(source)
    return read_arrays(source)


def check_calibration(graph: Graph, arrays: Mapping[str, AnyArray]) -> dict[str, Float32Array]:
    """Return the samples of every graph input as float32[S, ...].

    Raises:
        DataError: names, shapes, types or sample counts do not fit the graph's inputs, or a value is NaN or infinite.
    """
    if set(arrays) != set(graph.inputs):
        raise DataError(f"calibration data must hold the model's inputs {list(graph.inputs)}, got {sorted(arrays)}")
    samples = {name: _check_array(graph, name, np.asarray(array)) for name, array in arrays.items()}
    counts = {name: len(array) for name, array in samples.items()}
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise DataError(f"calibration data needs the same number of samples for every input, got {counts}")
    return samples


def _check_array(graph: Graph, name: str, array: AnyArray) -> Float32Array:
    wanted = graph.tensors[name].shape[1:]
    if array.ndim == 0 or array.shape[1:] != wanted:
        described = ", ".join(["samples", *map(str, wanted)])
        raise DataError(f"calibration input '{name}' must have shape [{described}], got {list(array.shape)}")
    if array.dtype != np.float32:
        raise DataError(f"calibration input '{name}' must be float32, got {array.dtype}")
    if not np.isfinite(array).all():
        raise DataError(f"calibration input '{name}' holds NaN or infinity")
    return array


def measure_ranges(graph: Graph, samples: Mapping[str, Float32Array]) -> Ranges:
    """Return the least and the greatest value of every activation of a fused float graph over all samples.

    The graph runs on ONNX Runtime, a bounded number of samples at a time.

    Raises:
        DataError: an activation becomes NaN or infinite.
        ModelError: nothing is computed but softmax.
    """
    computed = [node.output for node in graph.nodes() if node.op is not Op.SOFTMAX]
    if not computed:
        raise ModelError("the model has no operator for the accelerator; at least one is needed")
    session = open_session(graph, computed)
    count = len(next(iter(samples.values())))
    floats = sum(int(np.prod(graph.tensors[name].shape, dtype=np.int64)) for name in (*computed, *graph.inputs))
    step = max(1, BYTES_AT_ONCE // (4 * floats))
    ranges: Ranges = {}
    for start in range(0, count, step):
        chunk = {name: array[start : start + step] for name, array in samples.items()}
        results = session.run(computed, chunk)
        for name, array in (*chunk.items(), *zip(computed, results, strict=True)):
            _widen(ranges, name, array)
    return ranges


def _widen(ranges: Ranges, name: str, array: AnyArray) -> None:
    low, high = float(array.min()), float(array.max())
    if not np.isfinite([low, high]).all():
        raise DataError(f"tensor '{name}' becomes NaN or infinite on the calibration data")
    known = ranges.get(name, (low, high))
    ranges[name] = (min(low, known[0]), max(high, known[1]))
