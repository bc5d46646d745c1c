"""Layers that hypothesis draws, for tests of random networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from compiler.graph import Op

Draw = Callable[[Any], Any]
KINDS = ("conv", "depthwise", "max", "average", "residual")


def add_layer(draw: Draw, built: Any, x: str, kinds: Sequence[str] = KINDS) -> str:
    """Add a layer of one of some kinds (those of `KINDS`, "gate" and "pad") to a network and return its output."""
    _, c, height, width = built.tensor(x).shape
    kind = draw(st.sampled_from(kinds))
    k = (min(draw(st.integers(1, 5)), height), min(draw(st.integers(1, 5)), width))
    stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    pads = tuple(draw(st.integers(0, (k[i % 2] - 1) // 2)) for i in range(4))
    if kind == "conv":
        return built.conv(x, draw(st.integers(1, 24)), k, stride, pads)
    if kind == "depthwise":
        return built.conv(x, c, k, stride, pads, groups=c)
    if kind == "residual":
        return built.add(x, built.conv(x, c, (3, 3)))
    if kind == "gate":
        return built.binary(Op.MUL, x, built.pool(x, Op.AVERAGE_POOL, (height, width), (1, 1)))
    if kind == "pad":
        return built.pad(x, 0, draw(st.integers(0, 3)), *draw(st.tuples(*[st.integers(0, 2)] * 2)), 0, 0, 1, 1)
    return built.pool(x, Op.MAX_POOL if kind == "max" else Op.AVERAGE_POOL, k, stride, pads)


def add_product(draw: Draw, built: Any, x: str) -> str:
    """Add a product of the flattened activation, or nothing, and return the network's output."""
    if draw(st.booleans()):
        return built.dense(built.reshape(x, int(np.prod(built.tensor(x).shape))), draw(st.integers(1, 20)))
    return x
