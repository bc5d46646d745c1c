"""Co-simulated forms of the operators that multiply by constants: Conv, ConvTranspose, Gemm, MatMul, normalisation."""

from __future__ import annotations

from typing import Any

from tests.compiler.backend.operator_forms import PRODUCTS, TRANSPOSED, floats, product, transposed
from tests.cosim.operators.case import STREAMED, OperatorCase, alone, behind_convolution

EVERY = ("nano4", "edge4x8", "edge8x4", "edge8", "edge16")


def _conv(form: str, weight: tuple[int, ...], shape: tuple[int, ...] = (1, 6, 11, 10), **how: Any) -> OperatorCase:
    constants = {"w": floats(*weight)}
    if how.pop("bias", True):
        constants["b"] = floats(weight[0])
    return alone("Conv", form, shape, constants, **how)


CONVOLUTIONS = (
    _conv("1x1", (10, 6, 1, 1)),
    _conv("3x3", (10, 6, 3, 3), pads=[1] * 4, machines=EVERY),
    _conv("5x5", (10, 6, 5, 5), pads=[2] * 4),
    _conv("7x7", (5, 6, 7, 7), pads=[3] * 4),
    _conv("7x1", (10, 6, 7, 1), pads=[3, 0, 3, 0]),
    _conv("1x7", (10, 6, 1, 7), pads=[0, 3, 0, 3]),
    _conv("2x4", (10, 6, 2, 4)),
    _conv("without bias", (10, 6, 3, 3), bias=False),
    _conv("kernel of the image", (10, 6, 11, 10)),
    _conv("kernel beyond the image", (10, 6, 5, 5), (1, 6, 3, 2), pads=[2] * 4),
    _conv("one pixel", (10, 6, 3, 3), (1, 6, 1, 1), pads=[1] * 4),
    _conv("stride 2", (10, 6, 3, 3), strides=[2, 2], pads=[1] * 4),
    _conv("strides that differ", (10, 6, 3, 3), strides=[1, 3], pads=[1] * 4),
    _conv("stride above the kernel", (10, 6, 1, 1), strides=[2, 3]),
    _conv("dilated", (10, 6, 3, 3), dilations=[2, 2], pads=[2] * 4),
    _conv("dilations that differ", (10, 6, 3, 2), dilations=[1, 3]),
    _conv("dilated and strided", (10, 6, 3, 3), dilations=[3, 2], strides=[2, 2], pads=[3, 2, 3, 2]),
    _conv("pads that differ", (10, 6, 3, 3), pads=[0, 2, 1, 0]),
    _conv("same upper", (10, 6, 4, 4), strides=[2, 2], auto_pad="SAME_UPPER"),
    _conv("same lower", (10, 6, 4, 4), strides=[2, 2], auto_pad="SAME_LOWER"),
    _conv("valid", (10, 6, 4, 4), auto_pad="VALID"),
    _conv("sequence", (10, 6, 5), (1, 6, 40), pads=[2, 2], strides=[2]),
    _conv("one channel", (10, 1, 3, 3), (1, 1, 12, 12), machines=EVERY),
    _conv("three channels", (10, 3, 7, 7), (1, 3, 20, 20), strides=[2, 2], pads=[3] * 4, machines=EVERY),
    _conv("one output", (1, 6, 3, 3)),
    _conv("groups", (12, 2, 3, 3), group=3),
    _conv("groups of whole blocks", (16, 8, 3, 3), (1, 16, 7, 6), group=2),
    _conv("groups of more than a block", (18, 9, 1, 1), (1, 18, 7, 6), group=2),
    _conv("depthwise", (12, 1, 3, 3), (1, 12, 11, 10), group=12, pads=[1] * 4, machines=EVERY),
    _conv("depthwise, stride 2", (12, 1, 5, 5), (1, 12, 11, 10), group=12, pads=[2] * 4, strides=[2, 2]),
    _conv("depthwise, dilated", (12, 1, 3, 3), (1, 12, 11, 10), group=12, dilations=[2, 2]),
    _conv("depthwise, 1x1", (12, 1, 1, 1), (1, 12, 11, 10), group=12),
    _conv("depthwise, sequence", (12, 1, 3), (1, 12, 30), group=12, pads=[1, 1]),
    _conv("depth multiplier", (18, 1, 3, 3), group=6, pads=[1] * 4),
    _conv("depth multiplier, whole blocks", (32, 1, 3, 3), (1, 8, 9, 8), group=8, strides=[2, 2]),
    _conv("batch of two", (10, 6, 3, 3), pads=[1] * 4, batch=2),
    _conv("depthwise, batch of three", (12, 1, 3, 3), (1, 12, 6, 5), group=12, batch=3),
    _conv("more than the scratchpad", (12, 13, 3, 3), (1, 13, 34, 30), pads=[1] * 4),
    _conv("more weights than the scratchpad", (96, 130, 1, 1), (1, 130, 4, 4)),
    _conv("depthwise, more than the scratchpad", (16, 1, 3, 3), (1, 16, 34, 30), pads=[1] * 4, group=16),
    _conv("streamed", (8, 20, 3, 3), STREAMED, pads=[1] * 4, machines=("edge8",)),
    _conv("streamed, stride 2", (24, 40, 3, 3), (1, 40, 84, 80), strides=[2, 2], machines=("edge16",)),
    _conv("streamed, pointwise", (16, 36, 1, 1), (1, 36, 48, 46), machines=("edge8",)),
    _conv("streamed, depthwise", (20, 1, 5, 5), STREAMED, pads=[2] * 4, group=20, machines=("edge8",)),
    behind_convolution("Conv", "behind a convolution", 12, (17, 16), {"w": floats(20, 12, 3, 3)}, machines=EVERY),
)
_TRANSPOSED_MORE: dict[str, dict[str, Any]] = {
    "more than the scratchpad": {"weight": (9, 6, 4, 4), "shape": (1, 9, 18, 17), "strides": [2, 2], "pads": [1] * 4},
}
TRANSPOSED_CONVOLUTIONS = (
    *(OperatorCase("ConvTranspose", form, transposed(**how)) for form, how in (TRANSPOSED | _TRANSPOSED_MORE).items()),
    OperatorCase("ConvTranspose", "batch of two", transposed(**TRANSPOSED["twice the stride"]), batch=2),
    OperatorCase("ConvTranspose", "edge16", transposed((24, 20, 4, 4), (1, 24, 16, 15), strides=[2, 2], pads=[1] * 4),
                 ("edge16",)),
)
PRODUCTS_OF_MATRICES = (
    alone("Gemm", "plain", (1, 30), {"w": floats(30, 21)}, machines=EVERY),
    alone("Gemm", "transposed, bias", (1, 30), {"w": floats(21, 30), "b": floats(21)}, transB=1, alpha=0.5, beta=2.0),
    alone("Gemm", "one bias", (1, 30), {"w": floats(30, 21), "b": floats(1)}),
    alone("Gemm", "batch of five", (1, 30), {"w": floats(30, 21)}, batch=5),
    alone("Gemm", "more than the scratchpad", (1, 600), {"w": floats(600, 40)}),
    alone("Gemm", "memory bound", (1, 512), {"w": floats(512, 100)}, machines=("edge16",)),
    *(OperatorCase("MatMul", form, product(*how)) for form, how in PRODUCTS.items()),
    OperatorCase("MatMul", "batch of two", product(*PRODUCTS["sequence"]), batch=2),
    OperatorCase("MatMul", "from the left, batch of two", product(*PRODUCTS["from the left"]), batch=2),
    OperatorCase("MatMul", "more than the scratchpad", product((1, 300, 40), (40, 24), False)),
    OperatorCase("MatMul", "edge16", product((1, 3, 64, 64), (64, 64), False), ("edge16",)),
)
_STATISTICS = {"s": floats(10) + 2, "b": floats(10), "m": floats(1, 10)[0], "v": floats(10) ** 2 + 1}
NORMALIZATIONS = (
    alone("BatchNormalization", "alone", (1, 10, 9, 8), _STATISTICS),
    alone("BatchNormalization", "of vectors", (1, 10), _STATISTICS),
    behind_convolution("BatchNormalization", "folded", 10, constants=_STATISTICS),
    alone("LRN", "alone", (1, 10, 7, 6), size=5, alpha=0.3),
    alone("LRN", "even size, sequence", (1, 10, 20), size=4, alpha=0.3, beta=0.5, bias=2.0),
    behind_convolution("LRN", "behind a convolution", size=3, alpha=0.5),
)
CASES: tuple[OperatorCase, ...] = (
    *CONVOLUTIONS, *TRANSPOSED_CONVOLUTIONS, *PRODUCTS_OF_MATRICES, *NORMALIZATIONS,
)
