"""Damaged and hostile models, built by code: each with the text that names its culprit.

A case's `culprit` is part of the line with which the model is refused. None: it may be imported.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

HOST = None
"""No culprit: the host takes the node, and what ONNX Runtime does not like of it is an error of the run."""

Constants = Mapping[str, Any]
HUGE = 1 << 40
INT64_MAX, INT32_MAX = (1 << 63) - 1, (1 << 31) - 1
FLOAT = TensorProto.FLOAT


@dataclass(frozen=True)
class Case:
    """A model's bytes, when asked for, and what its refusal says."""

    name: str
    build: Callable[[], bytes]
    culprit: str | None
    arguments: tuple[str, ...] = ()
    """More arguments of `tpukit compile`."""


def image(name: str = "x", shape: Sequence[Any] = (1, 3, 8, 8)) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, FLOAT, shape)


def model(
    nodes: Sequence[onnx.NodeProto], constants: Constants | None = None, *,
    inputs: Sequence[onnx.ValueInfoProto] | None = None, opset: int = 17,
) -> onnx.ModelProto:
    """Return a model from input `x` to output `y` that is not looked at by any checker."""
    graph = helper.make_graph(
        list(nodes), "hostile", [image()] if inputs is None else list(inputs), [image("y", ("a", "b", "c", "d"))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in (constants or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)


def node(op_type: str, inputs: Sequence[str] = ("x",), outputs: Sequence[str] = ("y",), **attributes: Any) -> Any:
    """Return a node of the name `culprit`."""
    return helper.make_node(op_type, list(inputs), list(outputs), name="culprit", **attributes)


RELU = helper.make_node("Relu", ["x"], ["y"], name="good")


def changed(change: Callable[[onnx.ModelProto], object], constants: Constants | None = None, *nodes: Any) -> bytes:
    """Return the bytes of a model of one node, changed."""
    made = model(nodes or [node("Relu")], constants)
    change(made)
    return bytes(made.SerializeToString())


def add(target: str, name: str, shape: Sequence[Any]) -> Callable[[onnx.ModelProto], object]:
    return lambda made: getattr(made.graph, target).append(image(name, shape))


def tensor(dims: Sequence[int], kind: int = FLOAT, **fields: Any) -> TensorProto:
    return TensorProto(name="culprit", dims=dims, data_type=kind, **fields)


def with_weight(weight: TensorProto) -> bytes:
    """Return a model whose convolution has the given weight."""
    made = model([node("Conv", ["x", "culprit"])])
    made.graph.initializer.append(weight)
    return bytes(made.SerializeToString())


def attribute(**fields: Any) -> bytes:
    """Return a model whose node has an attribute of the given fields."""
    return changed(lambda made: made.graph.node[0].attribute.append(AttributeProto(**fields)), None, node("LeakyRelu"))


def chain(op_type: str, count: int, name: str) -> bytes:
    """Return a chain of nodes, whose names are made by `name.format(index)`."""
    names = ["x", *(f"t{i}" for i in range(count - 1)), "y"]
    pairs = itertools.pairwise(names)
    return bytes(model([
        helper.make_node(op_type, [source], [target], name=name.format(i)) for i, (source, target) in enumerate(pairs)
    ]).SerializeToString())


def nested(depth: int) -> bytes:
    """Return a model with conditions inside of conditions."""
    leaf = helper.make_node("Constant", [], ["v"], value_float=1.0)
    made = model([node("If", ["c"], ["z"]), RELU], {"c": np.array(True)})
    inner = made.graph.node[0]
    for level in range(depth):
        body = inner.attribute.add(name="then_branch", type=AttributeProto.GRAPH).g
        body.name = f"level{level}"
        body.output.append(image("v", ()))
        inner = body.node.add(op_type="If", name=f"if{level}", input=["c"], output=["v"])
    inner.CopyFrom(leaf)
    return bytes(made.SerializeToString())


STRUCTURE: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "cycle": (lambda: changed(lambda m: None, None, helper.make_node("Relu", ["b"], ["a"], name="one"),
                              helper.make_node("Relu", ["a"], ["b"], name="two"), RELU), "one"),
    "self loop": (lambda: changed(lambda m: None, None, node("Relu", ["y"])), "culprit"),
    "dangling input": (lambda: changed(lambda m: None, None, node("Relu", ["nowhere"])), "nowhere"),
    "node without outputs": (lambda: changed(lambda m: None, None, node("Relu", ["x"], []), RELU), "culprit"),
    "node without inputs": (lambda: changed(lambda m: None, None, node("Relu", [])), "culprit"),
    "empty output": (lambda: changed(lambda m: None, None, node("Relu", ["x"], [""]), RELU), None),
    "output written twice": (lambda: changed(lambda m: None, None, RELU, RELU), "'y'"),
    "output written twice by one node": (
        lambda: changed(lambda m: None, None, node("Split", ["x"], ["y", "y"], axis=1)), "'y'"),
    "output is an initializer": (lambda: changed(lambda m: None, {"y": np.ones(1, np.float32)}, node("Relu")), "y"),
    "input written": (lambda: changed(lambda m: None, None, node("Relu", ["x"], ["x"]), RELU), "x"),
    "initializer twice": (lambda: changed(lambda m: m.graph.initializer.extend([*m.graph.initializer]),
                                          {"w": np.ones(1, np.float32)}, node("Add", ["x", "w"])), "w"),
    "input twice": (lambda: changed(add("input", "x", (1, 3, 8, 8))), "x"),
    "output twice": (lambda: changed(add("output", "y", (1, 3, 8, 8))), "'y'"),
    "output of nothing": (lambda: changed(add("output", "nowhere", (1,))), "'nowhere'"),
    "no outputs": (lambda: changed(lambda m: m.graph.ClearField("output")), "at least one"),
    "no nodes": (lambda: changed(lambda m: m.graph.ClearField("node")), "'y'"),
    "no operator": (lambda: changed(lambda m: m.graph.node[0].ClearField("op_type")), "culprit"),
    "two opsets": (
        lambda: changed(lambda m: m.opset_import.append(helper.make_opsetid("", 18))), r"versions \[17, 18\]"),
    "two names of the domain": (
        lambda: changed(lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 9))), r"versions \[9, 17\]"),
    "negative opset": (lambda: changed(lambda m: setattr(m.opset_import[0], "version", -1)), "opset -1"),
    "100,000 Identity nodes": (lambda: chain("Identity", 100_000, "n{}"), "100000 nodes"),
    "100,000 Relu nodes of one name": (lambda: chain("Relu", 100_000, "same"), "100000 nodes"),
    "5,000 Identity nodes": (lambda: chain("Identity", 5_000, "n{}"), None),
    "5,000 Relu nodes of one name": (lambda: chain("Relu", 5_000, "same"), None),
    "5,000 Sigmoid nodes without a name": (lambda: chain("Sigmoid", 5_000, ""), None),
    "5,000 constants": (lambda: changed(lambda m: None, None, RELU, *(
        helper.make_node("Constant", [], [f"c{i}"], value_float=1.0) for i in range(5_000))), None),
    "conditions 20 deep": (lambda: nested(20), "culprit"),
    "conditions 200 deep": (lambda: nested(200), "not an ONNX model"),
}

