"""Pools, reductions, sequences and products of any rank, from ONNX to bytes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from onnx import helper

from compiler.graph import Op
from compiler.importer.onnx_import import import_onnx
from tests.compiler.backend.from_onnx import check_model, model_of
from tests.compiler.backend.operator_forms import (
    DILATED_POOLS,
    PRODUCTS,
    REDUCTIONS,
    floats,
    product,
    reduction,
)
from tests.compiler.refusals import refusal

make = helper.make_node
MACHINES = ["nano4", "edge8x4"]


@pytest.mark.parametrize(("axes", "shape", "keepdims"), REDUCTIONS.values(), ids=REDUCTIONS)
@pytest.mark.parametrize("kind", ["ReduceMean", "ReduceSum", "ReduceMax"])
def test_reductions(check: Any, kind: str, axes: list[int], shape: tuple[int, ...], keepdims: int) -> None:
    check_model(check, reduction(kind, axes, shape, keepdims))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_reduction_behind_a_convolution(check: Any, machine: str) -> None:
    nodes = [make("Conv", ["x", "w"], ["c"], pads=[1] * 4), make("ReduceMean", ["c", "axes"], ["m"], keepdims=0),
             make("MatMul", ["m", "k"], ["y"])]
    constants = {"w": floats(10, 3, 3, 3), "axes": np.array([2, 3]), "k": floats(10, 6)}
    check_model(check, model_of(nodes, (1, 3, 8, 8), constants, opset=18), machine, steps=6)


def test_no_axes_do_nothing_where_asked(check: Any) -> None:
    nodes = [make("ReduceSum", ["x"], ["r"], noop_with_empty_axes=1), make("Relu", ["r"], ["y"])]
    check_model(check, model_of(nodes, (1, 3, 4, 4), opset=13))


@pytest.mark.parametrize("axes", [[], [0], [0, 2]])
def test_the_batch_is_kept(axes: list[int]) -> None:
    node = make("ReduceMean", ["x"], ["y"], name="n", **({"axes": axes} if axes else {}))
    reason = refusal(model_of(node, (1, 3, 4, 4), opset=13))
    assert re.search(r"^node 'n' \(ReduceMean\): axis 0, the batch, is not supported$", reason)


def test_axes_are_different() -> None:
    node = make("ReduceMax", ["x"], ["y"], name="n", axes=[1, -3])
    reason = refusal(model_of(node, (1, 3, 4, 4), opset=13))
    assert re.search(r"axes \[1, -3\] are not different axes of 4 dimensions", reason)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
@pytest.mark.parametrize("attributes", DILATED_POOLS.values(), ids=DILATED_POOLS)
def test_dilated_pools(check: Any, kind: str, attributes: dict[str, Any], machine: str) -> None:
    check_model(check, model_of(make(kind, ["x"], ["y"], **attributes), (1, 5, 11, 10)), machine)


@pytest.mark.parametrize("shape", [(1, 5, 9), (1, 5, 6, 7)])
@pytest.mark.parametrize("kind", ["GlobalMaxPool", "GlobalAveragePool"])
def test_global_pools(check: Any, kind: str, shape: tuple[int, ...]) -> None:
    check_model(check, model_of(make(kind, ["x"], ["y"]), shape))


@pytest.mark.parametrize("machine", MACHINES)
def test_a_network_of_sequences(check: Any, machine: str) -> None:
    """Every layer of it reads the blocks of the one before: sequences cost no copies."""
    constants = {"w": floats(8, 3, 5), "s": floats(8) ** 2 + 0.5, "b": floats(8), "m": floats(8),
                 "v": floats(8) ** 2 + 1, "d": floats(8, 1, 3), "k": floats(6, 8, 1)}
    nodes = [
        make("Conv", ["x", "w"], ["c"], strides=[2], pads=[2, 1]),
        make("BatchNormalization", ["c", "s", "b", "m", "v"], ["n"]), make("Relu", ["n"], ["r"]),
        make("MaxPool", ["r"], ["p"], kernel_shape=[3], strides=[2], auto_pad="SAME_UPPER"),
        make("Conv", ["p", "d"], ["e"], group=8, pads=[2, 2], dilations=[2]),
        make("Add", ["e", "p"], ["a"]), make("Conv", ["a", "k"], ["f"]),
        make("AveragePool", ["f"], ["y"], kernel_shape=[2]),
    ]
    program = check_model(check, model_of(nodes, (1, 3, 41), constants), machine, steps=6)
    assert "copy" not in [layer.kernel for layer in program.layers]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("shape", "matrix", "left"), PRODUCTS.values(), ids=PRODUCTS)
def test_products(check: Any, shape: tuple[int, ...], matrix: tuple[int, ...], left: bool, machine: str) -> None:
    check_model(check, product(shape, matrix, left), machine)


@pytest.mark.parametrize(("shape", "matrix", "left", "reason"), [
    ((1, 4, 9), (8, 5), False, "the 9 of axis 2 of input .* do not fit matrix"),
    ((1, 4, 9), (2, 9, 5), False, "only a constant matrix of two dimensions"),
    ((1, 9), (3, 1), True, "would be summed over its batch"),
])
def test_products_that_are_refused(
    shape: tuple[int, ...], matrix: tuple[int, ...], left: bool, reason: str
) -> None:
    node = make("MatMul", ["k", "x"] if left else ["x", "k"], ["y"], name="n")
    model = model_of(make("Relu", ["x"], ["y"]), shape, {"k": floats(*matrix)})
    model.graph.node[0].CopyFrom(node)
    assert re.search(rf"^node 'n' \(MatMul\): .*{reason}", refusal(model))


def test_dilated_pools_padded_by_more_than_the_kernel_are_refused() -> None:
    node = make("MaxPool", ["x"], ["y"], name="n", kernel_shape=[2, 2], dilations=[3, 3], pads=[2, 0, 0, 0])
    reason = refusal(model_of(node, (1, 3, 8, 8)))
    assert re.search(r"^node 'n' \(MaxPool\): padding .* must be below kernel \[2, 2\]", reason)


def test_a_pool_is_one_operation() -> None:
    graph = import_onnx(model_of(make("ReduceMax", ["x"], ["y"], axes=[2, 3]), (1, 3, 4, 4), opset=13))
    assert [node.op for node in graph.nodes()] == [Op.MAX_POOL, Op.RESHAPE]
