"""Real data that lies beside the repository in `../shared/models`: MNIST and a few photographs.

None of it is part of the repository; what reads it says so where it is absent.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

MODELS = Path(__file__).resolve().parents[2] / "shared/models"
PHOTOGRAPHS = MODELS / "coral_test_data"
_MNIST = MODELS / "data/mnist"

FloatArray = npt.NDArray[np.float32]
Uint8Array = npt.NDArray[np.uint8]
Samples = tuple[FloatArray, FloatArray]
"""Calibration data and what is run, for a model with one input."""


def mnist_images(part: str) -> FloatArray:
    """Return the images of `train` or `t10k`: float32[n, 1, 28, 28], values 0 to 255."""
    data = gzip.decompress((_MNIST / f"{part}-images-idx3-ubyte.gz").read_bytes())
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 1, 28, 28).astype(np.float32)


def mnist_labels(part: str) -> Uint8Array:
    """Return the labels of `train` or `t10k`: uint8[n]."""
    return np.frombuffer(gzip.decompress((_MNIST / f"{part}-labels-idx1-ubyte.gz").read_bytes()), np.uint8, offset=8)


def photograph(name: str) -> Uint8Array:
    """Return a photograph of `PHOTOGRAPHS` by its file's stem: uint8[height, width, blue green red].

    It reads what lies there: bitmaps of 24 bits, not compressed, the lowest line first, lines padded to four bytes.
    """
    data = (PHOTOGRAPHS / f"{name}.bmp").read_bytes()
    start, width, height = (int.from_bytes(data[at : at + 4], "little") for at in (10, 18, 22))
    line = -(-3 * width // 4) * 4
    lines = np.frombuffer(data, np.uint8, line * height, start).reshape(height, line)
    return lines[::-1, : 3 * width].reshape(height, width, 3)


def resized(image: Uint8Array, height: int, width: int) -> Uint8Array:
    """Return an image in another size, each pixel that of the nearest place: uint8[height, width, 3]."""
    rows, columns = (
        ((np.arange(size) + 0.5) * old / size).astype(int)
        for size, old in zip((height, width), image.shape[:2], strict=True)
    )
    result: Uint8Array = image[rows[:, None], columns]
    return result


def ultraface_input(image: Uint8Array) -> FloatArray:
    """Return an image as `onnx_ultraface` takes it: float32[red green blue, 240, 320], about -1 to 1."""
    scaled = (resized(image, 240, 320).astype(np.float32) - 127) / 128
    return scaled[..., ::-1].transpose(2, 0, 1).astype(np.float32)


def yunet_input(image: Uint8Array) -> FloatArray:
    """Return an image as `onnx_yunet` takes it: float32[blue green red, 320, 320], 0 to 255."""
    return resized(image, 320, 320).transpose(2, 0, 1).astype(np.float32)


def face_photographs(prepare: Callable[[Uint8Array], FloatArray]) -> Samples:
    """Return photographs as a face detector takes them: a portrait mirrored and cut for calibration, then as it is.

    Three photographs without a face are the same in both.
    """
    others = [photograph(name) for name in ("cat", "bird", "sunflower")]
    portrait = photograph("grace_hopper")
    mirrored = portrait[:, ::-1]
    calibration = [mirrored, mirrored[50:500], *others]
    images = [portrait, portrait[:512], *others]
    return np.stack([prepare(image) for image in calibration]), np.stack([prepare(image) for image in images])
