"""One layer as a model, from a short text: `512x512x512` for a product, `1x64x56x56,64x3x3` for a convolution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from compiler.passes.shapes import MOST_ELEMENTS
from machine.errors import DataError

GEMM_FORM = "MxKxN, such as 512x512x512"
CONV_FORM = "1xCxHxW,OUTxKHxKW[,STRIDE[,PAD[,GROUPS]]], such as 1x64x56x56,64x3x3"
OPSET, IR_VERSION = 19, 9


def gemm_model(text: str, seed: int = 0) -> bytes:
    """Return the ONNX model of a product of an M x K matrix, the sample, by seeded random K x N weights.

    Raises:
        DataError: the text is not of that form, or a matrix is too large.
    """
    m, k, n = _numbers(text, "x", 3, f"--gemm {text!r} is not of the form {GEMM_FORM}")
    _hold((m, k), (k, n), (m, n))
    node = helper.make_node("MatMul", ["x", "w"], ["y"], "gemm")
    return _model(node, (1, m, k), (1, m, n), {"w": _weight(seed, k, k, n)})


def conv_model(text: str, seed: int = 0) -> bytes:
    """Return the ONNX model of a convolution with seeded random weights and a bias.

    By default the stride is 1, the padding on all sides half a kernel (rounded down), and there is one group.

    Raises:
        DataError: the text is not of that form, or what it says does not fit together.
    """
    form = f"--conv {text!r} is not of the form {CONV_FORM}"
    parts = text.split(",")
    if not 2 <= len(parts) <= 5:
        raise DataError(form)
    samples, channels, height, width = _numbers(parts[0], "x", 4, form)
    outputs, *kernel = _numbers(parts[1], "x", 3, form)
    stride = _numbers(parts[2], "x", 1, form)[0] if len(parts) > 2 else 1
    pad = _numbers(parts[3], "x", 1, form, least=0)[0] if len(parts) > 3 else None
    groups = _numbers(parts[4], "x", 1, form)[0] if len(parts) > 4 else 1
    if samples != 1:
        raise DataError(f"--conv {text!r} begins with {samples} samples; it must be 1: give the batch with --batch")
    if channels % groups or outputs % groups:
        raise DataError(f"--conv {text!r}: {groups} groups do not divide {channels} and {outputs} channels")
    pads = [kernel[0] // 2, kernel[1] // 2] if pad is None else [pad, pad]
    sizes = [(size + 2 * p - k) // stride + 1 for size, p, k in zip((height, width), pads, kernel, strict=True)]
    if min(sizes) < 1:
        raise DataError(f"--conv {text!r}: the kernel is larger than the padded image")
    shape = (1, channels, height, width)
    weight = (outputs, channels // groups, *kernel)
    _hold(shape, weight, (outputs, *sizes))
    node = helper.make_node(
        "Conv", ["x", "w", "b"], ["y"], "conv", kernel_shape=kernel, strides=[stride] * 2, pads=pads * 2, group=groups
    )
    constants = {"w": _weight(seed, math.prod(weight[1:]), *weight), "b": _weight(seed + 1, 100, outputs)}
    return _model(node, shape, (1, outputs, *sizes), constants)


def _numbers(text: str, separator: str, count: int, form: str, least: int = 1) -> list[int]:
    parts = text.split(separator)
    if len(parts) != count or any(not part.isascii() or not part.isdigit() or len(part) > 9 for part in parts):
        raise DataError(form)
    numbers = [int(part) for part in parts]
    if min(numbers) < least:
        raise DataError(form)
    return numbers


def _hold(*shapes: Sequence[int]) -> None:
    for shape in shapes:
        if math.prod(shape) > MOST_ELEMENTS:
            raise DataError(f"a tensor would be {list(shape)}; up to {MOST_ELEMENTS} values are supported")


def _weight(seed: int, fan_in: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(0, fan_in**-0.5, shape).astype(np.float32)


def _model(node: onnx.NodeProto, x: Sequence[int], y: Sequence[int], constants: Mapping[str, Any]) -> bytes:
    graph = helper.make_graph(
        [node], "kernel",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", *x[1:]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", *y[1:]])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
    return bytes(model.SerializeToString(deterministic=True))
