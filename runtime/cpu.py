"""The CPU backend: the original float model through ONNX Runtime, for comparison with the compiled one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from machine.errors import DataError, ModelError

AnyArray = npt.NDArray[Any]
ERROR_LEVEL = 3
BATCH = 64
"""Samples run at one time where the model leaves the batch open."""


def run_float(model: bytes, inputs: Mapping[str, AnyArray], at_once: int = BATCH) -> dict[str, AnyArray]:
    """Run a float ONNX model: input arrays by name -> output arrays by name.

    Arrays may hold any number of samples along axis 0. A model that fixes the rows that it takes runs so many at a time
    (the last are made up to it with the last row), any other `at_once` of them; what it gives is put together along
    axis 0.

    Raises:
        ModelError: ONNX Runtime cannot load the model.
        DataError: ONNX Runtime refuses the inputs.
    """
    session = _open(model)
    feeds = {name: np.asarray(array) for name, array in inputs.items()}
    shapes = {value.name: list(value.shape) for value in session.get_inputs()}
    fixed = {name: _rows(shapes[name]) for name in feeds if name in shapes}
    any_fixed = any(rows is not None for rows in fixed.values())
    steps = {name: fixed.get(name) or (1 if any_fixed else at_once) for name in feeds}
    runs = {-(-len(array) // steps[name]) if array.ndim else 0 for name, array in feeds.items()}
    if len(runs) != 1 or 0 in runs:
        counts = sorted({len(array) if array.ndim else 0 for array in feeds.values()})
        raise DataError(f"inputs must hold the same number of samples, at least one; got {counts}")
    parts = []
    for run in range(runs.pop()):
        taken = {}
        for name, array in feeds.items():
            start, stop = run * steps[name], (run + 1) * steps[name]
            rows = np.arange(start, stop if any_fixed else min(stop, len(array)))
            part = array[np.minimum(rows, len(array) - 1)]
            taken[name] = part.reshape(()) if shapes.get(name) == [] else part
        parts.append([np.atleast_1d(result) for result in _run(session, taken)])
    step, total = set(steps.values()), {len(array) for array in feeds.values()}
    results = {value.name: np.concatenate([part[i] for part in parts]) for i, value in enumerate(session.get_outputs())}
    if any_fixed and len(step) == len(total) == 1:  # rows that a run was made up with are left out
        made_up = len(parts) * max(step) - max(total)
        return {name: array[: len(array) - made_up] if len(array) == len(parts) * max(step) else array
                for name, array in results.items()}
    return results


def _rows(shape: list[Any]) -> int | None:
    """Return how many rows of axis 0 an input of a declared shape takes; None for any number."""
    if not shape:
        return 1
    return shape[0] if isinstance(shape[0], int) else None


def _open(model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ERROR_LEVEL
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"ONNX Runtime cannot load the model: {_first_line(error)}") from error


def _run(session: onnxruntime.InferenceSession, feeds: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
    try:
        outputs: list[npt.NDArray[Any]] = session.run(None, dict(feeds))
    except Exception as error:
        raise DataError(f"ONNX Runtime cannot run these inputs: {_first_line(error)}") from error
    return outputs


def _first_line(error: BaseException) -> str:
    """Return the first line of an error's text."""
    return (str(error).splitlines() or [type(error).__name__])[0]