ATTRIBUTES: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "no type": (lambda: attribute(name="alpha", f=0.5), "culprit"),
    "unknown type": (lambda: changed(lambda m: None, None, node("LeakyRelu", alpha=0.5)).replace(
        b"\xa0\x01\x01", b"\xa0\x01\x63"), "culprit"),
    "type and field contradict": (lambda: attribute(name="alpha", type=AttributeProto.INTS, f=0.5), "culprit"),
    "two fields": (lambda: attribute(name="alpha", type=AttributeProto.FLOAT, f=0.5, i=3, s=b"x"), "culprit"),
    "not of the operator": (lambda: attribute(name="beta", type=AttributeProto.FLOAT, f=0.5), "culprit"),
    "twice": (lambda: changed(lambda m: m.graph.node[0].attribute.extend([*m.graph.node[0].attribute]), None,
                              node("LeakyRelu", alpha=0.5)), None),
    "no name": (lambda: attribute(type=AttributeProto.FLOAT, f=0.5), "culprit"),
    "text that is not UTF-8": (lambda: changed(lambda m: setattr(m.graph.node[0].attribute[0], "s", b"\xff\xfe"), None,
                                               node("MaxPool", auto_pad="VALID", kernel_shape=[2, 2])), "culprit"),
    "NaN": (lambda: changed(lambda m: None, None, node("LeakyRelu", alpha=float("nan"))), HOST),
    "a tensor without values": (lambda: changed(lambda m: None, None, node("Constant", [], ["c"], value=tensor([4])),
                                                RELU), "culprit"),
}

