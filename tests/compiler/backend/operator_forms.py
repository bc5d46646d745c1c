"""Models of one operator, `x` to `y`, in the forms that both the compiler's tests and co-simulation go through."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from tests.compiler.backend.from_onnx import model_of

make = helper.make_node
IMAGE = (1, 5, 6, 7)
Shape = tuple[int, ...]


def floats(*shape: int) -> npt.NDArray[np.float32]:
    """Return normally distributed constants, the same for the same shape."""
    return np.random.default_rng(shape).normal(size=shape).astype(np.float32)


def numbers(*values: float) -> npt.NDArray[Any]:
    """Return a vector: int64 where all values are integers, else float32."""
    return np.array(values, np.int64 if all(isinstance(value, int) for value in values) else np.float32)


TRANSPOSED: dict[str, dict[str, Any]] = {
    "plain": {"weight": (6, 5, 3, 3)},
    "kernel of the stride": {"weight": (6, 5, 2, 2), "strides": [2, 2]},
    "twice the stride": {"weight": (6, 5, 4, 4), "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "odd kernel": {"weight": (6, 5, 3, 3), "strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
    "smaller than the stride": {"weight": (6, 5, 2, 1), "strides": [3, 2]},
    "strides that differ": {"weight": (6, 5, 3, 4), "strides": [1, 3], "pads": [0, 2, 1, 0]},
    "dilated": {"weight": (6, 5, 3, 2), "strides": [2, 2], "dilations": [2, 3], "pads": [1, 0, 1, 0]},
    "dilated by the stride": {"weight": (6, 5, 3, 3), "strides": [2, 2], "dilations": [2, 4]},
    "dilated alone": {"weight": (6, 5, 3, 3), "dilations": [2, 2]},
    "padded past the kernel": {"weight": (6, 5, 3, 3), "strides": [2, 2], "pads": [4, 3, 3, 4]},
    "same upper": {"weight": (6, 5, 3, 3), "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same lower": {"weight": (6, 5, 3, 3), "strides": [2, 2], "auto_pad": "SAME_LOWER"},
    "valid": {"weight": (6, 5, 3, 3), "strides": [2, 2], "auto_pad": "VALID"},
    "output shape": {"weight": (6, 5, 3, 3), "strides": [2, 2], "output_shape": [10, 14]},
    "groups": {"weight": (6, 4, 3, 3), "strides": [2, 2], "group": 3, "pads": [1, 1, 0, 0]},
    "depthwise": {"weight": (6, 1, 4, 4), "strides": [2, 2], "group": 6, "pads": [1, 1, 1, 1], "bias": False},
    "sequence": {"weight": (6, 5, 4), "strides": [2], "shape": (1, 6, 11), "pads": [1, 1]},
    "one pixel": {"weight": (6, 5, 4, 4), "strides": [3, 3], "shape": (1, 6, 1, 1)},
}
"""ConvTranspose: shape of the weight, of the input where it is not the usual one, and attributes."""


def transposed(weight: Shape, shape: Shape = (1, 6, 5, 7), bias: bool = True, **how: Any) -> onnx.ModelProto:
    """Return a model of a ConvTranspose."""
    outputs = weight[1] * how.get("group", 1)
    constants = {"w": floats(*weight)} | ({"b": floats(outputs)} if bias else {})
    return model_of(make("ConvTranspose", ["x", *constants], ["y"], name="n", **how), shape, constants)


PRODUCTS: dict[str, tuple[Shape, Shape, bool]] = {
    "vectors": ((1, 9), (9, 5), False),
    "sequence": ((1, 12, 9), (9, 5), False),
    "heads": ((1, 3, 12, 9), (9, 5), False),
    "five axes": ((1, 2, 3, 4, 9), (9, 5), False),
    "more axes of one": ((1, 12, 9), (1, 9, 5), False),
    "from the left": ((1, 12, 9), (5, 12), True),
    "heads from the left": ((1, 3, 12, 9), (5, 12), True),
}
"""MatMul: shape of the input and of the matrix, and whether the matrix stands on the left."""


def product(shape: Shape, matrix: Shape, left: bool) -> onnx.ModelProto:
    """Return a model of a MatMul."""
    return model_of(make("MatMul", ["k", "x"] if left else ["x", "k"], ["y"]), shape, {"k": floats(*matrix)})


REDUCTIONS: dict[str, tuple[list[int], Shape, int]] = {
    "image": ([2, 3], (1, 5, 6, 4), 1),
    "image, dropped": ([2, 3], (1, 5, 6, 4), 0),
    "rows": ([2], (1, 5, 6, 4), 0),
    "columns": ([-1], (1, 5, 6, 4), 1),
    "channels": ([1], (1, 9, 6, 4), 1),
    "channels, dropped": ([1], (1, 9, 6, 4), 0),
    "channels and columns": ([1, 3], (1, 9, 6, 4), 1),
    "everything": ([1, 2, 3], (1, 9, 6, 4), 1),
    "sequence": ([2], (1, 7, 30), 0),
    "positions": ([1], (1, 30, 7), 0),
    "features": ([1], (1, 30), 1),
    "five axes": ([2, 4], (1, 3, 2, 4, 5), 1),
    "longer than a window": ([2], (1, 3, 600), 1),
}
"""ReduceMean, ReduceSum and ReduceMax: axes, shape of the input, and whether the axes are kept."""


def reduction(kind: str, axes: list[int], shape: Shape, keepdims: int) -> onnx.ModelProto:
    """Return a model of a reduction of a kind."""
    if kind == "ReduceSum":
        return model_of(make(kind, ["x", "axes"], ["y"], keepdims=keepdims), shape, {"axes": np.array(axes)})
    return model_of(make(kind, ["x"], ["y"], axes=axes, keepdims=keepdims), shape, opset=13)


DILATED_POOLS: dict[str, dict[str, Any]] = {
    "dilated": {"kernel_shape": [3, 2], "dilations": [2, 3]},
    "dilated and padded": {"kernel_shape": [3, 3], "dilations": [2, 2], "pads": [2, 2, 2, 2], "strides": [2, 1]},
    "dilated, rounded up": {"kernel_shape": [2, 3], "dilations": [2, 2], "strides": [3, 2], "ceil_mode": 1},
}
"""MaxPool and AveragePool: attributes."""

REPETITIONS: dict[str, tuple[onnx.NodeProto, Shape, dict[str, Any]]] = {
    "gather rows": (make("Gather", ["x", "i"], ["y"], axis=2), IMAGE, {"i": numbers(3, 0, -1, 3)}),
    "gather channels": (make("Gather", ["x", "i"], ["y"], axis=1), IMAGE, {"i": numbers(4, 1, 0)}),
    "gather one": (make("Gather", ["x", "i"], ["y"], axis=-1), IMAGE, {"i": np.array(2)}),
    "gather a matrix": (make("Gather", ["x", "i"], ["y"], axis=1), (1, 9), {"i": np.array([[0, 8], [3, 3]])}),
    "tile": (make("Tile", ["x", "i"], ["y"]), IMAGE, {"i": numbers(1, 2, 3, 2)}),
    "expand": (make("Expand", ["x", "i"], ["y"]), (1, 5, 1, 7), {"i": numbers(4, 7)}),
    "expand channels": (make("Expand", ["x", "i"], ["y"]), (1, 1, 3, 2), {"i": numbers(1, 6, 1, 1)}),
    "flip": (make("Slice", ["x", "s", "e", "a", "t"], ["y"]), IMAGE,
             {"s": numbers(-1, 5), "e": numbers(-99, 0), "a": numbers(3, 2), "t": numbers(-1, -2)}),
    "reflect": (make("Pad", ["x", "p"], ["y"], mode="reflect"), IMAGE, {"p": numbers(0, 0, 2, 1, 0, 0, 0, 6)}),
    "edge": (make("Pad", ["x", "p"], ["y"], mode="edge"), IMAGE, {"p": numbers(0, 1, 2, 1, 0, 0, 0, 9)}),
    "wrap": (make("Pad", ["x", "p"], ["y"], mode="wrap"), IMAGE, {"p": numbers(0, 0, 2, 1, 0, 0, 7, 0)}),
}
"""What repeats or reorders positions: the node, the shape of its input and its constants."""

TRANSFORMS = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def resize(scales: Any = None, sizes: Any = None, opset: int = 19, shape: Shape = IMAGE, **how: Any) -> onnx.ModelProto:
    """Return a model of a Resize by scales or to sizes."""
    names = ["x", "", "" if scales is None else "scales", *([] if sizes is None else ["sizes"])]
    given = {"scales": scales} if sizes is None else {"sizes": sizes}
    return model_of(make("Resize", names, ["y"], name="n", **how), shape, given, opset)


BROADCAST: dict[str, Shape] = {
    "channels": (12, 1, 1), "map": (1, 8, 9), "one": (1, 1, 1), "rows": (12, 8, 1), "columns": (12, 1, 9),
    "row": (1, 1, 9), "full": (12, 8, 9),
}
"""Add, Sub and Mul: shape of an operand that broadcasts to (12, 8, 9)."""
