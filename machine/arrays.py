"""Reading named arrays from `.npz` files: the one place where such files are opened and refused."""

from __future__ import annotations

import io
import math
import zipfile
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from machine.errors import DataError
from machine.files import read_file
from machine.text import one_line

AnyArray = npt.NDArray[Any]

MOST_FILE_BYTES = 1 << 34
"""Bytes of an `.npz` file: 16 GiB."""
FREE_BYTES = 1 << 28
"""Bytes that arrays may have however well they are compressed."""
MOST_EXPANSION = 100
"""Bytes of larger arrays for each byte of the file: real data is not compressed so well, a bomb is."""
_HEADERS = {b"\x01\x00": np.lib.format.read_array_header_1_0, b"\x02\x00": np.lib.format.read_array_header_2_0}


def read_arrays(path: str | PathLike[str]) -> dict[str, AnyArray]:
    """Return the arrays of an `.npz` file by name.

    Raises:
        DataError: the file cannot be read, or see `parse_arrays`.
    """
    try:
        data = read_file(Path(path), MOST_FILE_BYTES)
    except (OSError, ValueError) as error:  # a ValueError is a path with a zero byte
        raise DataError(f"cannot read {str(path)!r}: {getattr(error, 'strerror', None) or error}") from None
    return parse_arrays(data, repr(str(path)))


def parse_arrays(data: bytes, what: str) -> dict[str, AnyArray]:
    """Return the arrays in an `.npz` file's bytes by name; `what` names the bytes in errors.

    Raises:
        DataError: not an `.npz` file, damaged, with something else than plain arrays in it (Python objects), or far
            larger than the file.
    """
    if data.startswith(b"\x93NUMPY"):
        raise DataError(f"{what} is a single array (.npy), not an .npz file of named arrays")
    if not data.startswith(b"PK"):
        raise DataError(f"{what} is not an .npz file")
    arrays: dict[str, AnyArray] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            expanded = sum(member.file_size for member in archive.infolist())
            if expanded > max(FREE_BYTES, MOST_EXPANSION * len(data)):
                raise DataError(f"{what} would expand from {len(data)} to {expanded} bytes; up to {MOST_EXPANSION} "
                                "times as many are read")
            for member in archive.infolist():
                name = member.filename.removesuffix(".npy")
                if name in arrays:
                    raise DataError(f"{what} holds two arrays named {name!r}")
                arrays[name] = _read(archive, member, what)
    except DataError:
        raise
    except Exception as error:  # NumPy, zipfile and zlib have no common error for damaged bytes
        raise DataError(f"{what} is not a readable .npz file: {one_line(error)}") from None
    return arrays


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, what: str) -> AnyArray:
    """Return a member as an array, once its header has told that it holds as many bytes as it says."""
    with archive.open(member) as file:
        magic = file.read(np.lib.format.MAGIC_LEN)
        if not magic.startswith(np.lib.format.MAGIC_PREFIX):
            raise DataError(f"{what} is not an .npz file of plain arrays: its member {member.filename!r} is not an "
                            "array")
        read_header = _HEADERS.get(magic[len(np.lib.format.MAGIC_PREFIX) :])
        if read_header is None:
            raise DataError(f"{what}: its member {member.filename!r} is not of array format 1.0 or 2.0")
        shape, _, kind = read_header(file)
        held = member.file_size - file.tell()
        if kind.hasobject:
            raise DataError(f"{what}: its member {member.filename!r} holds Python objects; only numbers are read")
        if min(shape, default=0) < 0 or math.prod(shape) * kind.itemsize != held:
            raise DataError(f"{what}: its member {member.filename!r} holds {held} bytes, which is no {kind} array of "
                            f"shape {list(shape)}")
    with archive.open(member) as file:
        array: AnyArray = np.lib.format.read_array(file, allow_pickle=False)
        file.read()  # the archive's checksum is compared at the end
    return array
