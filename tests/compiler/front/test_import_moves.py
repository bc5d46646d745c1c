"""Concat, Slice, Split, Pad, Transpose, and affine operators by constants: against ONNX Runtime in every opset."""

from __future__ import annotations

import re

import numpy as np
import onnx
import pytest
from onnx.helper import make_node

from compiler.front import front, import_model
from compiler.graph import Op, is_on_host
from compiler.importer.float_session import run_float_graph
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend

RNG = np.random.default_rng(5)
NEWEST = onnx.defs.onnx_opset_version() - 1
MAX = np.iinfo(np.int64).max


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def ops(graph):
    return [node.op for node in graph.nodes()]


def numbers(**values):
    return {name: np.array(value, np.int64) for name, value in values.items()}


@pytest.mark.parametrize(("opset", "axis"), [
    *((opset, axis) for opset in (7, 8, 9, 11, 13, NEWEST) for axis in (1, 2)), (11, -1), (NEWEST, -2),
])
def test_concat(make_model, same_as_onnxruntime, opset, axis):
    nodes = [make_node("Relu", ["x"], ["r"]), make_node("Concat", ["x", "r", "x"], ["y"], axis=axis)]
    graph = same_as_onnxruntime(make_model(nodes, opset=opset))
    assert graph.nodes()[-1].op is Op.CONCAT


SLICES = {
    "middle": ([1, 2], [2, 7], [1, 2], None),
    "open end": ([1], [MAX], [2], None),
    "from the end": ([-3], [-1], [-1], None),
    "every second": ([0, 1], [8, 8], [2, 3], [2, 3]),
}


@pytest.mark.parametrize("opset", [10, 11, 13, NEWEST])
@pytest.mark.parametrize(("starts", "ends", "axes", "steps"), SLICES.values(), ids=SLICES)
def test_slice(make_model, same_as_onnxruntime, opset, starts, ends, axes, steps):
    constants = numbers(starts=starts, ends=ends, axes=axes) | ({} if steps is None else numbers(steps=steps))
    model = make_model([make_node("Slice", ["x", *constants], ["y"])], constants=constants, opset=opset)
    assert ops(same_as_onnxruntime(model)) == [Op.SLICE]


@pytest.mark.parametrize("opset", [7, 9])
def test_slice_with_attributes(make_model, same_as_onnxruntime, opset):
    node = make_node("Slice", ["x"], ["y"], starts=[0, 1, 2], ends=[1, 3, MAX], axes=[0, 1, 3])
    assert ops(same_as_onnxruntime(make_model([node], opset=opset))) == [Op.SLICE]


def test_a_slice_of_everything_vanishes(make_model, same_as_onnxruntime):
    constants = numbers(starts=[0], ends=[MAX], axes=[2])
    nodes = [make_node("Slice", ["x", *constants], ["s"]), make_node("Relu", ["s"], ["y"])]
    assert Op.SLICE not in ops(same_as_onnxruntime(make_model(nodes, constants=constants)))


@pytest.mark.parametrize("opset", [7, 11, 12])
@pytest.mark.parametrize("sizes", [None, [2, 4]])
def test_split_with_attributes(make_model, same_as_onnxruntime, opset, sizes):
    given = {} if sizes is None else {"split": sizes}
    nodes = [make_node("Split", ["x"], ["a", "b"], axis=1, **given), make_node("Concat", ["b", "a"], ["y"], axis=1)]
    assert ops(same_as_onnxruntime(make_model(nodes, shape=(1, 6, 4, 4), opset=opset))) == [
        Op.SLICE, Op.SLICE, Op.CONCAT]


@pytest.mark.parametrize(("opset", "attributes", "sizes"), [
    (13, {}, None), (13, {}, [1, 6]), (18, {"num_outputs": 2}, None), (NEWEST, {}, [4, 3]),
])
def test_split(make_model, same_as_onnxruntime, opset, attributes, sizes):
    constants = {} if sizes is None else numbers(split=sizes)
    nodes = [make_node("Split", ["x", *constants], ["a", "b"], axis=-1, **attributes),
             make_node("Concat", ["b", "a"], ["y"], axis=3)]
    width = 6 if opset == 13 and sizes is None else 7
    same_as_onnxruntime(make_model(nodes, shape=(1, 2, 3, width), constants=constants, opset=opset))


@pytest.mark.parametrize("opset", [7, 8, 9, 10])
def test_pad_with_attributes(make_model, same_as_onnxruntime, opset):
    node = make_node("Pad", ["x"], ["y"], pads=[0, 1, 2, 0, 0, 0, 1, 3], value=0.5)
    assert ops(same_as_onnxruntime(make_model([node], opset=opset))) == [Op.PAD]


@pytest.mark.parametrize("opset", [11, 13, 18, NEWEST])
@pytest.mark.parametrize("value", [None, -1.5])
def test_pad(make_model, same_as_onnxruntime, opset, value):
    constants = numbers(pads=[0, 1, 2, 0, 0, 0, 1, 3]) | ({} if value is None else {"value": np.float32(value)})
    model = make_model([make_node("Pad", ["x", *constants], ["y"])], constants=constants, opset=opset)
    assert ops(same_as_onnxruntime(model)) == [Op.PAD]


