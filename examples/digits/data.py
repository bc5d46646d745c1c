"""Where the digits example keeps its model and data, found also in an installed package."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def _resource(name: str) -> Path:
    """Return the path of one committed file of this package."""
    return Path(str(resources.files("examples.digits").joinpath(name)))


def model_path() -> Path:
    """Return the path of the float model: `image` float32[1, 1, 8, 8] to `probabilities` float32[1, 10]."""
    return _resource("digits.onnx")


def load_calibration() -> NDArray[np.float32]:
    """Return training images to calibrate a quantizer with: float32[128, 1, 8, 8], values 0..1."""
    with np.load(_resource("calibration.npz"), allow_pickle=False) as archive:
        return np.asarray(archive["image"], dtype=np.float32)


def load_test() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the held-back split, never trained on: images float32[500, 1, 8, 8] and labels int64[500]."""
    with np.load(_resource("test.npz"), allow_pickle=False) as archive:
        return np.asarray(archive["image"], dtype=np.float32), np.asarray(archive["label"], dtype=np.int64)
