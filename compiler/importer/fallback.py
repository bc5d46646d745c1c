"""Operators that have no form of their own: nodes of the host, kept as the model wrote them (`Op.ONNX`).

Types and shapes of their outputs are those that ONNX Runtime infers for a model of the node alone with the shapes of
its inputs. What ONNX Runtime has no kernel for, and what has an output that is no tensor, or whose shape depends on
values, is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from compiler.graph import Tensor
from compiler.importer.constants import RANDOM
from compiler.importer.context import Context, OnnxNode
from compiler.importer.export import IR_VERSION
from compiler.importer.opaque import onnx_node, opaque_node
from compiler.passes.base import unique_name
from compiler.passes.shapes import MOST_DIMENSIONS, MOST_ELEMENTS
from machine.errors import ModelError
from machine.text import one_line

SILENT = 4
EQUATION = re.compile(r"[A-Za-z,.>\- ]*")
"""What the equation of an Einsum may be made of."""
DTYPES = {
    "tensor(bool)": "bool", "tensor(float16)": "float16", "tensor(float)": "float32", "tensor(double)": "float64",
    **{f"tensor({kind}int{bits})": f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)},
}
"""The NumPy type of each type of ONNX Runtime that a tensor of a graph may have."""


def put_on_host(context: Context, node: OnnxNode, reason: str) -> None:
    """Add a node as it is; `reason` says why it has no form of its own.

    Raises:
        ModelError: the host cannot execute it either (both reasons named).
    """
    try:
        _put_on_host(context, node, reason)
    except ModelError as error:
        second = str(error).removeprefix(str(node.error("")))
        raise node.error(f"{reason}; nor can the host execute it: {second}") from error


def _put_on_host(context: Context, node: OnnxNode, reason: str) -> None:
    _check(context, node)
    operands = [context.tensor(node, index) for index, name in enumerate(node.inputs) if name]
    for tensor in operands:
        if tensor.dtype not in DTYPES.values():
            raise node.error(f"input '{tensor.name}' is {tensor.dtype}; legal are {', '.join(DTYPES.values())}")
    domain = "" if node.proto.domain == "ai.onnx" else node.proto.domain
    made = opaque_node(
        node.proto, context.unique_node_name(node.name), context.versions[domain], node.inputs, node.outputs, reason
    )
    versions = [helper.make_opsetid(name, version) for name, version in context.versions.items()]
    outputs = _inferred(node, onnx_node(made), operands, versions)
    context.nodes.append(made)
    context.tensors |= {tensor.name: tensor for tensor in outputs}


def _check(context: Context, node: OnnxNode) -> None:
    trained = node.has_input(2) and node.op_type == "Dropout"
    if node.op_type in RANDOM or (trained and context.constant(node, 2, "training mode").any()):
        raise node.error("random operators are not supported")
    equation = node.text("equation", "") if node.op_type == "Einsum" else ""
    if not EQUATION.fullmatch(equation):  # ONNX Runtime never comes back from some others
        raise node.error(f"its equation {equation!r} holds other characters than letters, ',', '.', '->' and spaces")
    parts = node.integer("num_outputs", len(node.outputs)) if node.op_type == "Split" else len(node.outputs)
    if parts != len(node.outputs):  # ONNX Runtime crashes
        raise node.error(f"num_outputs is {parts}, but it has {len(node.outputs)} outputs")
    for attribute in node.proto.attribute:  # ONNX Runtime takes memory for some before it looks whether they fit
        if node.op_type != "Slice" and max(map(abs, (attribute.i, *attribute.ints)), default=0) > MOST_ELEMENTS:
            raise node.error(f"its attribute '{attribute.name}' holds numbers beyond {MOST_ELEMENTS}")
    for name in captured_names(node.proto):
        raise node.error(f"its subgraph reads '{name}' from outside, which is not supported")


def captured_names(proto: onnx.NodeProto) -> Iterator[str]:
    """Yield the names that a node's subgraphs read from the graphs around them."""
    for attribute in proto.attribute:
        for graph in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
            known = {value.name for value in (*graph.input, *graph.initializer)}
            for node in graph.node:
                yield from (name for name in (*node.input, *captured_names(node)) if name and name not in known)
                known.update(node.output)
            yield from (value.name for value in graph.output if value.name not in known)


def _inferred(
    node: OnnxNode, proto: onnx.NodeProto, operands: Sequence[Tensor], versions: Sequence[onnx.OperatorSetIdProto]
) -> list[Tensor]:
    """Return the outputs of a node as tensors."""
    names = [name for name in proto.output if name]
    described = _describe(node, [proto], operands, names, versions)
    if any(not shape for _, shape in described):  # of no dimensions, or of an unknown number: `Shape` tells which
        taken = {tensor.name for tensor in operands} | set(names)
        ranks = [unique_name(f"{name}_shape", taken) for name in names]
        shape_nodes = [helper.make_node("Shape", [name], [rank]) for name, rank in zip(names, ranks, strict=True)]
        for name, (_, shape) in zip(names, _describe(node, [proto, *shape_nodes], operands, ranks, versions),
                                    strict=True):
            if not isinstance(shape[0], int):
                raise node.error(f"the shape of its output '{name}' depends on values; only fixed shapes are supported")
    tensors = []
    for name, (kind, shape) in zip(names, described, strict=True):
        sizes = tuple(size for size in shape if isinstance(size, int))
        if len(sizes) != len(shape):
            raise node.error(f"the shape of its output '{name}' depends on values; only fixed shapes are supported")
        if min(sizes, default=1) < 1:
            raise node.error(f"its output '{name}' has shape {list(sizes)}, which has no values")
        if math.prod(sizes) > MOST_ELEMENTS or len(sizes) > MOST_DIMENSIONS:
            raise node.error(f"its output '{name}' has shape {list(sizes)}; up to {MOST_ELEMENTS} values in "
                             f"{MOST_DIMENSIONS} dimensions are supported")
        tensors.append(Tensor(name, sizes, DTYPES[kind]))
    return tensors


def _describe(
    node: OnnxNode, protos: Sequence[onnx.NodeProto], operands: Sequence[Tensor], outputs: Sequence[str],
    versions: Sequence[onnx.OperatorSetIdProto],
) -> list[tuple[str, list[object]]]:
    """Return the types and shapes that ONNX Runtime infers; a size that it does not know is not an integer."""
    inputs = {
        tensor.name: helper.make_tensor_value_info(
            tensor.name, helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)), tensor.shape
        )
        for tensor in operands if tensor.data is None
    }
    constants = {t.name: numpy_helper.from_array(t.data, t.name) for t in operands if t.data is not None}
    results = [onnx.ValueInfoProto(name=name) for name in outputs]
    body = helper.make_graph(protos, "node", list(inputs.values()), results, list(constants.values()))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = SILENT
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    try:
        model = helper.make_model(body, opset_imports=versions, ir_version=IR_VERSION).SerializeToString()
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # neither protobuf nor the runtime has a common error
        raise node.error(f"ONNX Runtime does not take it: {one_line(error)}") from error
    described = [(value.type, list(value.shape)) for value in session.get_outputs()]
    for kind, _ in described:
        if kind not in DTYPES:
            raise node.error(f"has an output of type {kind}; legal are tensors of {', '.join(DTYPES.values())}")
    return described