WEIGHTS: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "too short": (lambda: with_weight(tensor([2, 3, 3, 3], raw_data=bytes(8))), "culprit"),
    "too long": (lambda: with_weight(tensor([2, 3, 3, 3], raw_data=bytes(4 * 54 + 4))), "culprit"),
    "cut within a value": (lambda: with_weight(tensor([2, 3, 3, 3], raw_data=bytes(4 * 54 - 1))), "culprit"),
    "two kinds of values": (
        lambda: with_weight(tensor([1, 3, 1, 1], raw_data=bytes(12), float_data=[0, 0, 0])), "culprit"),
    "no values": (lambda: with_weight(tensor([2, 3, 3, 3])), "culprit"),
    "values of another type": (lambda: with_weight(tensor([1, 3, 1, 1], int32_data=[1, 2, 3])), "int32_data"),
    "negative sizes": (lambda: with_weight(tensor([-2, -3, 3, 3], raw_data=bytes(4 * 54))), "culprit"),
    "one size left open": (lambda: with_weight(tensor([-1, 3, 1, 1], raw_data=bytes(12))), "culprit"),
    "a size of zero": (lambda: with_weight(tensor([0, 3, 3, 3], raw_data=b"")), "culprit"),
    "sizes whose product overflows": (lambda: with_weight(tensor([1 << 32, 1 << 32, 1, 1], raw_data=b"")), "culprit"),
    "huge and not there": (lambda: with_weight(tensor([HUGE], raw_data=bytes(4))), "culprit"),
    "unknown type": (lambda: with_weight(tensor([1, 3, 1, 1], 77, raw_data=bytes(12))), "culprit"),
    "text": (lambda: with_weight(tensor([1, 3, 1, 1], TensorProto.STRING, string_data=[b"a"] * 3)), "culprit"),
    "complex": (lambda: with_weight(tensor([1, 3, 1, 1], TensorProto.COMPLEX64, raw_data=bytes(24))), "culprit"),
    "a thousand dimensions": (lambda: with_weight(tensor([1] * 1000, raw_data=bytes(4))), "culprit"),
    "external, without a place": (lambda: with_weight(tensor([1], data_location=TensorProto.EXTERNAL)), "culprit"),
}


def shaped(*sizes: Any) -> bytes:
    """Return a model with an input of a shape."""
    return bytes(model([node("Relu")], inputs=[image("x", sizes)]).SerializeToString())


