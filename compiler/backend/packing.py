"""First layers: a dense image of few channels is read so that kernel positions lie side by side in a word's lanes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.backend.geometry import Geometry, Window, ceil_div, round_up
from compiler.backend.layers import Packing
from machine.config import Machine
from machine.numerics import Int8Array


@dataclass(frozen=True, slots=True, eq=False)
class PackedConvolution:
    """An equal convolution over the packed activation: `weight` is int8[CO, lanes, KH', 1]."""

    packing: Packing
    virtual: Geometry
    window: Window
    weight: Int8Array


def pack_convolution(
    machine: Machine, source: Geometry, output: Geometry, window: Window, weight: Int8Array
) -> PackedConvolution | None:
    """Return the cheapest packing of a convolution over a dense image, or None where plain blocks cost less."""
    blocks = ceil_div(output.channels, machine.columns)
    best = min(
        (_cost(machine, source, output, window, blocks, group), group) for group in range(1, window.kernel[0] + 1)
    )
    return None if _plain_cost(machine, source, output, window, blocks) < best[0] else _pack(
        machine, source, output, window, weight, best[1]
    )


def _runs(machine: Machine, window: Window) -> list[tuple[int, int]]:
    """Kernel columns as runs (first column, count) that one load window can read."""
    longest = min(window.kernel[1], machine.rows) if window.dilations[1] == 1 else 1
    return [(first, min(longest, window.kernel[1] - first)) for first in range(0, window.kernel[1], longest)]


def _lanes(machine: Machine, window: Window, channels: int, group: int) -> list[tuple[int, int, int, int, int]]:
    """Place runs (channel, row, column, count) in lanes; a run lies within one group of `rows` lanes."""
    placed, lane = [], 0
    for channel in range(channels):
        for row in range(group):
            for column, count in _runs(machine, window):
                if lane % machine.rows + count > machine.rows:
                    lane = round_up(lane, machine.rows)
                placed.append((channel, row, column, count, lane))
                lane += count
    return placed


def _virtual_rows(source: Geometry, output: Geometry, window: Window, group: int) -> tuple[int, int, int]:
    """Virtual height, input rows from a virtual row to the next, taps along y."""
    taps = ceil_div(window.kernel[0], group)
    if taps == 1:
        return output.height, window.strides[0], 1
    height = (output.height - 1) * window.strides[0] + (taps - 1) * group * window.dilations[0] + 1
    return height, 1, taps


def _cost(machine: Machine, source: Geometry, output: Geometry, window: Window, blocks: int, group: int) -> int:
    height, _, taps = _virtual_rows(source, output, window, group)
    lanes = _lanes(machine, window, source.channels, group)
    passes = ceil_div(lanes[-1][4] + lanes[-1][3], machine.rows) * taps * blocks
    load, matrix = len(lanes) * height * output.width, passes * output.height * output.width
    return max(load, matrix) + min(load, matrix) // 4


def _plain_cost(machine: Machine, source: Geometry, output: Geometry, window: Window, blocks: int) -> int:
    taps = window.kernel[0] * window.kernel[1] * ceil_div(source.channels, machine.rows)
    load, matrix = source.elements, taps * blocks * output.height * output.width
    return max(load, matrix) + min(load, matrix) // 4


def _pack(
    machine: Machine, source: Geometry, output: Geometry, window: Window, weight: Int8Array, group: int
) -> PackedConvolution:
    height, row_step, taps = _virtual_rows(source, output, window, group)
    lanes = _lanes(machine, window, source.channels, group)
    channels = lanes[-1][4] + lanes[-1][3]
    packed = np.zeros((weight.shape[0], channels, taps, 1), np.int8)
    for channel, row, column, count, lane in lanes:
        rows = weight[:, channel, row::group, column : column + count]
        packed[:, lane : lane + count, : rows.shape[1], 0] = rows.transpose(0, 2, 1)
    dilation = window.dilations
    packing = Packing(
        tuple((c, row * dilation[0], column * dilation[1], count, lane) for c, row, column, count, lane in lanes),
        row_step, window.strides[1], window.pads,
    )
    stride = window.strides[0] if taps > 1 else 1
    virtual_window = Window((taps, 1), (stride, 1), (group * dilation[0] if taps > 1 else 1, 1))
    return PackedConvolution(packing, Geometry(channels, height, output.width), virtual_window, packed)
