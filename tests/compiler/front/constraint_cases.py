"""Nodes that break the constraints of the operators' page: operator -> constraint -> cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

NEWEST = 24
IMAGE, PAIR, VIDEO = (1, 3, 8, 8), (2, 3, 8, 8), (1, 3, 8, 8, 8)
EIGHT = np.ones(8, np.float32)
WEIGHT, CUBE = np.ones((4, 3, 3, 3), np.float32), np.ones((4, 3, 3, 3, 3), np.float32)
UP, UP_CUBE = np.ones((3, 4, 3, 3), np.float32), np.ones((3, 4, 3, 3, 3), np.float32)
THREE = np.ones(3, np.float32)


@dataclass(frozen=True)
class Case:
    """A node of the operator that reads `x` and others, and what the reason says that it is not on the accelerator.

    Inputs named in no constants are computed at run time: `z` and `flat` are float32, `i` is int64.
    """

    reason: str
    inputs: Sequence[str] = ("x",)
    constants: Mapping[str, Any] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    shape: Sequence[int] = IMAGE
    opset: int = NEWEST
    second: str = ""
    """The name of a second output, which is read."""
    refused: bool = False
    """Whether the host does not take it either."""


def constants(reason: str, *values: Any, **others: Any) -> Case:
    """Return a case whose inputs after `x` are constants."""
    names = [f"c{index}" for index in range(len(values))]
    return Case(reason, ("x", *names), dict(zip(names, values, strict=True)), **others)


def integers(*values: int) -> np.ndarray[Any, Any]:
    """Return an array of int64."""
    return np.array(values, np.int64)


def numbers(*values: float) -> np.ndarray[Any, Any]:
    """Return an array of float32."""
    return np.array(values, np.float32)


RUN_TIME = "is computed at run time"
ONE_RUN_TIME = "one input is computed at run time, every other is a constant with one value"
FINITE = "weight and bias are finite float32 constants"
THREE_OR_FOUR = "the input has three or four dimensions"
ONE_OR_TWO = "only one or two spatial dimensions"
BATCH = "the batch is kept"
RESIZE_FORM = (
    "coordinate_transformation_mode is not tf_crop_and_resize; keep_aspect_ratio_policy is stretch; antialias is 0"
)
POOL = {"kernel_shape": [2, 2]}
POOLED_VIDEO = Case(ONE_OR_TWO, attributes={"kernel_shape": [2, 2, 2]}, shape=VIDEO)
REDUCED = {
    "the axes are constants": [Case(f"axes 'i' {RUN_TIME}", ("x", "i"), refused=True)],
    BATCH: [constants("axis 0, the batch", integers(0))],
}
CASES: dict[str, dict[str, list[Case]]] = {
    "AveragePool": {
        THREE_OR_FOUR: [POOLED_VIDEO],
        "no window lies wholly in the padding": [
            Case("wholly in the padding", attributes=POOL | {"pads": [2, 0, 0, 0]}, refused=True),
        ],
        "not ceil_mode with count_include_pad where that adds a window position": [
            Case("ceil_mode=1 with count_include_pad=1", attributes={
                "kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1, "count_include_pad": 1,
            }),
        ],
    },
    "BatchNormalization": {
        "the parameters are finite float32 constants, the variance at least 0": [
            constants("scale 'c0' holds NaN", THREE * np.nan, THREE, THREE, THREE),
            constants("variance holds negative values", THREE, THREE, THREE, -THREE),
            Case(f"mean 'three' {RUN_TIME}", ("x", "a", "a", "three", "a"), {"a": THREE}),
        ],
        "inference form: training_mode is 0, spatial is 1": [
            constants("training_mode=1", THREE, THREE, THREE, THREE, attributes={"training_mode": 1},
                      refused=True),
            constants("spatial=0", *[np.ones((3, 8, 8), np.float32)] * 4, attributes={"spatial": 0}, opset=7),
        ],
    },
    "Clip": {"the bounds are constants of one value, and none is NaN": [
        Case(f"min 'one' {RUN_TIME}", ("x", "one")),
        constants(r"min .c0. is float32 of shape \[8\]; only one number", EIGHT),
        Case("max is NaN", ("x", "", "a"), {"a": np.float32(np.nan)}),
    ]},
    "Concat": {
        "every input is computed at run time": [
            constants("'c0' is a constant", np.ones(IMAGE, np.float32), attributes={"axis": 1}),
        ],
        "not along the batch": [Case("batch", ("x", "z"), attributes={"axis": 0})],
    },
    "Conv": {
        THREE_OR_FOUR: [constants("only 1-D and 2-D convolutions", CUBE, shape=VIDEO)],
        FINITE: [
            constants("weight 'c0' holds NaN", WEIGHT * np.nan),
            constants("bias 'c1' holds NaN", WEIGHT, numbers(1, 2, 3, np.inf)),
            Case(f"weight 'z' {RUN_TIME}", ("x", "z")),
        ],
        "pads are at least 0": [
            constants("pads must be four numbers of at least 0", WEIGHT, attributes={"pads": [-1, 0, 0, 0]},
                      refused=True),
        ],
    },
    "ConvTranspose": {
        THREE_OR_FOUR: [constants("only 1-D and 2-D convolutions", UP_CUBE, shape=VIDEO)],
        FINITE: [
            constants("weight 'c0' holds NaN", UP * np.nan),
            constants("bias 'c1' holds NaN", UP, numbers(1, 2, 3, np.inf)),
            Case(f"weight 'w' {RUN_TIME}", ("x", "w")),
        ],
        "pads are at least 0, and leave something of the output": [
            constants("pads .* at least 0", UP, attributes={"pads": [-1, 0, 0, 0]}, refused=True),
            constants("pads", UP, attributes={"pads": [9, 9, 9, 9]}, refused=True),
        ],
    },
    "DepthToSpace": {
        "the input has four dimensions": [
            Case("must have 4 dimensions", attributes={"blocksize": 2}, shape=(1, 4, 8), refused=True),
        ],
        "the channels divide by the square of the block size": [
            Case("3 channels do not divide by a block of 2x2", attributes={"blocksize": 2}, refused=True),
        ],
    },
    "Div": {
        "one operand is a constant": [Case(f"divisor 'z' {RUN_TIME}", ("x", "z"))],
        "a constant divisor holds no 0": [
            constants("the divisor holds 0", np.array([1, 0, 1], np.float32)[:, None, None]),
            constants("inverse is not finite", np.float32(1e-45)),
        ],
    },
    "Dropout": {
        "training_mode is False": [constants("training_mode=True", np.float32(0.5), np.array(True), refused=True)],
        "the mask output is not read": [Case("its output 'mask' is read", second="mask")],
    },
    "Expand": {
        "the shape is a constant of no more axes than the input has": [
            Case(f"shape 'i' {RUN_TIME}", ("x", "i")),
            constants("of no more axes than input", integers(2, 1, 3, 8, 8)),
        ],
        BATCH: [constants("changes the batch", integers(2, 3, 8, 8))],
    },
    "Flatten": {BATCH: [Case("batch", attributes={"axis": 0}, shape=PAIR)]},
    "Gather": {
        "the indices are a constant, within the axis": [
            Case(f"indices 'i' {RUN_TIME}", ("x", "i"), attributes={"axis": 1}),
            constants("1 indices are not some within the 3 of axis 1", integers(3), attributes={"axis": 1}),
        ],
        "not along the batch": [constants("axis 0, the batch", integers(0))],
    },
    "Gelu": {"approximate is none or tanh": [
        Case("none and tanh are", attributes={"approximate": "cubic"}),
    ]},
    "Gemm": {
        "B and C are finite float32 constants": [
            Case(f"matrix B 'b' {RUN_TIME}", ("x", "b"), shape=(1, 3)),
            constants("matrix B 'c0' holds NaN", np.full((3, 4), np.nan, np.float32), shape=(1, 3)),
            constants("matrix C 'c1' holds NaN", np.ones((3, 4), np.float32), numbers(np.nan), shape=(1, 3)),
        ],
        "C has one value, or one for each output": [
            constants(r"matrix C \[2, 1\] is not one value", np.ones((3, 4), np.float32), numbers(1, 2)[:, None],
                      shape=(2, 3)),
        ],
        "transA is 0: the rows of A are the batch": [
            constants("transA=1", np.ones((2, 4), np.float32), shape=(2, 3), attributes={"transA": 1}),
        ],
    },
    "GlobalAveragePool": {THREE_OR_FOUR: [Case("dimensions", shape=VIDEO)]},
    "GlobalMaxPool": {THREE_OR_FOUR: [Case("dimensions", shape=VIDEO)]},
    "LRN": {
        "the input has at least three dimensions": [
            Case("fewer than three dimensions", ("flat",), attributes={"size": 3}),
        ],
        "size is at least 1, alpha at least 0 and bias above 0": [
            Case("size 0", attributes={"size": 0}, refused=True),
            Case("alpha -1.0", attributes={"size": 3, "alpha": -1.0}, refused=True),
            Case("bias 0.0", attributes={"size": 3, "bias": 0.0}),
        ],
    },
    "MatMul": {
        "one operand is a finite float32 constant of two dimensions (or more, which are 1)": [
            Case(f"right-hand matrix 'z' {RUN_TIME}", ("x", "z")),
            constants("holds NaN", np.full((8, 8), np.nan, np.float32)),
            constants("only a constant matrix of two dimensions", np.ones((3, 8, 8), np.float32)),
        ],
        "the run-time tensor has at least two dimensions, the batch first; what is summed over is not the batch": [
            constants("only a constant matrix of two dimensions", np.ones((8, 8), np.float32), shape=(8,)),
            Case("summed over its batch", ("a", "x"), {"a": np.ones((4, 2), np.float32)}, shape=(2, 3)),
        ],
    },
    "Max": {ONE_RUN_TIME: [
        Case("2 inputs are computed at run time", ("x", "z")), constants("only one value", EIGHT),
    ]},
    "MaxPool": {
        THREE_OR_FOUR: [POOLED_VIDEO],
        "storage_order is 0": [Case("storage_order=1", attributes=POOL | {"storage_order": 1})],
        "no window lies wholly in the padding": [
            Case("wholly in the padding", attributes=POOL | {"pads": [2, 0, 0, 0]}, refused=True),
        ],
        "the index output is not read": [Case("its output 'places' is read", attributes=POOL, second="places")],
    },
    "Min": {ONE_RUN_TIME: [
        Case("2 inputs are computed at run time", ("x", "z")),
        Case("only one value", ("a", "x"), {"a": EIGHT}),
    ]},
    "PRelu": {"the slopes are finite float32 constants that broadcast to the input": [
        Case(f"slope 'z' {RUN_TIME}", ("x", "z")),
        constants("NaN or infinity", np.float32(np.inf)),
        constants("does not broadcast to input", np.ones(5, np.float32)),
    ]},
    "Pad": {
        "mode is constant, edge, reflect (by less than the axis) or wrap": [
            constants("mode 'mirror' is not supported", integers(*[0] * 8), attributes={"mode": "mirror"},
                      refused=True),
            constants("pads axis 3 of size 8 by at most 7", integers(0, 0, 0, 8, 0, 0, 0, 0),
                      attributes={"mode": "reflect"}),
        ],
        "pads, axes and the value are constants": [
            Case(f"pads 'i' {RUN_TIME}", ("x", "i"), refused=True),
            Case(f"axes 'i' {RUN_TIME}", ("x", "p", "", "i"), {"p": integers(1, 1)}, refused=True),
            Case(f"value 'one' {RUN_TIME}", ("x", "p", "one"), {"p": integers(0, 0, 1, 1, 0, 0, 1, 1)}),
        ],
        "pads are at least 0": [constants("at least 0", integers(0, 0, -1, 0, 0, 0, 0, 0))],
        BATCH: [constants("batch", integers(1, 0, 0, 0, 0, 0, 0, 0))],
    },
    "Pow": {"the exponent or the base is a constant with one finite value": [
        Case(f"exponent 'z' {RUN_TIME}", ("x", "z")), constants("only one number", EIGHT),
        Case("only one finite value", ("a", "x"), {"a": np.float32(np.inf)}),
    ]},
    "ReduceMax": REDUCED,
    "ReduceMean": REDUCED,
    "ReduceSum": REDUCED,
    "Reshape": {
        "the shape is a constant; no size is 0": [
            Case(f"shape 'i' {RUN_TIME}", ("x", "i"), refused=True),
            constants("size 0", integers(0, 3), attributes={"allowzero": 1}, refused=True),
        ],
        BATCH: [constants("batch", integers(1, -1), shape=PAIR)],
    },
    "Resize": {
        "scales or sizes are a constant": [Case(f"scales 'four' {RUN_TIME}", ("x", "", "four"), refused=True)],
        RESIZE_FORM: [
            Case("coordinate_transformation_mode 'tf_crop_and_resize'", ("x", "r", "s"), {
                "r": numbers(0, 0, 0, 0, 1, 1, 1, 1), "s": numbers(1, 1, 2, 2),
            }, {"coordinate_transformation_mode": "tf_crop_and_resize"}),
            Case("keep_aspect_ratio_policy 'not_larger'", ("x", "", "", "s"), {"s": integers(16, 16)},
                 {"keep_aspect_ratio_policy": "not_larger", "axes": [2, 3]}),
            Case("antialias=1", ("x", "", "s"), {"s": numbers(1, 1, 0.5, 0.5)}, {"antialias": 1, "mode": "linear"}),
        ],
        "the batch and the channels are kept": [
            Case("only axes after batch and channels", ("x", "", "s"), {"s": numbers(1, 2, 1, 1)}),
        ],
    },
    "Slice": {
        "starts, ends, axes and steps are constants": [
            Case(f"starts 'i' {RUN_TIME}", ("x", "i", "e"), {"e": integers(1)}, refused=True),
        ],
        "no step is 0": [
            constants("one is 0", integers(0), integers(1), integers(1), integers(0), refused=True),
        ],
        "the result is not empty": [
            constants("empty", integers(2), integers(2), integers(1), refused=True),
            constants("the result is empty", integers(0), integers(2), integers(1), integers(-1), refused=True),
        ],
        BATCH: [
            constants("batch", integers(0), integers(1), integers(0), shape=PAIR),
            constants("batch", integers(1), integers(-9), integers(0), integers(-1), shape=PAIR),
        ],
    },
    "SpaceToDepth": {
        "the input has four dimensions": [
            Case("must have 4 dimensions", attributes={"blocksize": 2}, shape=(1, 4, 8), refused=True),
        ],
        "height and width divide by the block size": [
            Case("8x8 does not divide by a block of 3x3", attributes={"blocksize": 3}),
        ],
    },
    "Split": {
        "the sizes are constants": [Case(f"split 'i' {RUN_TIME}", ("x", "i"), second="rest", refused=True)],
        "not along the batch": [Case("batch", attributes={"num_outputs": 2}, shape=PAIR, second="rest")],
    },
    "Squeeze": {
        "the axes are constants": [Case(f"axes 'i' {RUN_TIME}", ("x", "i"), refused=True)],
        BATCH: [constants("batch", integers(0))],
    },
    "Tile": {
        "the repeats are a constant; none is 0": [
            Case(f"repeats 'i' {RUN_TIME}", ("x", "i"), refused=True),
            constants("not one positive number", integers(1, 0, 1, 1), refused=True),
        ],
        BATCH: [constants("changes the batch", integers(2, 1, 1, 1))],
    },
    "Transpose": {"the batch stays first": [Case("batch", attributes={"perm": [1, 0, 2, 3]})]},
    "Unsqueeze": {
        "the axes are constants": [Case(f"axes 'i' {RUN_TIME}", ("x", "i"), refused=True)],
        BATCH: [constants("batch", integers(0), shape=PAIR)],
    },
    "Upsample": {
        "the scales are a constant": [Case(f"scales 'four' {RUN_TIME}", ("x", "four"), opset=9, refused=True)],
        "the batch and the channels are kept": [
            constants("only axes after batch and channels", numbers(1, 2, 1, 1), opset=9),
        ],
    },
}
NUMBERS = {
    "Celu": ["alpha"], "Elu": ["alpha"], "HardSigmoid": ["alpha", "beta"], "LeakyRelu": ["alpha"],
    "Selu": ["alpha", "gamma"], "Shrink": ["bias", "lambd"], "Swish": ["alpha"], "ThresholdedRelu": ["alpha"],
}
for operator, names in NUMBERS.items():
    CASES[operator] = {
        f"{name} is a finite number": [
            Case(f"{name} is {value}", attributes={name: value}) for value in (np.inf, np.nan)
        ]
        for name in names
    }
