"""A float graph written back as an ONNX model, to be run by ONNX Runtime (calibration, folding, tests)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compiler.graph import Graph, Node, Op
from compiler.importer.export_functions import write_function
from compiler.importer.export_moves import MOVE_WRITERS
from compiler.importer.opaque import onnx_node
from compiler.passes.shapes import pool_dilations

OPSET = 19
IR_VERSION = 9


def to_onnx(graph: Graph, outputs: Sequence[str] | None = None, *, any_batch: bool = True) -> onnx.ModelProto:
    """Return the float graph as an ONNX model; `outputs` names other tensors to return.

    The model takes any number of samples along axis 0, or exactly the graph's shapes. Its operators are of the
    versions of the graph's `onnx` nodes, else of `OPSET`.

    Raises:
        ModelError: the graph holds an operator of the quantized graph, or nodes of different versions of one domain.
    """
    extra: list[onnx.TensorProto] = []
    nodes: list[onnx.NodeProto] = []
    for node in graph.nodes():
        if node.op not in WRITERS:
            raise node.error("not an operator of a float graph")
        nodes.extend(WRITERS[node.op](graph, node, extra))
    constants = [numpy_helper.from_array(t.data, t.name) for t in graph.tensors.values() if t.data is not None]
    body = helper.make_graph(
        nodes,
        "tpukit",
        [_value(graph, name, any_batch) for name in graph.inputs],
        [_value(graph, name, any_batch) for name in (graph.outputs if outputs is None else outputs)],
        constants + extra,
    )
    versions = [helper.make_opsetid(domain, version) for domain, version in _versions(graph).items()]
    return helper.make_model(body, opset_imports=versions, ir_version=IR_VERSION)


def _versions(graph: Graph) -> dict[str, int]:
    """Return the version of each domain of operators that the graph needs."""
    versions: dict[str, int] = {}
    if any(node.op is not Op.ONNX for node in graph.nodes()):
        versions[""] = OPSET
    for node in graph.nodes():
        if node.op is Op.ONNX:
            domain, version = node.text("domain"), node.integer("opset")
            if versions.setdefault(domain, version) != version:
                raise node.error(f"is of version {version} of the domain '{domain}', other nodes are of version "
                                 f"{versions[domain]}, and one ONNX model holds one version only")
    versions.setdefault("", OPSET)
    return versions


def _value(graph: Graph, name: str, any_batch: bool) -> onnx.ValueInfoProto:
    tensor = graph.tensors[name]
    shape: list[str | int | None] = list(tensor.shape)
    if any_batch and shape and not tensor.is_constant:
        shape[0] = "N"
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(tensor.dtype)), shape)


Writer = Callable[[Graph, Node, list[onnx.TensorProto]], list[onnx.NodeProto]]


def _conv2d(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    attributes = {
        "strides": node.integers("strides"),
        "pads": node.integers("pads"),
        "dilations": node.integers("dilations"),
        "group": node.integer("groups"),
    }
    return _activated(node, "Conv", attributes, extra)


def _conv_transpose2d(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    weight, groups = graph.tensors[node.inputs[1]].array, node.integer("groups")
    split = np.moveaxis(weight.reshape(groups, -1, *weight.shape[1:]), 1, 2)
    name = f"{node.output}__weight"
    extra.append(numpy_helper.from_array(np.ascontiguousarray(split).reshape(-1, *split.shape[2:]), name))
    names = ("strides", "pads", "dilations", "output_padding")
    attributes: dict[str, Any] = {name: node.integers(name) for name in names} | {"group": groups}
    inputs = [node.inputs[0], name, *node.inputs[2:]]
    return [helper.make_node("ConvTranspose", inputs, node.outputs, node.name, **attributes)]


def _dense(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    return _activated(node, "Gemm", {"transB": 1}, extra)


def _binary(op_type: str) -> Writer:
    return lambda graph, node, extra: _activated(node, op_type, {}, extra)


def _activated(
    node: Node, op_type: str, attributes: Mapping[str, Any], extra: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    bounds = [node.attributes.get("activation_min"), node.attributes.get("activation_max")]
    if bounds == [None, None]:
        return [_make(node, op_type, attributes)]
    raw = f"{node.output}__before_activation"
    clip = _clip(node, raw, bounds, extra)
    return [helper.make_node(op_type, node.inputs, [raw], f"{node.name}__raw", **attributes), clip]


def _clip(node: Node, source: str, bounds: Sequence[Any], extra: list[onnx.TensorProto]) -> onnx.NodeProto:
    names = [source]
    for side, value in zip(("min", "max"), bounds, strict=True):
        names.append("" if value is None else f"{node.output}__{side}")
        if value is not None:
            extra.append(numpy_helper.from_array(np.array(value, np.float32), names[-1]))
    return helper.make_node("Clip", names, [node.output], node.name)


def _write_clip(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    return [_clip(node, node.inputs[0], [node.attributes.get("min"), node.attributes.get("max")], extra)]


def _max_pool(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    axes = _reduced_axes(node, graph.tensors[node.inputs[0]].shape)
    if axes is None:
        return [_make(node, "MaxPool", _window(node))]
    name = f"{node.output}__axes"
    extra.append(numpy_helper.from_array(np.array(axes, np.int64), name))
    return [helper.make_node("ReduceMax", [node.inputs[0], name], node.outputs, node.name, keepdims=1)]


def _reduced_axes(node: Node, shape: Sequence[int]) -> list[int] | None:
    """Return the axes over which a pool is a reduction: its window is one position or all of them; else None.

    ONNX Runtime's ReduceMax gives -inf where all values are, its MaxPool the least finite number.
    """
    kernel, strides, axes = node.integers("kernel"), node.integers("strides"), []
    for axis, size in enumerate(shape[2:]):
        if kernel[axis] == size:
            axes.append(axis + 2)
        elif (kernel[axis], strides[axis]) != (1, 1):
            return None
    return axes if axes and not any(node.integers("pads")) else None


def _average_pool(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    include = node.integer("count_include_pad")
    return [_make(node, "AveragePool", _window(node) | {"count_include_pad": include})]


def _window(node: Node) -> dict[str, Any]:
    """Return a pool's attributes, without dilations of 1: the quantized pool of ONNX Runtime knows none."""
    names = (("kernel", "kernel_shape"), ("strides", "strides"), ("pads", "pads"))
    window: dict[str, Any] = {theirs: node.integers(ours) for ours, theirs in names}
    dilations = pool_dilations(node)
    return window if dilations == (1, 1) else window | {"dilations": dilations}


