"""A kernel: a program without a network around it, its results by name, and what is expected of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from machine.program import Program

AnyArray = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Output:
    """A named result in memory: its address, shape and type, and what it must hold (None where nothing is said)."""

    name: str
    address: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    expected: AnyArray | None

    def read(self, memory: npt.NDArray[np.uint8]) -> AnyArray:
        """Return the result from a memory at the end of a run, uint8[memory bytes]."""
        size = math.prod(self.shape) * self.dtype.itemsize
        return memory[self.address : self.address + size].view(self.dtype).reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Kernel:
    """A program whose sections are its nodes, what it is called, and its results."""

    name: str
    program: Program
    outputs: tuple[Output, ...] = ()
