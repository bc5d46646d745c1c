"""The compiler of the stepper: Numba, with the settings that all its functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function that only compiled functions call (without entry from Python: a third of the compile time)."""
    settings: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(Function, numba.njit(error_model="numpy", **settings)(function))


def compiled_and_kept(function: Function) -> Function:
    """Like `compiled`, and keep the machine code on disk for the next process.

    Numba notices a change of the function's own file only, so that file must make the function depend on the text of
    everything that it calls.
    """
    return cast(Function, numba.njit(error_model="numpy", cache=True, nogil=True)(function))
