"""The golden integer arithmetic (`machine.numerics`) on PyTorch tensors, bit for bit the same.

Sums and products are int64, and reduced modulo 2**32 by the conversion to int32, wherever the law says so.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from machine.numerics import INT8_MAX, INT8_MIN, AddRescale, Int32Array, Int64Array, Rescale


def wrap32(values: Tensor) -> Tensor:
    """Reduce integers modulo 2**32: int64 in, int64 within int32 out."""
    return values.to(torch.int32).to(torch.int64)


class Scaler:
    """`numerics.rescale` with its parameters on the device: int64 within int32 -> int64 within int32."""

    def __init__(self, multiplier: Tensor, left: Tensor, right: Tensor) -> None:
        """Take int64 tensors that broadcast against the values."""
        self._multiplier, self._right = multiplier, right
        self._left = left if bool(left.any()) else None  # most have none: a pass over the values less
        self._mask = (torch.ones_like(right) << right) - 1

    def __call__(self, values: Tensor) -> Tensor:
        """Requantize."""
        shifted = values if self._left is None else wrap32(values << self._left)
        product = (shifted * self._multiplier + (1 << 30)) >> 31
        threshold = (self._mask >> 1) + (product < 0)
        return (product >> self._right) + ((product & self._mask) > threshold)


class Finisher:
    """`numerics.finish` with its parameters on the device: integers -> int8."""

    def __init__(self, bias: Tensor, scaler: Scaler, zero_point: int, low: int, high: int) -> None:
        """Take the bias, int64, and the rescale that follows it."""
        self._bias, self._scale = bias, scaler
        self._zero_point, self._low, self._high = zero_point, low, high

    def __call__(self, accumulators: Tensor) -> Tensor:
        """Add the bias, requantize, add the zero point and clamp."""
        scaled = self._scale(wrap32(accumulators.to(torch.int64) + self._bias))
        return clamp_int8(wrap32(scaled + self._zero_point), self._low, self._high)


def scaler_of(rescale: Rescale, device: torch.device) -> Scaler:
    """Return the requantization of one real factor."""
    parts = (rescale.multiplier, rescale.left, rescale.right)
    return Scaler(*(torch.tensor(part, dtype=torch.int64, device=device) for part in parts))


def add_scalers(rescale: AddRescale, device: torch.device) -> tuple[Scaler, Scaler, Scaler]:
    """Return the requantizations of an addition: of the operands and of the sum."""
    a, b, out = (scaler_of(part, device) for part in (rescale.a, rescale.b, rescale.out))
    return a, b, out


def integers(values: Int32Array | Int64Array, device: torch.device, *shape: int) -> Tensor:
    """Return integers on the device as int64, in a shape that broadcasts."""
    tensor = torch.from_numpy(np.asarray(values, np.int64)).to(device)
    return tensor.reshape(shape) if shape else tensor


def clamp_int8(values: Tensor, low: int, high: int) -> Tensor:
    """Clamp integers to [low, high], a sub-range of int8."""
    return values.clamp(low, high).to(torch.int8)


def quantize(values: Tensor, scale: float, zero_point: int) -> Tensor:
    """Return `numerics.quantize` of real values: int8."""
    steps = torch.round(values.to(torch.float64) / scale) + zero_point
    return steps.clamp(INT8_MIN, INT8_MAX).to(torch.int8)


def dequantize(values: Tensor, scale: float, zero_point: int) -> Tensor:
    """Return `numerics.dequantize` of int8 values: float32."""
    return ((values.to(torch.int32) - zero_point).to(torch.float64) * scale).to(torch.float32)
