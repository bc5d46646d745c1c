"""The device that PyTorch computes on: which one, what it is called, what it could do, and when its memory is full."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch

from machine.errors import DataError, ToolError
from machine.text import one_line

DEVICE_VARIABLE = "TPUKIT_TORCH_DEVICE"
"""Environment variable: a PyTorch device (`cuda:1`) in place of the first CUDA device; `cpu` is for tests."""

MACS_PER_CYCLE: Mapping[tuple[int, int], Mapping[str, int]] = {
    (7, 0): {"float32": 64, "float16": 512},
    (7, 5): {"float32": 64, "float16": 512, "int8": 1024},
    (8, 0): {"float32": 64, "float16": 1024, "int8": 2048},
    (8, 6): {"float32": 128, "float16": 512, "int8": 1024},
    (8, 9): {"float32": 128, "float16": 512, "int8": 1024},
    (9, 0): {"float32": 128, "float16": 2048, "int8": 4096},
}
"""Multiply-accumulates of one multiprocessor in one cycle, dense, by compute capability.

float32: the throughput of multiply-add in the table "Throughput of Native Arithmetic Instructions" of NVIDIA's CUDA C++
Programming Guide (without TF32, which this backend does not use). float16 and int8: the tensor cores' figures of
NVIDIA's architecture white papers (V100, Turing TU102, A100, GA102, Ada, H100) over multiprocessors and boost clock.
"""
INT8_PRODUCT_CAPABILITY = (7, 5)
"""The first compute capability whose tensor cores take int8."""
FAILURES = ("CUDA error", "CUBLAS_STATUS", "CUDNN_STATUS", "cuDNN error")
"""What the texts of a CUDA device's other errors hold."""


def open_device() -> torch.device:
    """Return the device: the first CUDA device, or the one that `TPUKIT_TORCH_DEVICE` names.

    Raises:
        ToolError: there is no CUDA device, or none of that name.
    """
    wanted = os.environ.get(DEVICE_VARIABLE, "cuda")
    try:
        device = torch.device(wanted)
    except RuntimeError:
        raise ToolError(f"{DEVICE_VARIABLE} is {wanted!r}; legal are cuda, cuda:N and cpu") from None
    if device.type not in ("cuda", "cpu"):
        raise ToolError(f"{DEVICE_VARIABLE} is {wanted!r}; legal are cuda, cuda:N and cpu")
    if device.type == "cpu":
        return device
    if not torch.cuda.is_available():
        raise ToolError(f"no CUDA device (PyTorch {torch.__version__} sees none)")
    index = torch.cuda.current_device() if device.index is None else device.index
    if index >= torch.cuda.device_count():
        raise ToolError(f"{DEVICE_VARIABLE} is {wanted!r}; there are {torch.cuda.device_count()} CUDA device(s)")
    return torch.device("cuda", index)


def device_name(device: torch.device) -> str:
    """Return what reports call a device."""
    if device.type == "cpu":
        return f"the CPU, {torch.get_num_threads()} thread(s)"
    return torch.cuda.get_device_name(device)


def version() -> str:
    """Return the version of PyTorch, as reports say it."""
    return f"PyTorch {torch.__version__}"


def has_int8_product(device: torch.device) -> bool:
    """Whether a device multiplies int8 matrices itself."""
    return _is_nvidia(device) and torch.cuda.get_device_capability(device) >= INT8_PRODUCT_CAPABILITY


def _is_nvidia(device: torch.device) -> bool:
    """Whether a device has a compute capability: PyTorch calls AMD's devices CUDA devices too."""
    return device.type == "cuda" and torch.version.hip is None


def peak_macs_per_second(device: torch.device, number: str) -> float | None:
    """Return the multiply-accumulates a second that a device could do in a type of numbers; None where not known.

    The clock is the highest of the multiprocessors, as the driver says it.
    """
    if not _is_nvidia(device):
        return None
    properties = torch.cuda.get_device_properties(device)
    per_cycle = MACS_PER_CYCLE.get((properties.major, properties.minor), {}).get(number)
    clock_hz = _highest_clock_hz(device)
    if per_cycle is None or clock_hz is None:
        return None
    return float(properties.multi_processor_count * per_cycle * clock_hz)


def _highest_clock_hz(device: torch.device) -> float | None:
    """Return the highest clock of the multiprocessors as the driver's own tool says it; None where it does not."""
    chosen = getattr(torch.cuda.get_device_properties(device), "uuid", None)  # PyTorch 2.4 does not say it
    question = ["nvidia-smi", f"--id=GPU-{chosen}", "--query-gpu=clocks.max.sm", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(question, capture_output=True, text=True, timeout=20, check=True).stdout
        return float(answer.strip()) * 1e6
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


@contextmanager
def device_errors(device: torch.device) -> Iterator[None]:
    """Make one clear error of a device that runs out of memory or fails within the block.

    Raises:
        DataError: it did.
    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        reason = one_line(error).partition(". ")[0]
        raise DataError(f"{device_name(device)} ran out of memory: {reason}; try a smaller batch") from None
    except RuntimeError as error:  # of the CPU's allocator
        if "allocate memory" in str(error):
            raise DataError(f"{device_name(device)} ran out of memory; try a smaller batch") from None
        if any(text in str(error) for text in FAILURES):
            raise DataError(f"{device_name(device)} failed: {one_line(error)}") from None
        raise
