"""Every operator of the quantized graph on PyTorch's CPU device: the reference backend's bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.gather import gather_attributes
from compiler.graph import CONVERSIONS, Graph, Op
from compiler.passes.legality import QUANTIZED
from runtime.reference import ReferenceBackend
from tests.compiler.backend.conftest import Net
from tests.compiler.backend.random_layers import KINDS, add_layer, add_product

torch = pytest.importorskip("torch")

from runtime.gpu import DeviceGraph  # noqa: E402
from runtime.gpu import integer_operators as operators  # noqa: E402
from runtime.gpu.products import float_product, int8_product  # noqa: E402

CPU = torch.device("cpu")
SHAPE = (6, 7, 9)
Build = Callable[[Net, str], str]


def _concat(net: Net, x: str) -> str:
    return net.concat(x, net.pool(x, Op.MAX_POOL, (1, 1), (1, 1)))


def _interleave(net: Net, x: str) -> str:
    parts = [net.slice(x, h=(0, 4, 1)), net.slice(x, h=(3, 7, 1))]
    return net.move(Op.INTERLEAVE, *parts, factors=(2, 1), size=(7, 9))


CASES: dict[tuple[Op, str], Build] = {
    (Op.CONV2D, "plain"): lambda net, x: net.conv(x, 5),
    (Op.CONV2D, "1x1, strides"): lambda net, x: net.conv(x, 20, (1, 1), (2, 3), (0, 0, 0, 0)),
    (Op.CONV2D, "uneven window"): lambda net, x: net.conv(x, 5, (2, 3), (2, 1), (0, 1, 2, 3), (1, 2)),
    (Op.CONV2D, "groups"): lambda net, x: net.conv(x, 8, (3, 2), groups=2),
    (Op.CONV2D, "depthwise"): lambda net, x: net.conv(x, 12, (3, 2), (1, 2), (2, 0, 1, 1), groups=6),
    (Op.DENSE, "plain"): lambda net, x: net.dense(net.reshape(x, 378), 9),
    (Op.ADD, "two"): lambda net, x: net.add(x, net.conv(x, 6)),
    (Op.ADD, "broadcast"): lambda net, x: net.add(net.constant(6, 1, 9), x),
    (Op.SUB, "two"): lambda net, x: net.binary(Op.SUB, x, net.conv(x, 6)),
    (Op.SUB, "constant first"): lambda net, x: net.binary(Op.SUB, net.constant(1, 7, 1), x),
    (Op.MUL, "gate"): lambda net, x: net.binary(Op.MUL, x, net.pool(x, Op.AVERAGE_POOL, (7, 9), (1, 1))),
    (Op.TABLE, "random"): lambda net, x: net.table(x),
    (Op.MAX_POOL, "padded"): lambda net, x: net.pool(x, Op.MAX_POOL, (3, 2), (2, 1), (1, 1, 2, 0)),
    (Op.AVERAGE_POOL, "padded"): lambda net, x: net.pool(x, Op.AVERAGE_POOL, (3, 2), (2, 1), (1, 1, 2, 0)),
    (Op.AVERAGE_POOL, "padding counted"): lambda net, x: net.pool(x, Op.AVERAGE_POOL, (3, 3), (2, 2), (1, 1, 1, 1), 1),
    (Op.RESHAPE, "flatten"): lambda net, x: net.reshape(x, 378),
    (Op.CONCAT, "channels"): _concat,
    (Op.SLICE, "steps"): lambda net, x: net.slice(x, c=(1, 5, 1), h=(0, 7, 2), w=(2, 9, 3)),
    (Op.PAD, "value"): lambda net, x: net.pad(x, 0, 1, 0, 2, 0, 0, 3, 1, value=0.7),
    (Op.TRANSPOSE, "channels last"): lambda net, x: net.transpose(x, 0, 2, 3, 1),
    (Op.GATHER, "two axes"): lambda net, x: net.move(
        Op.GATHER, x, **gather_attributes([(5, 0, 0), tuple(range(7)), (8, 2, 3, 1)])),
    (Op.INTERLEAVE, "cut off"): _interleave,
}
"""By operator and form, on an image of `SHAPE`."""


def check(graph: Graph, samples: int, seed: int = 0) -> None:
    """Compare every int8 tensor with the reference's."""
    random = np.random.default_rng(seed)
    inputs = {name: random.integers(-128, 128, (samples, *graph.tensors[name].shape[1:])).astype(np.int8)
              for name in graph.inputs}
    expected = ReferenceBackend().run_integers(graph, inputs, all_tensors=True)
    made = [name for name in expected if name not in graph.inputs]
    prepared = DeviceGraph(graph.replace(outputs=made), CPU, quantized=True)
    values, seconds = prepared.run(prepared.upload(inputs))
    found = prepared.download(values)
    for name in made:
        np.testing.assert_array_equal(found[name], expected[name], err_msg=name, strict=True)
    assert seconds.device > 0 and seconds.host == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]}: {case[1]}")
def test_operator_gives_the_bytes_of_the_reference(case: tuple[Op, str]) -> None:
    net = Net(3)
    check(net.graph(CASES[case](net, net.input(*SHAPE))), samples=3)


def test_every_operator_has_a_case() -> None:
    on_device = {op for op in QUANTIZED if op not in (Op.SOFTMAX, Op.ONNX)}
    assert set(operators.INTEGER) == on_device
    assert {op for op, _ in CASES} == on_device - CONVERSIONS  # test_networks.py has these


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 2**31), st.integers(1, 3))
def test_random_networks_give_the_bytes_of_the_reference(data: st.DataObject, seed: int, samples: int) -> None:
    net = Net(seed)
    x = net.input(data.draw(st.integers(1, 9)), data.draw(st.integers(5, 9)), data.draw(st.integers(5, 9)))
    for _ in range(data.draw(st.integers(1, 4))):
        x = add_layer(data.draw, net, x, (*KINDS, "gate", "pad"))
    check(net.graph(add_product(data.draw, net, x)), samples, seed)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 70), st.integers(1, 300), st.integers(1, 40), st.integers(0, 2**31), st.booleans())
def test_products_are_exact(m: int, k: int, n: int, seed: int, extreme: bool) -> None:
    random = np.random.default_rng(seed)
    x, weight = (random.integers(-128, 128, shape).astype(np.int8) for shape in ((m, k), (n, k)))
    if extreme:
        x[:], weight[:] = -128, -128
    expected = x.astype(np.int64) @ weight.astype(np.int64).T
    for product in (int8_product, float_product):
        found = product(torch.from_numpy(weight))(torch.from_numpy(x))
        np.testing.assert_array_equal(found.numpy(), expected)


def test_convolutions_through_the_int8_product(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "product_with", int8_product)
    for case in CASES:
        if case[0] in (Op.CONV2D, Op.DENSE):
            net = Net(4)
            check(net.graph(CASES[case](net, net.input(*SHAPE))), samples=2)


def test_single_precision_is_left_where_it_would_be_rounded() -> None:
    weight = torch.ones((1, 3), dtype=torch.int8)
    x = torch.tensor([[127, -128, 3]], dtype=torch.int8)
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision("medium")
        assert float_product(weight)(x).tolist() == [[2]]
    finally:
        torch.set_float32_matmul_precision(before)


