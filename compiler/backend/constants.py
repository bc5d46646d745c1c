"""Constants in the memory image: weight tiles in the matrix engine's order, parameter entries, multiplier words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from compiler.backend.geometry import round_up
from compiler.backend.layers import ChannelParameters, Layer
from compiler.backend.tile import granules
from machine.config import Machine
from machine.numerics import Int8Array, Int32Array

ALIGNMENT = 256


class Constants:
    """A growing image; addresses are relative to its start. Equal bytes are kept once."""

    def __init__(self) -> None:
        """Start empty."""
        self._data = bytearray()
        self._known: dict[bytes, int] = {}

    def add(self, data: bytes) -> int:
        """Append bytes at an aligned address and return it."""
        if data not in self._known:
            self._data += bytes(round_up(len(self._data), ALIGNMENT) - len(self._data))
            self._known[data] = len(self._data)
            self._data += data
        return self._known[data]

    def image(self) -> npt.NDArray[np.uint8]:
        """Return the bytes, up to a multiple of the alignment."""
        size = round_up(len(self._data), ALIGNMENT)
        return np.frombuffer(bytes(self._data).ljust(size, b"\0"), np.uint8)


def weight_tiles(machine: Machine, layer: Layer) -> Int8Array:
    """Return a layer's weights as tiles: int8[blocks, planes, granules, KH, KW, rows, columns]."""
    assert layer.weight is not None
    outputs, channels, height, width = layer.weight.shape
    block, columns = machine.block_bytes, machine.columns
    planes = layer.source.seen.planes(machine)
    padded = np.zeros((round_up(outputs, block), planes * block, height, width), np.int8)
    padded[:outputs, :channels] = layer.weight
    split = padded.reshape(-1, columns, planes, block // machine.rows, machine.rows, height, width)
    tiles = split.transpose(0, 2, 3, 5, 6, 4, 1)
    return tiles[:, :, : granules(machine, layer)]


def multiplier_words(machine: Machine, layer: Layer) -> bytes:
    """Return depthwise weights as words: plane, kernel row, kernel column, lanes."""
    assert layer.weight is not None
    return operand_words(machine, layer.weight)


def operand_words(machine: Machine, values: Int8Array) -> bytes:
    """Return a constant operand, int8[C, H, W], in blocked layout."""
    channels, height, width = values.shape
    padded = np.zeros((round_up(channels, machine.block_bytes), height, width), np.int8)
    padded[:channels] = values
    return padded.reshape(-1, machine.block_bytes, height, width).transpose(0, 2, 3, 1).tobytes()


def channel_entries(machine: Machine, parameters: ChannelParameters) -> bytes:
    """Return a layer's parameter entries, ordered by lane group within the word, then plane."""
    lanes = machine.block_bytes // machine.columns
    sections = _sections(parameters)
    channels = round_up(sections.shape[1], machine.block_bytes)
    padded = np.zeros((3, channels), np.int32)
    padded[:, : sections.shape[1]] = sections
    split = padded.reshape(3, -1, lanes, machine.columns)
    return split.transpose(2, 1, 0, 3).astype("<i4").tobytes()


def uniform_entries(machine: Machine, parameters: ChannelParameters) -> bytes:
    """Return entries whose lanes are all equal, one for each index of the parameters."""
    entries = _sections(parameters).T[:, :, None]
    return np.broadcast_to(entries, (*entries.shape[:2], machine.columns)).astype("<i4").tobytes()


def record_entry(machine: Machine, record: Int32Array) -> bytes:
    """Return a residual addition's entry: `record` is int32[3, 4]."""
    entry = np.zeros((3, machine.columns), "<i4")
    entry[:, :4] = record
    return entry.tobytes()


def _sections(parameters: ChannelParameters) -> npt.NDArray[np.int32]:
    return np.stack([parameters.bias, parameters.multiplier, parameters.left | (parameters.right << 8)])
