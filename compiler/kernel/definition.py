"""Functions that are kernels: marked by a decorator, built for the machine that is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from compiler.kernel.builder import KernelBuilder
from compiler.kernel.kernel import Kernel
from machine.config import Machine


@dataclass(frozen=True)
class KernelDefinition:
    """A function that writes a kernel by a builder's calls, and returns nothing."""

    function: Callable[[KernelBuilder], None]

    @property
    def name(self) -> str:
        """The function's name, which is the kernel's."""
        return self.function.__name__

    @property
    def summary(self) -> str:
        """The first line of the function's docstring, "" without one."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def build(self, machine: Machine) -> Kernel:
        """Build the kernel for a machine.

        Raises:
            KernelError: it asks for what the machine does not have.
            ProgramError: the program would not be legal.
        """
        builder = KernelBuilder(machine, self.name)
        self.function(builder)
        return builder.build()


def kernel(function: Callable[[KernelBuilder], None]) -> KernelDefinition:
    """Mark a function as a kernel that `tpukit kernel FILE.py` finds; call its `build` with a machine in Python."""
    return KernelDefinition(function)