SHAPES: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "zero": (lambda: shaped(1, 0, 8, 8), "'x'"),
    "negative": (lambda: shaped(1, -3, 8, 8), "'x'"),
    "product overflows": (lambda: shaped(1, 1 << 31, 1 << 31, 4), "'x'"),
    "largest numbers": (lambda: shaped(INT64_MAX, INT64_MAX), "'x'"),
    "a huge batch": (lambda: shaped(HUGE, 3), "'x'"),
    "a thousand dimensions": (lambda: shaped(*[1] * 1000), "culprit|'x'"),
    "no dimensions": (lambda: shaped(), None),
    "name of a dimension that is not UTF-8": (lambda: shaped(1, 3, "dam", "aged").replace(b"aged", b"\xff\xfe\xfd\xfc"),
                                              "not UTF-8"),
    "an input of an unknown type": (
        lambda: changed(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 99)), "'x'"),
    "an input that is a sequence": (lambda: model([node("Relu")], inputs=[
        helper.make_tensor_sequence_value_info("x", FLOAT, (1, 3))]).SerializeToString(), "'x'"),
    "an input without a type": (lambda: changed(lambda m: m.graph.input[0].ClearField("type")), "type"),
}


def over_image(op_type: str, constants: Constants | None = None, **attributes: Any) -> Callable[[], bytes]:
    """Return a builder of a model of one node that reads the image and constants, in order."""
    inputs = ["x", *(constants or {})]
    opset = attributes.pop("opset", 17)
    return lambda: bytes(model([node(op_type, inputs, **attributes)], constants, opset=opset).SerializeToString())


def whole_axis(start: int, end: int, step: int) -> Constants:
    """Return the operands of a Slice along axis 3."""
    return {"s": np.array([start]), "e": np.array([end]), "a": np.array([3]), "t": np.array([step])}