@pytest.mark.parametrize("opset", [18, NEWEST])
def test_pad_of_some_axes(make_model, same_as_onnxruntime, opset):
    constants = numbers(pads=[1, 2, 0, 3], axes=[3, -2])
    node = make_node("Pad", ["x", "pads", "", "axes"], ["y"])
    assert ops(same_as_onnxruntime(make_model([node], constants=constants, opset=opset))) == [Op.PAD]


def test_pad_before_a_convolution_is_its_padding(make_model, same_as_onnxruntime):
    constants = numbers(pads=[0, 0, 1, 1, 0, 0, 2, 0]) | {"w": floats(4, 3, 3, 3)}
    nodes = [make_node("Pad", ["x", "pads"], ["p"]), make_node("Conv", ["p", "w"], ["y"], pads=[0, 1, 0, 0])]
    graph = same_as_onnxruntime(make_model(nodes, constants=constants))
    assert ops(graph) == [Op.CONV2D]
    assert graph.nodes()[0].integers("pads") == (1, 2, 2, 0)


@pytest.mark.parametrize("opset", [7, 13, NEWEST])
@pytest.mark.parametrize("permutation", [[0, 3, 1, 2], [0, 2, 3, 1], [0, 1, 3, 2]])
def test_transpose(make_model, same_as_onnxruntime, opset, permutation):
    model = make_model([make_node("Transpose", ["x"], ["y"], perm=permutation)], shape=(1, 3, 4, 5), opset=opset)
    assert ops(same_as_onnxruntime(model)) == [Op.TRANSPOSE]


@pytest.mark.parametrize("opset", [7, 11, 13])
@pytest.mark.parametrize("attributes", [{}, {"mode": "DCR"}, {"mode": "CRD"}])
def test_depth_to_space(make_model, same_as_onnxruntime, opset, attributes):
    if opset == 7:
        attributes = {}
    node = make_node("DepthToSpace", ["x"], ["y"], blocksize=2, **attributes)
    same_as_onnxruntime(make_model([node], shape=(1, 12, 3, 4), opset=opset))


@pytest.mark.parametrize("opset", [7, 13])
def test_space_to_depth(make_model, same_as_onnxruntime, opset):
    node = make_node("SpaceToDepth", ["x"], ["y"], blocksize=2)
    same_as_onnxruntime(make_model([node], shape=(1, 3, 4, 6), opset=opset))


AFFINE = {
    "mul": ("Mul", ["x", "k"]), "mul from the left": ("Mul", ["k", "x"]), "div": ("Div", ["x", "k"]),
    "sub": ("Sub", ["x", "k"]), "sub from the left": ("Sub", ["k", "x"]), "add": ("Add", ["k", "x"]),
    "neg": ("Neg", ["x"]),
}


@pytest.mark.parametrize("opset", [7, 13, 14, NEWEST])
@pytest.mark.parametrize("shape", [(), (1,), (3, 1, 1), (1, 3, 1, 1)])
@pytest.mark.parametrize(("op_type", "inputs"), AFFINE.values(), ids=AFFINE)
def test_affine_by_a_constant_is_a_depthwise_convolution(
    make_model, same_as_onnxruntime, opset, shape, op_type, inputs
):
    constants = {"k": floats(*shape) + 2} if "k" in inputs else {}
    model = make_model([make_node(op_type, inputs, ["y"])], constants=constants, opset=opset)
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D]


def test_affine_chains_fold_into_one_convolution(make_model, same_as_onnxruntime):
    constants = {"w": floats(4, 3, 3, 3), "k": floats(4, 1, 1) + 3, "s": np.float32(0.5), "b": floats(4, 1, 1)}
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Mul", ["c", "k"], ["m"]),
             make_node("Add", ["m", "b"], ["a"]), make_node("Div", ["a", "s"], ["d"]),
             make_node("Sub", ["b", "d"], ["n"]), make_node("Relu", ["n"], ["y"])]
    assert ops(same_as_onnxruntime(make_model(nodes, constants=constants))) == [Op.CONV2D]


def test_normalization_of_an_image_is_one_depthwise_convolution(make_model, same_as_onnxruntime):
    constants = {"mean": floats(3, 1, 1), "deviation": np.abs(floats(3, 1, 1)) + 1}
    nodes = [make_node("Sub", ["x", "mean"], ["d"]), make_node("Div", ["d", "deviation"], ["y"])]
    assert ops(same_as_onnxruntime(make_model(nodes, constants=constants))) == [Op.CONV2D]


