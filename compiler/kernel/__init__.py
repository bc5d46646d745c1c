"""Kernels written in Python: a builder of programs for one machine, without a network around them (docs/kernels.md)."""

from compiler.kernel.builder import KernelBuilder, Loop
from compiler.kernel.definition import KernelDefinition, kernel
from compiler.kernel.kernel import Kernel, Output
from compiler.kernel.regions import Region

__all__ = ["Kernel", "KernelBuilder", "KernelDefinition", "Loop", "Output", "Region", "kernel"]
