"""Which input planes the weights of a convolution reach: grouped and banded ones are zero elsewhere."""

from __future__ import annotations

import numpy as np

from compiler.backend.geometry import ceil_div
from machine.config import Machine
from machine.numerics import Int8Array

Reach = tuple[tuple[int, int], ...]
"""By output plane, the input planes [first, stop); empty where every output plane reaches all."""


def weight_reach(machine: Machine, weight: Int8Array) -> Reach:
    """Return the reach of weights int8[CO, lanes, KH, KW]; an output plane of zeros reaches one input plane."""
    block = machine.block_bytes
    outputs, inputs = (ceil_div(size, block) for size in weight.shape[:2])
    if inputs == 1:
        return ()
    padded = np.zeros((outputs * block, inputs * block), np.bool_)
    padded[: weight.shape[0], : weight.shape[1]] = weight.any(axis=(2, 3))
    blocks = padded.reshape(outputs, block, inputs, block)
    spans = []
    for plane in range(outputs):
        found = np.flatnonzero(blocks[plane].any(axis=(0, 2)))
        nearest = min(plane, inputs - 1)
        spans.append((int(found[0]), int(found[-1]) + 1) if len(found) else (nearest, nearest + 1))
    return tuple(spans) if any(span != (0, inputs) for span in spans) else ()
