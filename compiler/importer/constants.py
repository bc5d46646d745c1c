"""Evaluating an ONNX node whose inputs are all constants, with ONNX's own reference evaluator or ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from compiler.importer.context import Context, OnnxNode
from compiler.importer.load import one_line

IR_VERSION = 8
SILENT = 4
RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
)

MOST_ELEMENTS = 1 << 28
"""Most elements of a constant that is computed here: 1 GiB of float32, more than any model's weights should be."""


def is_constant(context: Context, node: OnnxNode) -> bool:
    """Whether a node can be evaluated now: every input that it has is a constant."""
    given = [name for name in node.inputs if name]
    return all(name in context.tensors and context.tensors[name].is_constant for name in given)


def evaluate(context: Context, node: OnnxNode) -> list[npt.NDArray[Any]]:
    """Return the outputs of a node whose inputs are all constants.

    Raises:
        ModelError: the operator is random, has a subgraph, makes too large a tensor, or cannot be evaluated.
    """
    if node.op_type in RANDOM:
        raise node.error("random operators are not supported")
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.proto.attribute):
        raise node.error("operators with a subgraph are not supported")
    given = [name for name in node.inputs if name]
    operands = [context.tensors[name].array for name in given]
    _check_size(node, operands)
    feeds = dict(zip(given, operands, strict=True))
    try:
        results = list(ReferenceEvaluator(node.proto, opsets={"": context.opset}).run(None, feeds))
    except Exception as error:
        found = _by_runtime(context, node, feeds)
        if found is None:
            raise node.error(f"cannot evaluate this operator on constants: {one_line(error)}") from error
        results = found
    return [np.asarray(result) for result in results]


def _check_size(node: OnnxNode, operands: list[npt.NDArray[Any]]) -> None:
    """Refuse an operator whose few operands ask for a huge result, before memory is taken for it."""
    try:
        elements = _elements(node.op_type, operands)
    except (TypeError, ValueError, OverflowError):  # operands of another type, NaN or infinity: not evaluated either
        raise node.error("its operands are not finite numbers, so the size of its result is not known") from None
    if elements > MOST_ELEMENTS:
        raise node.error(f"would make a constant of {elements} elements; legal are up to {MOST_ELEMENTS}")


def _elements(op_type: str, operands: list[npt.NDArray[Any]]) -> int:
    """Return how many elements an operator makes whose operands say it, 0 for others."""
    if op_type in ("ConstantOfShape", "Expand") and operands:
        return math.prod(max(int(size), 1) for size in operands[-1].reshape(-1))
    if op_type == "Tile" and len(operands) == 2:
        return operands[0].size * math.prod(int(count) for count in operands[1].reshape(-1))
    if op_type == "Range" and len(operands) == 3 and operands[2].size == 1 and operands[2].item():
        return int((float(operands[1].item()) - float(operands[0].item())) / float(operands[2].item()))
    return 0


def _by_runtime(context: Context, node: OnnxNode, feeds: Mapping[str, npt.NDArray[Any]]) -> list[Any] | None:
    """Evaluate with ONNX Runtime, which knows the old forms of operators that the reference evaluator does not."""
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    graph = onnx.helper.make_graph([node.proto], "constants", inputs, outputs)
    version = onnx.helper.make_opsetid("", context.opset)
    model = onnx.helper.make_model(graph, opset_imports=[version], ir_version=IR_VERSION)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        results = iter(session.run(None, dict(feeds)))
    except Exception:  # the runtime has no common error
        return None
    return [next(results) if name else None for name in node.outputs]
