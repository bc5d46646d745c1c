"""Co-simulated forms of the operators that move values, and of those that only change a shape."""

from __future__ import annotations

import itertools
from typing import Any

import onnx
from onnx import helper

from tests.compiler.backend.from_onnx import model_of
from tests.compiler.backend.operator_forms import IMAGE, REPETITIONS, numbers
from tests.cosim.operators.case import LARGE, STREAMED, OperatorCase, alone, behind_convolution


def _concat(form: str, shapes: dict[str, tuple[int, ...]], axis: int, **how: Any) -> OperatorCase:
    return alone("Concat", form, shapes, axis=axis, **how)


CONCATENATIONS = (
    _concat("channels", {"x": (1, 5, 6, 7), "z": (1, 8, 6, 7), "v": (1, 3, 6, 7)}, 1),
    _concat("channels of whole blocks", {"x": (1, 8, 6, 7), "z": (1, 16, 6, 7)}, 1),
    _concat("rows", {"x": (1, 5, 6, 7), "z": (1, 5, 4, 7)}, 2),
    _concat("columns", {"x": (1, 5, 6, 7), "z": (1, 5, 6, 2)}, -1),
    _concat("vectors", {"x": (1, 13), "z": (1, 10)}, 1),
    _concat("sequences", {"x": (1, 7, 9), "z": (1, 7, 5)}, 2),
    _concat("five axes", {"x": (1, 2, 3, 4, 5), "z": (1, 2, 3, 1, 5)}, 3),
    _concat("with itself", {"x": (1, 5, 6, 7)}, 1, inputs=["x", "x"]),
    _concat("batch of two", {"x": (1, 5, 6, 7), "z": (1, 8, 6, 7)}, 1, batch=2),
    _concat("more than the scratchpad", {"x": LARGE, "z": LARGE}, 1),
    _concat("streamed", {"x": STREAMED, "z": STREAMED}, 1, machines=("edge8",)),
    behind_convolution("Concat", "behind a convolution", inputs=["c", "c"], axis=1),
)


def _parts(form: str, shape: tuple[int, ...], axis: int, sizes: tuple[int, ...], **how: Any) -> OperatorCase:
    """Split and put together in the other order: a split alone has no single output."""
    names = [f"p{index}" for index in range(len(sizes))]
    nodes = [helper.make_node("Split", ["x", "sizes"], names, "n", axis=axis),
             helper.make_node("Concat", names[::-1], ["y"], "joined", axis=axis)]
    return OperatorCase("Split", form, model_of(nodes, shape, {"sizes": numbers(*sizes)}), **how)


SPLITS = (
    _parts("channels", (1, 13, 6, 7), 1, (5, 8)),
    _parts("rows", IMAGE, 2, (2, 3, 1)),
    _parts("columns", IMAGE, 3, (4, 3)),
    _parts("vectors", (1, 21), -1, (7, 7, 7)),
    _parts("batch of two", (1, 13, 6, 7), 1, (5, 8), batch=2),
)


def _slice(
    form: str, starts: list[int], ends: list[int], axes: list[int], steps: list[int],
    shape: tuple[int, ...] = (1, 13, 9, 10), **how: Any,
) -> OperatorCase:
    constants = {"s": numbers(*starts), "e": numbers(*ends), "a": numbers(*axes), "t": numbers(*steps)}
    return alone("Slice", form, shape, constants, **how)


