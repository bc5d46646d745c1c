"""The compile cache: programs kept in a folder by what they were compiled from (docs/compile-cache.md).

The key is a hash of everything that a program depends on: the model with its weights, calibration data, machine, all
settings, and the text of the compiler itself. An entry is a program file, so a damaged one is recognised by its own
checksum; it is compiled again and replaced.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import accel_sim
import compiler
import machine
import runtime
from compiler.graph import Graph
from compiler.importer.load import load
from compiler.quantizer.calibration import CalibrationSource, RandomCalibration, read_calibration
from machine.config import Machine
from machine.errors import ProgramError
from machine.program import Program, load_program, write_atomically
from runtime.compile import compile_program, model_bytes

_PACKAGES = (accel_sim, compiler, machine, runtime)
_LIBRARIES = ("networkx", "numpy", "onnx", "onnxruntime")
WATCHING = "observe"
"""The setting that does not change the program."""


class Digest(Protocol):
    """What a hash object takes."""

    def update(self, data: bytes, /) -> None:
        """Take bytes."""
        ...


def compile_cached(
    folder: Path,
    model: str | Path | bytes | Graph,
    target: Machine,
    calibration: CalibrationSource,
    **settings: Any,
) -> tuple[Program, bool]:
    """Return the program that `compile_program` gives for the same arguments, and whether it came from the folder.

    The folder is made if need be; `settings` are further arguments of `compile_program`. On a hit no stage is observed.

    Raises:
        ProgramError: the folder cannot be written.
        TpukitError: as `compile_program`; what does not compile leaves no entry.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ProgramError(f"cannot make the cache {str(folder)!r}: {error.strerror}") from None
    samples = calibration if isinstance(calibration, RandomCalibration) else read_calibration(calibration)
    entry = folder / f"{compile_key(model, target, samples, settings)}.tpu"
    if entry.exists():
        try:
            return load_program(entry), True
        except ProgramError:
            entry.unlink(missing_ok=True)
    program = compile_program(model, target, samples, **settings)
    write_atomically(entry, program.to_bytes())
    return program, False


def compile_key(
    model: str | Path | bytes | Graph, target: Machine, calibration: CalibrationSource, settings: Mapping[str, Any]
) -> str:
    """Return the key of a compilation: 64 hexadecimal digits.

    Raises:
        ModelError: the model cannot be read.
    """
    digest = hashlib.sha256()
    if isinstance(model, Graph):
        _feed(digest, model.to_dict())
    else:
        _feed(digest, Path(model).name if isinstance(model, (str, Path)) else "")
        _feed(digest, model_bytes(load(model)))
    wanted = {name: value for name, value in settings.items() if name != WATCHING}
    _feed(digest, (target.to_dict(), calibration, wanted, _compiler_stamp()))
    return digest.hexdigest()


@functools.cache
def _compiler_stamp() -> tuple[str, ...]:
    """Return what changes with the compiler: a hash of its text, and the versions of what it computes with."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        folder = Path(package.__path__[0])
        for path in sorted(folder.rglob("*.py")):
            _feed(digest, (package.__name__, path.relative_to(folder).as_posix(), path.read_bytes()))
    return (digest.hexdigest(), sys.version, *(metadata.version(library) for library in _LIBRARIES))


def _feed(digest: Digest, value: object) -> None:
    """Add a value to a hash such that different values add different bytes: each with its kind and its length."""
    if isinstance(value, np.ndarray):
        _feed(digest, ("array", value.dtype.str, value.shape, np.ascontiguousarray(value).tobytes()))
    elif isinstance(value, bytes):
        digest.update(f"bytes {len(value)}:".encode() + value)
    elif isinstance(value, Enum):
        _feed(digest, (type(value).__name__, value.name))
    elif value is None or isinstance(value, (str, bool, int, float)):
        text = repr(value).encode()
        digest.update(f"{type(value).__name__} {len(text)}:".encode() + text)
    elif isinstance(value, Mapping):
        digest.update(f"mapping {len(value)}:".encode())
        for key in sorted(value):
            _feed(digest, (key, value[key]))
    elif isinstance(value, (set, frozenset)):
        _feed(digest, ("set", sorted(value)))
    elif isinstance(value, (list, tuple)):
        digest.update(f"sequence {len(value)}:".encode())
        for item in value:
            _feed(digest, item)
    elif is_dataclass(value) and not isinstance(value, type):
        _feed(digest, (type(value).__name__, {each.name: getattr(value, each.name) for each in fields(value)}))
    else:
        raise TypeError(f"{type(value).__name__} cannot be part of a compilation's key")
