"""Concat, slice, pad and transpose on the machine: the reference's bytes on every machine shape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from compiler.backend.layers import Edge, Layout
from compiler.front import front
from compiler.graph import Graph, Op
from machine.config import load_machine

MACHINES = ["nano4", "edge8", "edge4x8", "edge16"]
NONE = (0, 0, 0, 0)


def _fire(net: Any) -> Graph:
    """Two convolutions of one tensor side by side, as in SqueezeNet; channels are whole blocks."""
    built = net(1)
    x = built.conv(built.input(3, 9, 9), 16)
    y = built.concat(built.conv(x, 16, (1, 1), pads=NONE), built.conv(x, 32))
    return built.graph(built.conv(y, 8))


def _concat_of_odd_channels(net: Any) -> Graph:
    built = net(2)
    x = built.input(5, 7, 6)
    y = built.concat(built.conv(x, 7), x, built.conv(x, 11))
    return built.graph(built.conv(y, 6), y)


def _dense_block(net: Any) -> Graph:
    """Every layer reads all before it, as in DenseNet."""
    built = net(3)
    x = built.conv(built.input(3, 8, 8), 8)
    for _ in range(3):
        x = built.concat(x, built.conv(x, 4))
    return built.graph(built.pool(x, Op.AVERAGE_POOL))


def _concat_of_rows_and_columns(net: Any) -> Graph:
    built = net(4)
    x = built.conv(built.input(3, 6, 5), 6)
    left, right = built.concat(x, built.conv(x, 6), axis=2), built.concat(x, x, axis=2)
    return built.graph(built.conv(built.concat(left, right, axis=3), 4))


def _concat_of_vectors(net: Any) -> Graph:
    built = net(5)
    x = built.input(21)
    return built.graph(built.dense(built.concat(built.dense(x, 13), x, built.dense(x, 30)), 9))


def _concat_only(net: Any) -> Graph:
    built = net(6)
    x = built.input(3, 5, 5)
    return built.graph(built.concat(x, x))


def _slices(net: Any) -> Graph:
    built = net(7)
    x = built.conv(built.input(3, 11, 10), 21)
    a, b = built.slice(x, c=(0, 9, 1)), built.slice(x, c=(9, 21, 1))
    c = built.slice(a, h=(1, 11, 2), w=(0, 9, 3))
    return built.graph(built.conv(b, 5), built.slice(built.conv(c, 4), c=(1, 4, 2)))


def _focus(net: Any) -> Graph:
    """Every second row and column of the model's own bytes, stacked."""
    built = net(8)
    x = built.input(3, 8, 10)
    parts = [built.slice(x, h=(i, 8, 2), w=(j, 10, 2)) for i in (0, 1) for j in (0, 1)]
    return built.graph(built.conv(built.concat(*parts), 8))


def _pads(net: Any) -> Graph:
    built = net(9)
    x = built.conv(built.pad(built.input(3, 6, 6), 0, 0, 2, 1, 0, 0, 0, 3), 8)
    y = built.pad(built.pool(x, Op.MAX_POOL), 0, 3, 1, 0, 0, 2, 0, 1, value=0.7)
    return built.graph(built.conv(y, 5), built.pad(y, *NONE, 0, 0, 0, 9, value=-9.0))


def _pad_of_channels_for_a_residual(net: Any) -> Graph:
    """The shortcut of a narrow residual network: average pool and zero channels."""
    built = net(10)
    x = built.conv(built.input(3, 8, 8), 8)
    short = built.pad(built.pool(x, Op.AVERAGE_POOL), 0, 0, 0, 0, 0, 8, 0, 0)
    return built.graph(built.add(built.conv(x, 16, (3, 3), (2, 2)), short))


def _channels_last(net: Any) -> Graph:
    """A model from another framework: its input and output have the channels last."""
    built = net(11)
    x = built.transpose(built.input(7, 6, 3), 0, 3, 1, 2)
    return built.graph(built.transpose(built.conv(x, 10), 0, 2, 3, 1))


def _shuffle(net: Any) -> Graph:
    built = net(12)
    x = built.conv(built.input(3, 6, 6), 12)
    y = built.transpose(built.reshape(x, 3, 4, 6, 6), 0, 2, 1, 3, 4)
    return built.graph(built.conv(built.reshape(y, 12, 6, 6), 12, groups=3))


def _depth_to_space(net: Any) -> Graph:
    built = net(13)
    x = built.conv(built.input(3, 4, 5), 12)
    y = built.transpose(built.reshape(x, 2, 2, 3, 4, 5), 0, 3, 4, 1, 5, 2)
    return built.graph(built.conv(built.reshape(y, 3, 8, 10), 4))


def _transposed_image(net: Any) -> Graph:
    built = net(14)
    x = built.transpose(built.conv(built.input(3, 5, 9), 10), 0, 1, 3, 2)
    return built.graph(built.transpose(built.conv(x, 4), 0, 3, 2, 1))


def _flattened_with_channels_last(net: Any) -> Graph:
    built = net(15)
    x = built.transpose(built.conv(built.input(3, 5, 5), 6), 0, 2, 3, 1)
    return built.graph(built.dense(built.reshape(x, 150), 7))


NETS: list[Callable[[Any], Graph]] = [
    _fire, _concat_of_odd_channels, _dense_block, _concat_of_rows_and_columns, _concat_of_vectors, _concat_only,
    _slices, _focus, _pads, _pad_of_channels_for_a_residual, _channels_last, _shuffle, _depth_to_space,
    _transposed_image, _flattened_with_channels_last,
]


