"""In place of `accel_sim.timing.jit`: the events kernel as plain Python, so that a changed one need not be compiled."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function as it is."""
    return function


compiled_and_kept = compiled


def text_stamp(package: str) -> int:
    """Return any number: nothing is kept."""
    return len(package)


def generated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what does the same as the instructions that the function writes (accel_sim/events/tables.py)."""
    return _IN_PYTHON[function.__name__]


def _record_at(address: int, number: int, dtype: Any) -> Any:
    place = int(address) + int(number) * dtype.itemsize
    return np.frombuffer((ctypes.c_char * dtype.itemsize).from_address(place), dtype=dtype)[0]


def _word(address: int, number: int) -> int:
    return ctypes.c_int64.from_address(int(address) + 8 * int(number)).value


def _set_word(address: int, number: int, value: int) -> None:
    ctypes.c_int64.from_address(int(address) + 8 * int(number)).value = int(value)


_IN_PYTHON: dict[str, Callable[..., Any]] = {"record_at": _record_at, "word": _word, "set_word": _set_word}