def _reshape(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    shape = list(node.integers("shape"))
    source = graph.tensors[node.inputs[0]]
    if shape and not source.is_constant and shape[0] == source.shape[0]:
        shape[0] = -1
    name = f"{node.output}__shape"
    extra.append(numpy_helper.from_array(np.array(shape, np.int64), name))
    return [helper.make_node("Reshape", [node.inputs[0], name], [node.output], node.name)]


def _softmax(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    return [_make(node, "LogSoftmax" if node.integer("log") else "Softmax", {"axis": node.integer("axis")})]


def _batch_normalization(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    return [_make(node, "BatchNormalization", {"epsilon": node.number("epsilon")})]


def _plain(op_type: str) -> Writer:
    return lambda graph, node, extra: [_make(node, op_type, {})]


def _make(node: Node, op_type: str, attributes: Mapping[str, Any]) -> onnx.NodeProto:
    return helper.make_node(op_type, node.inputs, node.outputs, node.name, **attributes)


WRITERS: Mapping[Op, Writer] = {
    Op.CONV2D: _conv2d,
    Op.CONV_TRANSPOSE2D: _conv_transpose2d,
    Op.DENSE: _dense,
    Op.ADD: _binary("Add"),
    Op.SUB: _binary("Sub"),
    Op.MUL: _binary("Mul"),
    Op.FUNCTION: write_function,
    Op.MAX_POOL: _max_pool,
    Op.AVERAGE_POOL: _average_pool,
    Op.GLOBAL_AVERAGE_POOL: _plain("GlobalAveragePool"),
    Op.RESHAPE: _reshape,
    Op.SOFTMAX: _softmax,
    Op.ONNX: lambda graph, node, extra: [onnx_node(node)],
    Op.RELU: _plain("Relu"),
    Op.CLIP: _write_clip,
    Op.IDENTITY: _plain("Identity"),
    Op.BATCH_NORMALIZATION: _batch_normalization,
    **MOVE_WRITERS,
}
