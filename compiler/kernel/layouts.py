"""NumPy arrays in the layouts that the machine reads: channel blocks, weight tiles, parameter entries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.backend import elementwise
from compiler.backend.constants import channel_entries, record_entry
from compiler.backend.geometry import round_up
from compiler.backend.layers import ChannelParameters
from compiler.quantizer.parameters import AddParameters
from machine.config import Machine
from machine.errors import KernelError
from machine.numerics import AddRescale, Int8Array, Rescale

AnyArray = npt.NDArray[Any]


def blocked(machine: Machine, array: Int8Array) -> Int8Array:
    """Return int8[..., C] in channel blocks, int8[C / B, ..., B]: B bytes, a scratchpad word, for each position.

    B is `machine.block_bytes`. Channels of the last block that do not exist are 0.

    Raises:
        KernelError: the array is not int8, or has no axis.
    """
    _check_int8("activations", array, 1)
    block = machine.block_bytes
    padded = np.zeros((*array.shape[:-1], round_up(array.shape[-1], block)), np.int8)
    padded[..., : array.shape[-1]] = array
    return np.ascontiguousarray(np.moveaxis(padded.reshape(*array.shape[:-1], -1, block), -2, 0))


def weight_tiles(machine: Machine, weights: Int8Array) -> Int8Array:
    """Return weights, int8[taps.., K, N], as tiles: int8[N / columns, K / rows, taps.., rows, columns].

    That is the order in which one matrix instruction takes them whose blocks are of output channels, whose outermost
    taps are of input channels, and whose other taps are those of the array. Rows and columns that do not exist are 0.

    Raises:
        KernelError: the weights are not int8, or have fewer than two axes.
    """
    _check_int8("weights", weights, 2)
    *taps, inputs, outputs = weights.shape
    padded = np.zeros((*taps, round_up(inputs, machine.rows), round_up(outputs, machine.columns)), np.int8)
    padded[..., :inputs, :outputs] = weights
    count = len(taps)
    split = padded.reshape(*taps, -1, machine.rows, padded.shape[-1] // machine.columns, machine.columns)
    order = (count + 2, count, *range(count), count + 1, count + 3)
    return np.ascontiguousarray(split.transpose(order))


def channel_parameters(machine: Machine, bias: npt.ArrayLike, rescale: Rescale | Sequence[Rescale]) -> AnyArray:
    """Return the parameter entries of channels, uint8: bias, int32[C], and one requantization for all or for each.

    Entries are of `columns` channels; where a word holds several, those of its first lanes come first, then the next.

    Raises:
        KernelError: there are no biases, they are not int32, or there is not one requantization for each.
    """
    biases = np.asarray(bias)
    if biases.ndim != 1 or biases.size == 0 or not np.issubdtype(biases.dtype, np.integer):
        raise KernelError(f"bias must be integers, one for each channel, received {_describe(biases)}")
    limits = np.iinfo(np.int32)
    if biases.min() < limits.min or biases.max() > limits.max:
        raise KernelError(f"bias must be int32, received {biases.min()} to {biases.max()}")
    scales = [rescale] * biases.size if isinstance(rescale, Rescale) else list(rescale)
    if len(scales) != biases.size:
        raise KernelError(f"{len(scales)} requantizations for {biases.size} channels")
    fields = np.array([[scale.multiplier, scale.left, scale.right] for scale in scales], np.int32).T
    return np.frombuffer(channel_entries(machine, ChannelParameters(biases.astype(np.int32), *fields)), np.uint8)


def addition_record(machine: Machine, rescale: AddRescale, zero_point: int, low: int, high: int) -> AnyArray:
    """Return the parameter entry of a residual addition, uint8 (docs/units/scratchpad.md).

    `zero_point`, `low` and `high` are those of its result.
    """
    parameters = AddParameters(rescale, 0, 0, zero_point, low, high)
    return np.frombuffer(record_entry(machine, elementwise.addition_record(rescale, parameters)), np.uint8)


def _check_int8(what: str, array: AnyArray, axes: int) -> None:
    if array.dtype != np.int8 or array.ndim < axes or array.size == 0:
        raise KernelError(f"{what} must be int8 of {axes} or more axes, received {_describe(array)}")


def _describe(array: AnyArray) -> str:
    return f"{array.dtype.name}{list(array.shape)}"
