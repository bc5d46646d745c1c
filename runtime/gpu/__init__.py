"""The GPU backend: the compiler's float and quantized graphs in PyTorch (docs/compare.md).

Importing this package imports PyTorch, so it is imported only where a graph is to run on a GPU.

Raises:
    ToolError: PyTorch is not installed.
"""

from machine.errors import ToolError

try:
    import torch
except ImportError as error:
    raise ToolError("the gpu backend needs PyTorch, which is not installed: pip install 'tpukit[torch]'") from error

from runtime.gpu.device import DEVICE_VARIABLE, device_name, open_device, peak_macs_per_second, version
from runtime.gpu.executor import DeviceGraph, RunSeconds, run_quantized

FLOAT_TYPES = {"float32": torch.float32, "float16": torch.float16}
"""The float types that a graph can be executed in, by name."""

__all__ = [
    "DEVICE_VARIABLE", "FLOAT_TYPES", "DeviceGraph", "RunSeconds", "device_name", "open_device",
    "peak_macs_per_second", "run_quantized", "version",
]