@pytest.mark.parametrize("machine_name", MACHINES)
@pytest.mark.parametrize("make_net", NETS, ids=lambda f: f.__name__.strip("_"))
def test_bytes_of_the_reference(net: Any, check: Any, make_net: Callable[[Any], Graph], machine_name: str) -> None:
    check(load_machine(machine_name), make_net(net))


@pytest.mark.parametrize(("make_net", "machine_name", "copies"), [
    (_fire, "edge8", 0), (_fire, "edge16", 0), (_dense_block, "nano4", 0), (_dense_block, "edge8", 1),
    (_concat_of_odd_channels, "nano4", 1),
])
def test_a_concat_of_whole_blocks_costs_nothing(
    net: Any, check: Any, make_net: Callable[[Any], Graph], machine_name: str, copies: int
) -> None:
    program = check(load_machine(machine_name), make_net(net))
    assert [layer.kernel for layer in program.layers].count("copy") == copies


@pytest.mark.parametrize("machine_name", ["nano4", "edge8"])
def test_a_part_of_two_concats_lives_in_one(net: Any, check: Any, machine_name: str) -> None:
    built = net(21)
    x = built.conv(built.input(3, 6, 6), 8)
    a, b = built.conv(x, 8), built.conv(x, 16)
    y, z = built.concat(a, b), built.concat(b, a)
    check(load_machine(machine_name), built.graph(built.conv(y, 4), built.conv(z, 4), b))


@pytest.mark.parametrize("machine_name", MACHINES)
def test_blocked_edges(net: Any, check: Any, machine_name: str) -> None:
    built = net(20)
    x = built.concat(built.slice(built.input(13, 6, 6), c=(2, 12, 1)), "x")
    check(load_machine(machine_name), built.graph(x), edge=Edge(Layout.BLOCKED, Layout.BLOCKED))


def _random_pads(draw: Any, most: int) -> list[int]:
    return [0, *(draw(st.integers(0, most)) for _ in range(3)), 0, *(draw(st.integers(0, most)) for _ in range(3))]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_random_moves(net: Any, check: Any, data: Any) -> None:
    draw = data.draw
    built = net(draw(st.integers(0, 1 << 20)))
    x = built.input(draw(st.integers(1, 20)), draw(st.integers(2, 14)), draw(st.integers(2, 14)))
    for _ in range(draw(st.integers(1, 5))):
        shape = built.tensor(x).shape
        kind = draw(st.sampled_from(["conv", "concat", "slice", "pad", "transpose"]))
        if kind == "conv":
            x = built.conv(x, draw(st.integers(1, 20)))
        elif kind == "concat":
            other = built.conv(x, shape[1]) if draw(st.booleans()) else x
            x = built.concat(x, other, axis=draw(st.integers(1, 3)))
        elif kind == "pad":
            x = built.pad(x, *_random_pads(draw, 3), value=draw(st.sampled_from([0.0, 0.4, -3.0])))
        elif kind == "transpose":
            x = built.transpose(x, 0, *draw(st.permutations([1, 2, 3])))
        else:
            starts = [draw(st.integers(0, size - 1)) for size in shape[1:]]
            stops = [draw(st.integers(start + 1, size)) for start, size in zip(starts, shape[1:], strict=True)]
            steps = [draw(st.integers(1, 3)) for _ in starts]
            x = built.slice(x, **dict(zip("chw", zip(starts, stops, steps, strict=True), strict=True)))
    check(load_machine(draw(st.sampled_from(MACHINES))), built.graph(x))


@pytest.mark.parametrize("machine_name", ["nano4", "edge8", "edge4x8"])
def test_a_model_of_moves(check: Any, machine_name: str) -> None:
    """From ONNX: an image in another layout is normalised, padded, split, scaled and put together again."""
    random = np.random.default_rng(3)
    constants = {
        "mean": random.normal(size=(3, 1, 1)), "deviation": random.normal(size=(3, 1, 1)) ** 2 + 1,
        "w": random.normal(size=(11, 3, 3, 3)), "k": random.normal(size=(1, 5, 1, 1)), "two": np.array(2.0),
    }
    initializers = [numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in constants.items()]
    indexes = {"pads": [0, 0, 1, 1, 0, 0, 1, 1], "sizes": [5, 6], "starts": [1, 0], "ends": [9, 7], "axes": [2, 3]}
    initializers += [numpy_helper.from_array(np.array(v, np.int64), name) for name, v in indexes.items()]
    nodes = [
        helper.make_node("Transpose", ["x"], ["image"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["image", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "deviation"], ["normal"]),
        helper.make_node("Pad", ["normal", "pads"], ["padded"]),
        helper.make_node("Conv", ["padded", "w"], ["features"]),
        helper.make_node("Relu", ["features"], ["positive"]),
        helper.make_node("Split", ["positive", "sizes"], ["first", "second"], axis=1),
        helper.make_node("Mul", ["first", "k"], ["scaled"]),
        helper.make_node("Add", ["second", "two"], ["shifted"]),
        helper.make_node("Concat", ["shifted", "scaled", "first"], ["all"], axis=1),
        helper.make_node("Slice", ["all", "starts", "ends", "axes"], ["y"]),
    ]
    graph = helper.make_graph(
        nodes, "moves", [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 9, 8, 3))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 16, 8, 7))], initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    quantized = front(model, {"x": random.normal(size=(4, 9, 8, 3)).astype(np.float32)})
    program = check(load_machine(machine_name), quantized)
    assert any(layer.kernel == "copy" for layer in program.layers)
