"""The CPU backend: the original float model through ONNX Runtime, for comparison with the compiled one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from machine.errors import DataError, ModelError

ERROR_LEVEL = 3
BATCH = 64
"""Samples run at one time where the model leaves the batch open."""


def run_float(model: bytes, inputs: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
    """Run a float ONNX model: input arrays by name -> output arrays by name.

    Arrays may hold any number of samples along axis 0. A model with a fixed batch runs so many at a time (the last
    are made up to it with the last sample).

    Raises:
        ModelError: ONNX Runtime cannot load the model.
        DataError: ONNX Runtime refuses the inputs.
    """
    session = _open(model)
    names = [output.name for output in session.get_outputs()]
    feeds = {name: np.asarray(array) for name, array in inputs.items()}
    samples = {len(array) if array.ndim else 0 for array in feeds.values()}
    if len(samples) != 1 or 0 in samples:
        raise DataError(f"inputs must hold the same number of samples, at least one; got {sorted(samples)}")
    fixed = [value.shape[0] for value in session.get_inputs() if value.shape and isinstance(value.shape[0], int)]
    step, total = fixed[0] if fixed else BATCH, samples.pop()
    parts = []
    for start in range(0, total, step):
        stop = start + step if fixed else min(start + step, total)
        taken = np.minimum(np.arange(start, stop), total - 1)
        parts.append(_run(session, {name: array[taken] for name, array in feeds.items()}))
    return {name: np.concatenate([part[index] for part in parts])[:total] for index, name in enumerate(names)}


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
