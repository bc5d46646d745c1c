"""Reading named arrays from `.npz` files: the one place where such files are opened and refused."""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from machine.errors import DataError

AnyArray = npt.NDArray[Any]


def read_arrays(path: str | PathLike[str]) -> dict[str, AnyArray]:
    """Return the arrays of an `.npz` file by name.

    Raises:
        DataError: the file cannot be read, or see `parse_arrays`.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {str(path)!r}: {error.strerror}") from None
    return parse_arrays(data, repr(str(path)))


def parse_arrays(data: bytes, what: str) -> dict[str, AnyArray]:
    """Return the arrays in an `.npz` file's bytes by name; `what` names the bytes in errors.

    Raises:
        DataError: not an `.npz` file, damaged, or with something else than plain arrays in it (Python objects).
    """
    if data.startswith(b"\x93NUMPY"):
        raise DataError(f"{what} is a single array (.npy), not an .npz file of named arrays")
    if not data.startswith(b"PK"):
        raise DataError(f"{what} is not an .npz file")
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except Exception as error:  # NumPy, zipfile and zlib have no common error for damaged bytes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{what} is not a readable .npz file: {reason}") from None
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):
            raise DataError(f"{what} is not an .npz file of plain arrays: its member {name!r} is not an array")
    return arrays
