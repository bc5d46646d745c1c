"""Evaluating an ONNX node whose inputs are all constants, with ONNX's own reference evaluator or ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx.reference import ReferenceEvaluator

from compiler.importer.constant_size import IR_VERSION, check_constant
from compiler.importer.context import Context, OnnxNode
from machine.text import one_line

SILENT = 4
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
        ModelError: the operator is random, has a subgraph, makes too large a tensor, or cannot be evaluated.
    """
    if node.op_type in RANDOM:
        raise node.error("random operators are not supported")
    if any(attribute.HasField("g") or attribute.graphs for attribute in node.proto.attribute):
        raise node.error("operators with a subgraph are not supported")
    given = [name for name in node.inputs if name]
    feeds = {name: context.tensors[name].array for name in given}
    check_constant(context, node, feeds)
    try:
        results = list(ReferenceEvaluator(node.proto, opsets=dict(context.versions)).run(None, feeds))
    except Exception as error:
        found = _by_runtime(context, node, feeds)
        if found is None:
            raise node.error(f"cannot evaluate this operator on constants: {one_line(error)}") from error
        results = found
    if any(result is not None and not isinstance(result, (np.ndarray, np.generic)) for result in results):
        raise node.error("makes a sequence or a map; only tensors are supported")
    return [np.asarray(result) for result in results]


def _by_runtime(context: Context, node: OnnxNode, feeds: Mapping[str, npt.NDArray[Any]]) -> list[Any] | None:
    """Evaluate with ONNX Runtime, which knows the old forms of operators that the reference evaluator does not."""
    inputs = [
        onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in feeds.items()
    ]
    outputs = [onnx.ValueInfoProto(name=name) for name in node.outputs if name]
    graph = onnx.helper.make_graph([node.proto], "constants", inputs, outputs)
    versions = [onnx.helper.make_opsetid(domain, version) for domain, version in context.versions.items()]
    model = onnx.helper.make_model(graph, opset_imports=versions, ir_version=IR_VERSION)
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
