"""Evaluating an ONNX node whose inputs are all constants, with ONNX's own reference evaluator."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from onnx.reference import ReferenceEvaluator

from compiler.importer.context import Context, OnnxNode
from compiler.importer.load import one_line

RANDOM = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Bernoulli", "Multinomial"}
)


def is_constant(context: Context, node: OnnxNode) -> bool:
    """Whether a node can be evaluated now: every input that it has is a constant."""
    given = [name for name in node.inputs if name]
    return all(name in context.tensors and context.tensors[name].is_constant for name in given)


def evaluate(context: Context, node: OnnxNode) -> list[npt.NDArray[Any]]:
    """Return the outputs of a node whose inputs are all constants.

    Raises:
        ModelError: the operator is random, has a subgraph, or cannot be evaluated.
    """
    if node.op_type in RANDOM:
        raise node.error("random operators are not supported")
    feeds = {name: context.tensors[name].array for name in node.inputs if name}
    try:
        results = ReferenceEvaluator(node.proto, opsets={"": context.opset}).run(None, feeds)
    except Exception as error:
        raise node.error(f"cannot evaluate this operator on constants: {one_line(error)}") from error
    return [np.asarray(result) for result in results]
