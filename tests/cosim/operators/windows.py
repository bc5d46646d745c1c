"""Co-simulated forms of pools, reductions and interpolation."""

from __future__ import annotations

from typing import Any

from tests.compiler.backend.operator_forms import (
    DILATED_POOLS,
    REDUCTIONS,
    ROUNDINGS,
    TRANSFORMS,
    numbers,
    reduction,
    resize,
)
from tests.cosim.operators.case import LARGE, STREAMED, OperatorCase, alone, behind_convolution

IMAGE = (1, 9, 11, 10)
POOLED: dict[str, dict[str, Any]] = {
    "2x2": {"kernel_shape": [2, 2], "strides": [2, 2]},
    "overlapping, padded": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]},
    "3x1": {"kernel_shape": [3, 1]},
    "1x3": {"kernel_shape": [1, 3], "strides": [1, 2]},
    "pads that differ": {"kernel_shape": [3, 3], "pads": [0, 2, 1, 0]},
    "rounded up": {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    "same upper": {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same lower": {"kernel_shape": [2, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
    "whole image": {"kernel_shape": [11, 10]},
    **DILATED_POOLS,
}
KINDS = ("MaxPool", "AveragePool")
POOLS = (
    *(alone(kind, form, IMAGE, **how) for kind in KINDS for form, how in POOLED.items()),
    *(alone(kind, "sequence", (1, 9, 40), kernel_shape=[3], strides=[2]) for kind in KINDS),
    *(alone(kind, "batch of two", IMAGE, batch=2, **POOLED["overlapping, padded"]) for kind in KINDS),
    *(alone(kind, "more than the scratchpad", LARGE, **POOLED["overlapping, padded"]) for kind in KINDS),
    *(alone(kind, "streamed", STREAMED, machines=("edge8",), **POOLED["2x2"]) for kind in KINDS),
    *(behind_convolution(kind, "behind a convolution", **POOLED["2x2"]) for kind in KINDS),
    alone("AveragePool", "padding counted", IMAGE, kernel_shape=[3, 3], pads=[1] * 4, count_include_pad=1),
    *(alone(kind, form, shape) for kind in ("GlobalMaxPool", "GlobalAveragePool")
      for form, shape in (("image", IMAGE), ("sequence", (1, 9, 40)), ("more than the scratchpad", LARGE))),
    *(behind_convolution(kind, "behind a convolution") for kind in ("GlobalMaxPool", "GlobalAveragePool")),
)
SUMS = tuple(
    OperatorCase(kind, form, reduction(kind, *how))
    for kind in ("ReduceMean", "ReduceSum", "ReduceMax") for form, how in REDUCTIONS.items()
)
_FACTORS = {"doubled": (2.0, 2.0), "uneven": (1.6, 0.5)}
INTERPOLATIONS = (
    *(OperatorCase("Resize", f"nearest, {form}, {transform}",
                   resize(numbers(1.0, 1.0, *factors), coordinate_transformation_mode=transform))
      for form, factors in _FACTORS.items() for transform in TRANSFORMS),
    *(OperatorCase("Resize", f"nearest, {rounding}", resize(numbers(1.0, 1.0, 1.6, 0.5), nearest_mode=rounding))
      for rounding in ROUNDINGS),
    *(OperatorCase("Resize", f"{mode}, {form}, {transform}",
                   resize(numbers(1.0, 1.0, *factors), mode=mode, coordinate_transformation_mode=transform))
      for mode in ("linear", "cubic") for form, factors in _FACTORS.items() for transform in TRANSFORMS),
    *(OperatorCase("Resize", f"{mode}, sizes", resize(sizes=numbers(1, 5, 13, 9), mode=mode))
      for mode in ("nearest", "linear", "cubic")),
    OperatorCase("Resize", "sequence", resize(numbers(1.0, 1.0, 2.0), shape=(1, 5, 9))),
    OperatorCase("Resize", "one axis", resize(numbers(2.0), axes=[3])),
    OperatorCase("Resize", "batch of two", resize(numbers(1.0, 1.0, 2.0, 2.0)), batch=2),
    OperatorCase("Resize", "linear, batch of two", resize(numbers(1.0, 1.0, 2.0, 2.0), mode="linear"), batch=2),
    *(OperatorCase("Resize", f"{mode}, streamed",
                   resize(numbers(1.0, 1.0, 2.0, 2.0), mode=mode, shape=(1, 12, 40, 34)), ("edge8",))
      for mode in ("nearest", "linear")),
    *(behind_convolution("Resize", f"{mode}, behind a convolution", constants={"s": numbers(1.0, 1.0, 2.0, 2.0)},
                         inputs=["c", "", "s"], mode=mode)
      for mode in ("nearest", "linear", "cubic")),
    *(alone("Upsample", mode, (1, 5, 6, 7), {"s": numbers(1.0, 1.0, 2.0, 3.0)}, opset=9, mode=mode)
      for mode in ("nearest", "linear")),
)
CASES: tuple[OperatorCase, ...] = (*POOLS, *SUMS, *INTERPOLATIONS)
