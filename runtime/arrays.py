"""Named arrays in and out: `.npz` files and their checks against the model's own inputs."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph
from machine.errors import DataError
from machine.program import write_atomically

AnyArray = npt.NDArray[Any]


def load_arrays(path: str) -> dict[str, AnyArray]:
    """Read the arrays of an `.npz` file; `-` is standard input.

    Raises:
        DataError: the file cannot be read, is not an `.npz` file, or holds Python objects.
    """
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path!r}: {error.strerror}") from None
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{path!r} is a single array; an .npz file with an array for each input is needed")
            return {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError, OSError, SyntaxError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"{path!r} is not a readable .npz file: {reason}") from None


def save_arrays(path: str, arrays: Mapping[str, AnyArray]) -> None:
    """Write arrays as an `.npz` file, through a temporary file; `-` is standard output."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(arrays))
    if path == "-":
        sys.stdout.buffer.write(buffer.getvalue())
    else:
        write_atomically(Path(path), buffer.getvalue())


def check_inputs(graph: Graph, arrays: Mapping[str, AnyArray]) -> int:
    """Check arrays against the graph's inputs and return the number of samples.

    Raises:
        DataError: wrong names, types, shapes, numbers of samples, or values that are not finite.
    """
    if set(arrays) != set(graph.inputs):
        raise DataError(f"the model's inputs are {_names(graph.inputs)}, received {_names(sorted(arrays))}")
    counts = set()
    for name, array in arrays.items():
        tensor = graph.tensors[name]
        if array.dtype != np.dtype(tensor.dtype):
            raise DataError(f"input {name!r} must be {tensor.dtype}, received {array.dtype}")
        if array.ndim != len(tensor.shape) or array.shape[1:] != tensor.shape[1:]:
            wanted = ", ".join(["samples", *map(str, tensor.shape[1:])])
            raise DataError(f"input {name!r} must have shape [{wanted}], received {list(array.shape)}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"input {name!r} holds NaN or infinite values")
        counts.add(array.shape[0])
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"all inputs must hold the same number of samples, at least one; received {sorted(counts)}")
    return int(counts.pop())


def _names(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