SLICES = (
    _slice("channels", [3], [11], [1], [1]),
    _slice("channels of whole blocks", [4], [12], [1], [1]),
    _slice("rows and columns", [1, 2], [7, 99], [2, 3], [1, 1]),
    _slice("steps", [0, 1], [99, 99], [2, 3], [2, 3]),
    _slice("steps of channels", [1], [99], [1], [4]),
    _slice("from the end", [-4], [-1], [-1], [1]),
    _slice("channels, reversed", [-1], [-99], [1], [-1]),
    _slice("rows, reversed", [-1], [-99], [2], [-2]),
    _slice("vectors", [5], [17], [1], [3], (1, 21)),
    _slice("sequences", [2], [30], [2], [2], (1, 7, 40)),
    _slice("batch of two", [1, 2], [7, 99], [2, 3], [1, 1], batch=2),
    _slice("more than the scratchpad", [1, 0], [25, 99], [2, 3], [1, 2], LARGE),
    _slice("streamed", [1, 3], [99, 99], [2, 3], [1, 2], STREAMED, machines=("edge8",)),
)
_PADS: dict[str, tuple[int, ...]] = {
    "rows and columns": (0, 0, 2, 1, 0, 0, 0, 3), "channels": (0, 3, 0, 0, 0, 2, 0, 0), "every axis": (0, 1, 1, 2) * 2,
}
PADS = (
    *(alone("Pad", form, IMAGE, {"p": numbers(*pads)}) for form, pads in _PADS.items()),
    *(alone("Pad", f"{form}, of a value", IMAGE, {"p": numbers(*pads), "v": numbers(0.7)[0]})
      for form, pads in _PADS.items()),
    alone("Pad", "vectors", (1, 21), {"p": numbers(0, 3, 0, 5)}),
    alone("Pad", "batch of two", IMAGE, {"p": numbers(*_PADS["every axis"])}, batch=2),
    alone("Pad", "more than the scratchpad", LARGE, {"p": numbers(*_PADS["rows and columns"])}),
    alone("Pad", "streamed", STREAMED, {"p": numbers(*_PADS["rows and columns"])}, machines=("edge8",)),
    behind_convolution("Pad", "behind a convolution", constants={"p": numbers(*_PADS["every axis"])}),
)
TRANSPOSITIONS = (
    *(alone("Transpose", f"image {permutation}", IMAGE, perm=[0, *permutation])
      for permutation in itertools.permutations((1, 2, 3))),
    alone("Transpose", "sequences", (1, 7, 9), perm=[0, 2, 1]),
    alone("Transpose", "five axes", (1, 2, 3, 4, 5), perm=[0, 3, 1, 4, 2]),
    alone("Transpose", "batch of two", IMAGE, perm=[0, 2, 3, 1], batch=2),
    alone("Transpose", "more than the scratchpad", LARGE, perm=[0, 2, 3, 1]),
    behind_convolution("Transpose", "behind a convolution", perm=[0, 2, 3, 1]),
)


def _repetition(form: str, node: onnx.NodeProto, shape: tuple[int, ...], constants: dict[str, Any], **how: Any) -> Any:
    return OperatorCase(node.op_type, form, model_of(node, shape, constants), **how)


REPEATED = (
    *(_repetition(form, *how) for form, how in REPETITIONS.items()),
    _repetition("gather rows, batch of two", *REPETITIONS["gather rows"], batch=2),
    _repetition("tile, batch of two", *REPETITIONS["tile"], batch=2),
    alone("Gather", "more than the scratchpad", LARGE, {"i": numbers(25, 3, 3, 0, 12)}, axis=2),
    alone("Tile", "to more than the scratchpad", IMAGE, {"i": numbers(1, 3, 3, 3)}),
    behind_convolution("Gather", "behind a convolution", constants={"i": numbers(3, 0, 0)}, axis=2),
    behind_convolution("Tile", "behind a convolution", constants={"i": numbers(1, 1, 2, 2)}),
)
BLOCKS = (
    *(alone("DepthToSpace", mode, (1, 12, 4, 5), blocksize=2, mode=mode) for mode in ("DCR", "CRD")),
    *(behind_convolution("DepthToSpace", f"{mode}, behind a convolution", 20, blocksize=2, mode=mode)
      for mode in ("DCR", "CRD")),
    alone("SpaceToDepth", "alone", (1, 3, 8, 10), blocksize=2),
    alone("SpaceToDepth", "batch of two", (1, 3, 8, 10), blocksize=2, batch=2),
    behind_convolution("SpaceToDepth", "behind a convolution", 5, (9, 6), blocksize=3),
)
SHAPES = (
    alone("Reshape", "image", IMAGE, {"s": numbers(1, 7, 6, 5)}),
    behind_convolution("Reshape", "behind a convolution", constants={"s": numbers(0, 2, -1, 8)}),
    alone("Flatten", "image", IMAGE),
    behind_convolution("Flatten", "behind a convolution"),
    alone("Squeeze", "one axis", (1, 5, 1, 7), {"a": numbers(2)}),
    alone("Unsqueeze", "two axes", (1, 5, 7), {"a": numbers(1, -1)}),
)
CASES: tuple[OperatorCase, ...] = (
    *CONCATENATIONS, *SPLITS, *SLICES, *PADS, *TRANSPOSITIONS, *REPEATED, *BLOCKS, *SHAPES,
)
