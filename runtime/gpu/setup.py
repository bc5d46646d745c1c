"""What an operator is prepared with: the graph, the device, and constants on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from compiler.graph import Graph, Node

AnyArray = npt.NDArray[Any]
Step = Callable[[Sequence[Tensor]], Tensor]
"""Computes a node's output from its operands that are no constants, samples along axis 0."""


@dataclass(frozen=True)
class Setup:
    """A graph that is being prepared for a device; `dtype` is the type in which float32 tensors are computed."""

    graph: Graph
    device: torch.device
    dtype: torch.dtype

    def constant(self, name: str) -> Tensor:
        """Return a constant on the device, float32 in the type of the computation."""
        return self.upload(self.graph.tensors[name].array)

    def upload(self, array: AnyArray) -> Tensor:
        """Return an array on the device, float32 in the type of the computation.

        Images in float16 lie channels last, as the tensor cores take them; what is computed from them does too.
        """
        tensor = torch.from_numpy(np.array(array)).to(self.device)  # a copy: the array may be read-only
        tensor = tensor.to(self.dtype) if tensor.dtype is torch.float32 else tensor
        images = tensor.dtype is torch.float16 and tensor.ndim == 4
        return tensor.contiguous(memory_format=torch.channels_last) if images else tensor

    def number(self, value: float) -> float:
        """Return a number within the finite range of the type of the computation, infinity as it is."""
        if abs(value) == float("inf"):
            return value
        most = torch.finfo(self.dtype).max
        return min(max(value, -most), most)

    def with_constants(self, node: Node, compute: Callable[..., Tensor]) -> Step:
        """Return the step that calls a function with all operands of a node, its constants among them."""
        fixed = {
            index: self.constant(name) for index, name in enumerate(node.inputs) if self.graph.tensors[name].is_constant
        }
        count = len(node.inputs)

        def step(operands: Sequence[Tensor]) -> Tensor:
            given = iter(operands)
            return compute(*(fixed[index] if index in fixed else next(given) for index in range(count)))

        return step


def window_of(node: Node) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int]]:
    """Return strides, dilations and the padding (left, right, top, bottom) of a convolution or a pool."""
    strides, pads = node.integers("strides"), node.integers("pads")
    dilations = node.integers("dilations") if "dilations" in node.attributes else (1, 1)
    return (strides[0], strides[1]), (dilations[0], dilations[1]), (pads[1], pads[3], pads[0], pads[2])


def windows(
    x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int], out: Sequence[int]
) -> Tensor:
    """Return a view [N, C, KH, KW, OH, OW] of a padded image [N, C, H, W]: what each kernel position sees."""
    x = x.contiguous()
    sample, channel, row, column = x.stride()
    steps = (row * dilations[0], column * dilations[1], row * strides[0], column * strides[1])
    return x.as_strided((*x.shape[:2], *kernel, *out), (sample, channel, *steps))
