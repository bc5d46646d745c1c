"""What it would take to evaluate an ONNX node on constants, known before memory or time is spent on it.

A node of a few bytes can ask for terabytes (Expand, Pad, Resize, ...) or for ages (Einsum over many axes, pools with a
window of millions). ONNX's own shape inference says how large the results are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import AttributeProto, helper, numpy_helper

from compiler.importer.context import Context, OnnxNode
from machine.text import one_line

IR_VERSION = 8
MOST_BYTES = (1 << 31) - 1
"""Bytes of all constants that are computed here: as much as a model file can hold."""
MOST_STEPS = 1 << 28
"""Steps of an operator whose time is not known to grow with its operands and results only."""
WIDEST_BYTES = 8
"""Bytes that an element is taken to have whose type is not known."""
SMALL = 1 << 10
"""Elements of an operand that may be a shape, so that shape inference sees its values."""

LINEAR = frozenset({
    "Abs", "Add", "And", "BatchNormalization", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Cast",
    "CastLike", "Ceil", "Clip", "Compress", "Concat", "Constant", "ConstantOfShape", "Cos", "DepthToSpace",
    "DequantizeLinear", "Div", "Equal", "Erf", "Exp", "Expand", "Flatten", "Floor", "Gather", "GatherElements",
    "GatherND", "Greater", "GreaterOrEqual", "Identity", "IsInf", "IsNaN", "LeakyRelu", "Less", "LessOrEqual", "Log",
    "Max", "Mean", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "Or", "Pad", "Pow", "QuantizeLinear", "Range",
    "Reciprocal", "ReduceL1", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum",
    "ReduceSumSquare", "Relu", "Reshape", "Round", "ScatterElements", "ScatterND", "Shape", "Sigmoid", "Sign", "Sin",
    "Size", "Slice", "SpaceToDepth", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "Transpose", "Trilu",
    "Unsqueeze", "Where", "Xor",
})
"""Operators that do a few steps for each element that they read or write."""


def check_constant(context: Context, node: OnnxNode, operands: Mapping[str, npt.NDArray[Any]]) -> None:
    """Refuse a node that would take too much, and count the bytes of the constants that it makes.

    Raises:
        ModelError: too many bytes or steps, a result whose size is not known, or operands that do not fit the operator.
    """
    shapes = _inferred(context, node, operands)
    largest = max((array.size for array in operands.values()), default=1)
    total = 0
    for name, found in shapes.items():
        if found is None:
            raise node.error(f"the size of its result '{name}' is not known before it is evaluated")
        kind, sizes = found
        elements = math.prod(largest if size is None else size for size in sizes)
        if any(size is not None and size < 0 for size in sizes) or context.constant_bytes + elements > MOST_BYTES:
            raise node.error(f"would make a constant of {list(sizes)} elements; all that are computed may hold "
                             f"{MOST_BYTES} bytes")
        total += elements * _bytes_of(kind)
    context.constant_bytes += total
    if context.constant_bytes > MOST_BYTES:
        raise node.error(f"would make {context.constant_bytes} bytes of constants; all that are computed may hold "
                         f"{MOST_BYTES}")
    if node.op_type not in LINEAR and (steps := _steps(node, operands, total)) > MOST_STEPS:
        raise node.error(f"may take {steps} steps to evaluate on constants; up to {MOST_STEPS} are supported")


def _inferred(
    context: Context, node: OnnxNode, operands: Mapping[str, npt.NDArray[Any]]
) -> dict[str, tuple[int, Sequence[int | None]] | None]:
    """Return type and shape of each result; a size is None that depends on values, the shape where nothing is known."""
    small = [numpy_helper.from_array(array, name) for name, array in operands.items() if array.size <= SMALL]
    large = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in operands.items() if array.size > SMALL
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    graph = helper.make_graph([node.proto], "constants", large, outputs, small)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", context.opset)], ir_version=IR_VERSION)
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except Exception as error:  # of C++, without a common type
        raise node.error(f"its constant operands do not fit: {one_line(error)}") from error
    return {value.name: _type_and_shape(value.type) for value in inferred.graph.output}


def _type_and_shape(value: onnx.TypeProto) -> tuple[int, Sequence[int | None]] | None:
    if not value.HasField("tensor_type") or not value.tensor_type.HasField("shape"):
        return None
    dims = value.tensor_type.shape.dim
    return value.tensor_type.elem_type, [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]


def _bytes_of(kind: int) -> int:
    """Return the bytes of an element as NumPy holds it."""
    return np.dtype(helper.tensor_dtype_to_np_dtype(kind)).itemsize if kind else WIDEST_BYTES


def _steps(node: OnnxNode, operands: Mapping[str, npt.NDArray[Any]], results: int) -> int:
    """Return more steps than the operator can take: every combination of its operands, results and attributes."""
    if node.op_type in ("Gemm", "MatMul"):
        return results * max((array.shape[-1] for array in operands.values() if array.ndim), default=1)
    sizes = [max(array.size, 1) for array in operands.values()]
    numbers = [
        max(abs(number), 1) for attribute in node.proto.attribute for number in (attribute.i, *attribute.ints)
        if attribute.type in (AttributeProto.INT, AttributeProto.INTS)
    ]
    return math.prod((*sizes, *numbers, max(results, 1)))
