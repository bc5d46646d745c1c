"""The compiler of both models of time: Numba, with the settings that all their functions share."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
import numba.extending

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function that only compiled functions call (without entry from Python: a third of the compile time)."""
    settings: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, numba.njit(error_model="numpy", **settings)(function))


def compiled_and_kept(function: Function) -> Function:
    """Like `compiled`, and keep the machine code on disk for the next process.

    Numba notices a change of the function's own file and of the values that it closes over, so it must close over
    `text_stamp` of everything that it calls.
    """
    return cast(Function, numba.njit(error_model="numpy", cache=True, nogil=True)(function))


def generated(function: Function) -> Callable[..., Any]:
    """Make a function from what writes its instructions (a Numba intrinsic)."""
    return cast(Callable[..., Any], numba.extending.intrinsic(function))


def text_stamp(package: str) -> int:
    """Return a number that changes with the text of any module of `accel_sim.<package>` or of what it shares."""
    rooms = Path(__file__).parent.parent
    folders = (rooms / package, rooms / "timing", rooms.parent / "machine")
    digest = sha256()
    for path in sorted(path for folder in folders for path in folder.glob("*.py")):
        digest.update(path.read_bytes())
    return int.from_bytes(digest.digest()[:7], "little")