WEIGHT = {"w": np.ones((2, 3, 3, 3), np.float32)}
TRANSPOSED = {"w": np.ones((3, 2, 3, 3), np.float32)}
OVER_IMAGE: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "Conv, pads": (over_image("Conv", WEIGHT, pads=[HUGE] * 4), "culprit"),
    "Conv, one more than fits": (over_image("Conv", WEIGHT, pads=[INT64_MAX] * 4), "culprit"),
    "Conv, strides": (over_image("Conv", WEIGHT, strides=[INT64_MAX] * 2), HOST),
    "Conv, dilations": (over_image("Conv", WEIGHT, dilations=[INT64_MAX] * 2), "culprit"),
    "Conv, groups": (over_image("Conv", WEIGHT, group=INT64_MAX), HOST),
    "Conv, group 0": (over_image("Conv", WEIGHT, group=0), HOST),
    "Conv, too few pads": (over_image("Conv", WEIGHT, pads=[1]), "culprit"),
    "MaxPool, pads": (over_image("MaxPool", kernel_shape=[INT64_MAX] * 2, pads=[INT64_MAX - 1] * 4), "culprit"),
    "MaxPool, many positions": (over_image("MaxPool", kernel_shape=[1 << 30] * 2, pads=[(1 << 30) - 1] * 4), "culprit"),
    "MaxPool, kernel 0": (over_image("MaxPool", kernel_shape=[0, 0]), "culprit"),
    "AveragePool, ceil_mode": (
        over_image("AveragePool", kernel_shape=[2, 2], strides=[HUGE] * 2, pads=[1] * 4, ceil_mode=1), HOST),
    "AveragePool, wide": (over_image("AveragePool", kernel_shape=[1 << 27, 1], pads=[(1 << 27) - 1, 0] * 2), "culprit"),
    "ConvTranspose, strides": (over_image("ConvTranspose", TRANSPOSED, strides=[HUGE] * 2), "culprit"),
    "ConvTranspose, many phases": (
        over_image("ConvTranspose", TRANSPOSED, strides=[1 << 30] * 2, output_shape=[1 << 12] * 2), "culprit"),
    "ConvTranspose, output_padding": (over_image("ConvTranspose", TRANSPOSED, output_padding=[HUGE] * 2), "culprit"),
    "ConvTranspose, output_shape": (over_image("ConvTranspose", TRANSPOSED, output_shape=[4]), "culprit"),
    "Pad": (over_image("Pad", {"p": np.array([HUGE] * 8)}), "culprit"),
    "Pad, reflect": (over_image("Pad", {"p": np.array([0, 0, 1, 1] * 2) * HUGE}, mode="reflect"), "culprit"),
    "Pad, edge": (over_image("Pad", {"p": np.array([0, 0, 1, 1] * 2) << 30}, mode="edge"), "culprit"),
    "Pad, wrap": (over_image("Pad", {"p": np.array([0, 0, 1, 1] * 2) * HUGE}, mode="wrap", opset=19), "culprit"),
    "Pad, numbers of another type": (over_image("Pad", {"p": np.array(["1"] * 8, object)}), "culprit"),
    "Tile": (over_image("Tile", {"r": np.array([1, 1, HUGE, HUGE])}), "culprit"),
    "Tile, NaN": (over_image("Tile", {"r": np.full(4, np.nan, np.float32)}), "culprit"),
    "Tile, a million times": (over_image("Tile", {"r": np.array([1, 1, 1 << 20, 1])}), HOST),
    "Expand": (over_image("Expand", {"s": np.array([1, 3, HUGE, HUGE])}), "culprit"),
    "Expand, to many dimensions": (over_image("Expand", {"s": np.array([1] * 1000)}), "culprit"),
    "Reshape, product overflows": (over_image("Reshape", {"s": np.array([1, 1 << 32, 1 << 32, 192])}), "culprit"),
    "Reshape, thousand dimensions": (over_image("Reshape", {"s": np.array([1] * 999 + [192])}), "culprit"),
    "Reshape, to nothing": (over_image("Reshape", {"s": np.array([], np.int64)}), HOST),
    "Resize, sizes": (lambda: model([node("Resize", ["x", "", "", "s"])], {"s": np.array([1, 3, HUGE, HUGE])})
                      .SerializeToString(), "culprit"),
    "Upsample, scales": (over_image("Upsample", {"s": np.array([1, 1, 1e30, 1e30], np.float32)}, opset=9), "culprit"),
    "Upsample, infinite": (over_image("Upsample", {"s": np.array([1, 1, np.inf, 2], np.float32)}, opset=9), "culprit"),
    "Upsample, linear": (
        over_image("Upsample", {"s": np.array([1, 1, 1e4, 1e4], np.float32)}, opset=9, mode="linear"), "culprit"),
    "Gather, many indices": (over_image("Gather", {"i": np.zeros(1 << 21, np.int64)}, axis=3), HOST),
    "Gather, far index": (over_image("Gather", {"i": np.array([INT64_MAX])}, axis=3), HOST),
    "Slice, far": (over_image("Slice", whole_axis(-INT64_MAX, INT64_MAX, 1)), None),
    "Slice, back": (over_image("Slice", whole_axis(INT64_MAX, -INT64_MAX, -INT64_MAX)), None),
    "Split, into many": (over_image("Split", {"s": np.array([HUGE, -HUGE + 3])}, axis=1), "culprit"),
    "DepthToSpace": (over_image("DepthToSpace", blocksize=INT64_MAX), "culprit"),
    "SpaceToDepth": (over_image("SpaceToDepth", blocksize=INT64_MAX), "culprit"),
    "LRN": (over_image("LRN", size=INT64_MAX), None),
    "Flatten, axis": (over_image("Flatten", axis=INT64_MAX), HOST),
    "Unsqueeze, axes": (over_image("Unsqueeze", {"a": np.array([INT64_MAX])}), "culprit"),
    "Unsqueeze, many": (over_image("Unsqueeze", {"a": np.arange(4, 1004)}), "culprit"),
    "Transpose, axes": (over_image("Transpose", perm=[INT64_MAX, 0, 1, 2]), "culprit"),
    "Add, grows": (over_image("Add", {"b": np.ones((1, 1 << 20, 1, 1), np.float32)}), "culprit"),
    "Add, grows beyond all": (over_image("Add", {"b": np.ones((1, 1 << 11, 1 << 11, 1, 1, 1), np.float32)}), "culprit"),
    "Einsum, line break": (over_image("Einsum", equation="bchw\n->b"), "culprit"),
    "Split, into very many": (over_image("Split", num_outputs=1 << 31, opset=18), "culprit"),
    "Split, other outputs": (over_image("Split", num_outputs=2, opset=18), "culprit"),
    "Clip, several bounds": (over_image("Clip", {"a": np.ones(2, np.float32)}), HOST),
    "Dropout, text for truth": (over_image("Dropout", {"r": np.float32(0.5), "t": np.array("a", object)}), "culprit"),
    "Einsum of many": (over_image("Einsum", equation="abcd" + "->" + "z" * 1000), "culprit"),
}


