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

    Arrays may hold any number of samples along axis 0. A model with a fixed batch of one runs them one after another.

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
    fixed = any(value.shape and value.shape[0] == 1 for value in session.get_inputs())
    step = 1 if fixed else BATCH
    parts = [
        _run(session, {name: array[start : start + step] for name, array in feeds.items()})
        for start in range(0, samples.pop(), step)
    ]
    return {name: np.concatenate([part[index] for part in parts]) for index, name in enumerate(names)}


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
