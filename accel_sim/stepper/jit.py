"""The compiler of the stepper: Numba, with the settings that all its functions share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function for the processor when it is first called; division by zero is not checked."""
    return cast(Function, numba.njit(error_model="numpy")(function))


def compiled_and_kept(function: Function) -> Function:
    """Like `compiled`, and keep the machine code on disk for the next process.

    Numba notices a change of the function's own file only, so that file must make the function depend on the text of
    everything that it calls.
    """
    return cast(Function, numba.njit(error_model="numpy", cache=True, nogil=True)(function))
