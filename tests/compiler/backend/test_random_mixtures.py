"""Random networks of every kernel: what one layer leaves where is what the next ones take, whatever they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.backend.layers import Edge, Layout
from compiler.graph import Graph, Op
from machine.config import load_machine

MACHINES = ["nano4", "edge4x8", "edge8x4", "edge16"]
NONE = (0, 0, 0, 0)
STEPS = [
    "conv", "map", "strided", "depthwise", "grouped", "table", "binary", "binary", "constant", "max", "average",
    "global", "flatten", "dense",
]


def _mixture(net: Any, seed: int) -> Graph:
    """Up to nine steps, each from one of the last activations or two that broadcast; some are outputs too."""
    random = np.random.default_rng(seed)
    built = net(seed)
    made = [built.input(*(int(size) for size in random.integers(1, (24, 12, 12))))]
    for _ in range(int(random.integers(2, 10))):
        x = made[int(random.integers(max(0, len(made) - 3), len(made)))]
        y = _step(built, random, made, x, STEPS[int(random.integers(len(STEPS)))])
        made += [] if y is None else [y]
    if len(made) == 1:
        made.append(built.table(made[0]))
    outputs = [made[-1], *(name for name in made[1:-1] if random.random() < 0.2)]
    needed, kept = set(outputs), []
    for node in reversed(built.nodes):
        if node.output in needed:
            kept.append(node)
            needed.update(node.inputs)
    built.nodes = kept[::-1]
    return built.graph(*outputs)


def _step(built: Any, random: np.random.Generator, made: list[str], x: str, kind: str) -> str | None:
    """Add one step behind an activation and return what it makes, None where the step does not fit."""
    shape = built.tensor(x).shape
    operators = [Op.ADD, Op.SUB, Op.MUL]
    if kind == "table":
        return built.table(x)
    if kind == "constant":
        other = built.constant(*(1 if random.random() < 0.4 else size for size in shape[1:]))
        return built.binary(operators[int(random.integers(3))], *random.permutation([x, other]).tolist())
    if kind == "binary":
        fitting = [name for name in made if _broadcast(built.tensor(name).shape, shape)]
        other = fitting[int(random.integers(len(fitting)))]
        return built.binary(operators[int(random.integers(3))], *random.permutation([x, other]).tolist())
    if len(shape) == 2:
        return built.dense(x, int(random.integers(1, 20)))
    channels, height, width = shape[1:]
    makers: dict[str, Callable[[], str]] = {
        "conv": lambda: built.conv(x, int(random.integers(1, 24))),
        "map": lambda: built.conv(x, 1, (1, 1), pads=NONE),
        "strided": lambda: built.conv(x, int(random.integers(1, 9)), (3, 3), (2, 2)),
        "depthwise": lambda: built.conv(x, channels, groups=channels),
        "grouped": lambda: built.conv(x, channels, groups=2 if channels % 2 == 0 else 1),
        "global": lambda: built.pool(x, Op.AVERAGE_POOL, (height, width), (1, 1)),
        "flatten": lambda: built.reshape(x, channels * height * width),
        "max": lambda: built.pool(x, Op.MAX_POOL),
        "average": lambda: built.pool(x, Op.AVERAGE_POOL, (2, 2), (1, 1), (1, 1, 0, 0)),
    }
    fits = kind in makers and (kind not in ("max", "average") or min(height, width) > 1)
    return makers[kind]() if fits else None


def _broadcast(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return len(a) == len(b) and all(p == q or 1 in (p, q) for p, q in zip(a, b, strict=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from(MACHINES), st.booleans())
def test_random_mixtures(net: Any, check: Callable[..., Any], seed: int, machine: str, blocked: bool) -> None:
    graph = _mixture(net, seed)
    images = all(len(graph.tensors[name].shape) == 4 for name in (*graph.inputs, *graph.outputs))
    edge = Layout.BLOCKED if blocked and images else Layout.DENSE
    check(load_machine(machine), graph, edge=Edge(edge, edge))