def of_constants(op_type: str, *constants: Any, opset: int = 17, **attributes: Any) -> Callable[[], bytes]:
    """Return a builder of a model with a node that has constants only, beside one that is good."""
    names = {f"c{i}": value for i, value in enumerate(constants)}
    made = helper.make_node(op_type, list(names), ["z"], name="culprit", **attributes)
    return lambda: bytes(model([made, RELU], names, opset=opset).SerializeToString())


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, np.float32)


def many_large_constants() -> bytes:
    """Return a model that makes 1000 constants of 256 MiB each."""
    nodes = [helper.make_node("ConstantOfShape", ["s"], [f"c{i}"], name=f"culprit{i}") for i in range(1000)]
    return bytes(model([*nodes, RELU], {"s": np.array([1 << 26])}).SerializeToString())


OF_CONSTANTS: dict[str, tuple[Callable[[], bytes], str | None]] = {
    "ConstantOfShape": (of_constants("ConstantOfShape", np.array([HUGE, HUGE])), "culprit"),
    "ConstantOfShape, negative": (of_constants("ConstantOfShape", np.array([-1, -HUGE])), "culprit"),
    "a thousand large constants": (many_large_constants, "culprit"),
    "Expand": (of_constants("Expand", ones(1), np.array([HUGE])), "culprit"),
    "Tile": (of_constants("Tile", ones(1), np.array([HUGE])), "culprit"),
    "Pad": (of_constants("Pad", ones(1), np.array([HUGE, HUGE])), "culprit"),
    "Resize": (of_constants("Resize", ones(1, 1), ones(0), np.array([1e18, 1e18], np.float32)), "culprit"),
    "Range": (of_constants("Range", np.array(0), np.array(HUGE), np.array(1)), "culprit"),
    "Range, of small steps": (of_constants("Range", np.float32(0), np.float32(1), np.float32(1e-30)), "culprit"),
    "Range, without an end": (of_constants("Range", np.float32(0), np.float32(np.inf), np.float32(1)), "culprit"),
    "OneHot": (of_constants("OneHot", np.zeros(9, np.int64), np.array(HUGE), np.array([0, 1])), "culprit"),
    "EyeLike": (of_constants("EyeLike", np.zeros((1 << 10, 1 << 10), np.bool_), dtype=FLOAT), None),
    "Einsum": (of_constants("Einsum", *[ones(1 << 12)] * 5, equation="a,b,c,d,e->"), "culprit"),
    "MatMul": (of_constants("MatMul", ones(1 << 20, 1), ones(1, 1 << 20)), "culprit"),
    "MatMul of ages": (of_constants("MatMul", ones(1 << 13, 1 << 12), ones(1 << 12, 1 << 13)), "culprit"),
    "Conv": (of_constants("Conv", ones(1, 1, 99, 99), ones(1, 1, 99, 99), pads=[1 << 16] * 4), "culprit"),
    "MaxPool, padded": (
        of_constants("MaxPool", ones(1, 1, 2, 2), kernel_shape=[1 << 20] * 2, pads=[(1 << 20) - 1] * 4,
                     strides=[1 << 20] * 2), "culprit"),
    "MaxUnpool": (of_constants("MaxUnpool", ones(1, 1, 1, 1), np.zeros((1, 1, 1, 1), np.int64),
                               np.array([1, 1, HUGE, HUGE]), kernel_shape=[1, 1]), "culprit"),
    "BlackmanWindow": (of_constants("BlackmanWindow", np.array(HUGE)), "culprit"),
    "DFT": (of_constants("DFT", ones(1, 4, 1), np.array(HUGE)), "culprit"),
    "MelWeightMatrix": (of_constants("MelWeightMatrix", np.array(1 << 30), np.array(1 << 30), np.array(8000),
                                     np.float32(0), np.float32(4000)), "culprit"),
    "RandomNormal": (of_constants("RandomNormal", shape=[HUGE]), "culprit"),
    "SequenceConstruct": (of_constants("SequenceConstruct", ones(1), ones(2)), "culprit"),
    "SplitToSequence": (of_constants("SplitToSequence", ones(1 << 16)), "culprit"),
    "Loop without an end": (lambda: bytes(model([
        node("Loop", ["n", "t"], ["z"], body=helper.make_graph(
            [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Identity", ["i"], ["o"])], "body",
            [helper.make_tensor_value_info("i", TensorProto.INT64, ()),
             helper.make_tensor_value_info("go", TensorProto.BOOL, ())],
            [helper.make_tensor_value_info("again", TensorProto.BOOL, ()),
             helper.make_tensor_value_info("o", TensorProto.INT64, ())])), RELU,
    ], {"n": np.array(INT64_MAX), "t": np.array(True)}).SerializeToString()), "culprit"),
    "Shape, far": (of_constants("Shape", ones(1), start=-INT64_MAX, end=INT64_MAX), None),
    "Gather of text": (of_constants("Gather", np.array(["a", "b"], object), np.array([1])), None),
    "Cast of text": (of_constants("Cast", np.array(["no number"], object), to=FLOAT), "culprit"),
}

NASTY = {
    "line ends": "a\nb\r\u2028", "escape sequence": "\x1b[31mred\x1b]0;title\x07", "direction": "\u202egnp.exe\u2066",
    "markup": "[red]x[/red][link=file:///etc/passwd]y[/link]", "nothing": "\x00", "a million letters": "a" * 10**6,
    "lone combining": "\u0301" * 100,
}


def named(text: str, op_type: str) -> Callable[[], bytes]:
    """Return a builder of a model whose node, tensor and operator have a name."""
    return lambda: bytes(model([
        helper.make_node("Relu", ["x"], [text], name=text), helper.make_node(op_type, [text], ["y"], name=text + "2"),
    ]).SerializeToString())


def cases() -> Iterator[Case]:
    """Return every model of the corpus."""
    groups = {
        "structure": STRUCTURE, "attribute": ATTRIBUTES, "weight": WEIGHTS, "shape": SHAPES, "over image": OVER_IMAGE,
        "of constants": OF_CONSTANTS,
    }
    for group, entries in groups.items():
        for name, (build, culprit) in entries.items():
            yield Case(f"{group}: {name}", build, culprit)
    for name, text in NASTY.items():
        yield Case(f"name: {name}", named(text, "Relu"), None)
        yield Case(f"refused name: {name}", named(text, "NonMaxSuppression"), "NonMaxSuppression|checker")
        yield Case(f"refused operator: {name}", named(text, text), "not an operator|refuses")
    for sizes in (f"x=1,3,{HUGE},{HUGE}", "x=1,3,8," + "9" * 5000, "x=" + ",".join(["1"] * 1000), "x=1,3,8,-8"):
        open_shape = model([node("Relu")], inputs=[image("x", ("n", 3, "h", "w"))])
        yield Case(f"--shape {sizes[:40]}", open_shape.SerializeToString, "x", ("--shape", sizes))