REFUSED = {
    "concat of a constant": (make_node("Concat", ["x", "k"], ["y"], axis=1), {"k": floats(1, 3, 8, 8)},
                             "input 'k' is a constant"),
    "no step": (make_node("Slice", ["x", "s", "e", "a", "t"], ["y"]),
                numbers(s=[7], e=[0], a=[2], t=[0]), r"steps \[0\]: one is 0"),
    "empty backward slice": (make_node("Slice", ["x", "s", "e", "a", "t"], ["y"]),
                             numbers(s=[0], e=[7], a=[2], t=[-1]), "the result is empty"),
    "empty slice": (make_node("Slice", ["x", "s", "e", "a"], ["y"]), numbers(s=[3], e=[3], a=[2]),
                    "the result is empty"),
    "other padding": (make_node("Pad", ["x", "p"], ["y"], mode="mirror"), numbers(p=[0, 0, 1, 1, 0, 0, 1, 1]),
                      "mode 'mirror' is not supported"),
    "negative pads": (make_node("Pad", ["x", "p"], ["y"]), numbers(p=[0, 0, -1, 0, 0, 0, 0, 0]), "at least 0"),
    "infinite padding": (make_node("Pad", ["x", "p", "v"], ["y"]),
                         numbers(p=[0, 0, 1, 0, 0, 0, 0, 0]) | {"v": np.float32(-np.inf)}, "value -inf"),
    "division by zero": (make_node("Div", ["x", "k"], ["y"]), {"k": np.float32(0)}, "the divisor holds 0"),
    "division of two tensors": (make_node("Div", ["x", "x"], ["y"]), {}, "computed at run time"),
    "odd blocks": (make_node("DepthToSpace", ["x"], ["y"], blocksize=2), {}, "3 channels do not divide"),
}


@pytest.mark.parametrize(("node", "constants", "reason"), REFUSED.values(), ids=REFUSED)
def test_refused_by_name(make_model, refusal, node, constants, reason):
    node.name = "n"
    model = make_model([node], constants=constants)
    if not model.graph.output[0].type.tensor_type.HasField("shape"):
        model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["a", "b"]))
    assert re.fullmatch(rf"node 'n' \({node.op_type}\): .*{reason}.*", refusal(model))


@pytest.mark.parametrize("node", [
    make_node("Concat", ["x", "x"], ["y"], axis=0), make_node("Transpose", ["x"], ["y"], perm=[1, 0, 2, 3]),
])
def test_changes_of_the_batch_are_on_the_host(make_model, node):
    model, samples = make_model([node], shape=(1, 1, 4, 4)), {"x": floats(2, 1, 4, 4)}
    graph = front(model, samples)
    assert all(is_on_host(made) for made in graph.nodes())
    exact = [run_float(model.SerializeToString(), {"x": samples["x"][i : i + 1]})["y"] for i in range(2)]
    np.testing.assert_array_equal(ReferenceBackend().run(graph, samples)["y"], np.concatenate(exact))


def test_a_narrow_input_keeps_its_own_scale_for_other_readers(make_model):
    constants = {"w": floats(3, 3, 1, 1) * 100, "v": floats(3, 3, 1, 1)}
    nodes = [make_node("Relu", ["x"], ["r"]), make_node("Conv", ["r", "w"], ["wide"]),
             make_node("Conv", ["r", "v"], ["other"]), make_node("Concat", ["r", "wide"], ["c"], axis=1),
             make_node("Concat", ["c", "other"], ["y"], axis=1)]
    samples = {"x": floats(8, 3, 8, 8)}
    model = make_model(nodes, constants=constants)
    graph = front(model, samples)
    assert graph.tensors["r"].scale * 4 < graph.tensors["c"].scale
    exact, rounded = run_float_graph(import_model(model), samples)["y"], ReferenceBackend().run(graph, samples)["y"]
    step = graph.tensors["c"].scale
    assert np.abs(exact - rounded).max() < 4 * step


def test_every_input_of_a_concat_has_the_scale_of_its_output(make_model):
    nodes = [make_node("MaxPool", ["x"], ["p"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
             make_node("Relu", ["x"], ["r"]), make_node("Concat", ["p", "r"], ["y"], axis=1)]
    graph = front(make_model(nodes), {"x": floats(4, 3, 8, 8)})
    concat = next(node for node in graph.nodes() if node.op is Op.CONCAT)
    assert len({graph.tensors[name].affine for name in (*concat.inputs, concat.output)}) == 1


@pytest.mark.parametrize("opset", [7, 8, 13, NEWEST])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_sum(make_model, same_as_onnxruntime, opset, count):
    constants = {"k": floats(1, 3, 1, 1)} if opset > 7 else {}
    names = [f"t{i}" for i in range(count)]
    nodes = [make_node("MaxPool", ["x"], [name], kernel_shape=[1, 1]) for name in names]
    nodes.append(make_node("Sum", [*names, *constants], ["y"]))
    graph = same_as_onnxruntime(make_model(nodes, constants=constants, opset=opset))
    assert ops(graph).count(Op.ADD) == count - 1


def test_old_forms_of_constant_operators_are_evaluated(make_model, same_as_onnxruntime):
    nodes = [make_node("Unsqueeze", ["k"], ["u"], axes=[1, 2]), make_node("Mul", ["x", "u"], ["y"])]
    assert ops(same_as_onnxruntime(make_model(nodes, constants={"k": floats(3)}, opset=9))) == [Op.CONV2D]
