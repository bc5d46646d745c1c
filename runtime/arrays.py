"""Named arrays in and out: `.npz` files and their checks against the model's own inputs."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph
from compiler.importer.float_session import samples_of
from machine.arrays import MOST_FILE_BYTES, parse_arrays, read_arrays
from machine.errors import DataError
from machine.files import read_stream

AnyArray = npt.NDArray[Any]


def load_arrays(path: str) -> dict[str, AnyArray]:
    """Read the arrays of an `.npz` file; `-` is standard input.

    Raises:
        DataError: the file cannot be read, is not an `.npz` file, or holds Python objects.
    """
    if path != "-":
        return read_arrays(path)
    return parse_arrays(read_stream(sys.stdin.buffer, MOST_FILE_BYTES), "standard input")


def dump_arrays(arrays: Mapping[str, AnyArray]) -> bytes:
    """Return arrays as the bytes of an `.npz` file, the same for the same arrays, whatever their names are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in arrays.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
    return buffer.getvalue()


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
        counts.add(samples_of(graph, name, array))
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise DataError(f"input {name!r} holds NaN or infinite values")
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"all inputs must hold the same number of samples, at least one; received {sorted(counts)}")
    return int(counts.pop())


def _names(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
