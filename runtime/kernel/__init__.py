"""Kernels from files, run on simulator and RTL, checked and profiled (docs/kernels.md)."""

from runtime.kernel.load import KernelSource, load_kernels
from runtime.kernel.run import KernelRun, run_kernel

__all__ = ["KernelRun", "KernelSource", "load_kernels", "run_kernel"]
