"""Every imported operator against ONNX Runtime, on small random models."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx.helper import make_node

from compiler.graph import Op

RNG = np.random.default_rng(3)


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def ops(graph):
    return [node.op for node in graph.nodes()]


CONVOLUTIONS = {
    "plain": {},
    "asymmetric_pads": {"pads": [1, 0, 2, 3]},
    "strides": {"strides": [2, 3], "pads": [1, 1, 1, 1]},
    "dilations": {"dilations": [2, 1], "pads": [2, 1, 2, 1]},
    "same_upper": {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    "same_lower": {"auto_pad": "SAME_LOWER", "strides": [2, 2]},
    "valid": {"auto_pad": "VALID"},
    "kernel_shape_given": {"kernel_shape": [3, 2]},
}


@pytest.mark.parametrize("attributes", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
@pytest.mark.parametrize("bias", [False, True])
def test_conv(make_model, same_as_onnxruntime, attributes, bias):
    constants = {"w": floats(4, 3, 3, 2)} | ({"b": floats(4)} if bias else {})
    model = make_model([make_node("Conv", ["x", *constants], ["y"], **attributes)], constants=constants, opset=11)
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D]


def test_same_padding_reaches_as_far_as_the_dilated_kernel(make_model, fused):
    # ONNX Runtime has no dilation with auto_pad; by the specification: 3 rows, 2 apart, reach over 5 of 8 rows at
    # stride 1, so 4 rows of padding; 2 columns, 2 apart, reach over 3, so 2 columns.
    node = make_node("Conv", ["x", "w"], ["y"], auto_pad="SAME_UPPER", dilations=[2, 2])
    graph = fused(make_model([node], constants={"w": floats(4, 3, 3, 2)}))
    assert graph.nodes()[0].integers("pads") == (2, 1, 2, 1)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_conv_groups(make_model, same_as_onnxruntime, groups):
    constants = {"w": floats(8, 4 // groups, 3, 3), "b": floats(8)}
    model = make_model([make_node("Conv", ["x", "w", "b"], ["y"], group=groups)], shape=(1, 4, 6, 6),
                       constants=constants)
    same_as_onnxruntime(model)


@pytest.mark.parametrize("opset", [7, 8, 9, 11, 13, 17, onnx.defs.onnx_opset_version() - 1])
def test_conv_in_every_opset(make_model, same_as_onnxruntime, opset):
    model = make_model([make_node("Conv", ["x", "w"], ["c"]), make_node("Relu", ["c"], ["y"])],
                       constants={"w": floats(4, 3, 3, 3)}, opset=opset)
    same_as_onnxruntime(model)


def test_weights_listed_as_inputs_are_constants(make_model, same_as_onnxruntime):
    model = make_model([make_node("Conv", ["x", "w"], ["y"])], constants={"w": floats(4, 3, 3, 3)}, opset=7)
    assert same_as_onnxruntime(model).inputs == ("x",)


GEMMS = {
    "plain": ({}, (6, 5), (5,)),
    "transposed": ({"transB": 1}, (5, 6), (5,)),
    "scaled": ({"alpha": 0.5, "beta": -2.0}, (6, 5), (1, 5)),
    "scalar_bias": ({"beta": 3.0}, (6, 5), ()),
    "single_output": ({}, (6, 1), (1, 1)),
    "no_bias": ({}, (6, 5), None),
}


@pytest.mark.parametrize(("attributes", "b", "c"), GEMMS.values(), ids=GEMMS)
def test_gemm(make_model, same_as_onnxruntime, attributes, b, c):
    constants = {"b": floats(*b)} | ({} if c is None else {"c": np.asarray(floats(*c), np.float32)})
    model = make_model([make_node("Gemm", ["x", *constants], ["y"], **attributes)], shape=(1, 6), constants=constants)
    assert ops(same_as_onnxruntime(model)) == [Op.DENSE]


def test_matmul_and_bias(make_model, same_as_onnxruntime):
    nodes = [make_node("MatMul", ["x", "w"], ["m"]), make_node("Add", ["b", "m"], ["y"])]
    model = make_model(nodes, shape=(1, 6), constants={"w": floats(6, 5), "b": floats(5)})
    assert ops(same_as_onnxruntime(model)) == [Op.DENSE]


@pytest.mark.parametrize("shape", [(4, 1, 1), (1, 4, 1, 1), (1,), ()])
def test_conv_and_bias(make_model, same_as_onnxruntime, shape):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Add", ["c", "b"], ["d"]), make_node("Relu", ["d"], ["y"])]
    model = make_model(nodes, constants={"w": floats(4, 3, 3, 3), "b": np.asarray(floats(*shape), np.float32)})
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D]


@pytest.mark.parametrize("shape", [(1, 6), (1, 3, 5), (1, 3, 8, 8), (1, 2, 3, 4, 5)])
def test_relu_of_an_input_is_a_function(make_model, same_as_onnxruntime, shape):
    fused = same_as_onnxruntime(make_model([make_node("Relu", ["x"], ["y"])], shape=shape))
    assert ops(fused) == [Op.FUNCTION]
    assert fused.nodes()[0].attributes["expression"] == "clip(x, 0.0, inf)"


@pytest.mark.parametrize("bounds", [(-0.5, 0.7), (None, 0.3), (0.1, None), (None, None)])
@pytest.mark.parametrize("opset", [10, 12])
def test_clip(make_model, same_as_onnxruntime, bounds, opset):
    given = {name: np.float32(v) for name, v in zip(("min", "max"), bounds, strict=True) if v is not None}
    conv = make_node("Conv", ["x", "w"], ["c"])
    if opset < 11:
        clip, constants = make_node("Clip", ["c"], ["y"], **{k: float(v) for k, v in given.items()}), {}
    else:
        names = [name if name in given else "" for name in ("min", "max")]
        clip, constants = make_node("Clip", ["c", *names], ["y"]), given
    model = make_model([conv, clip], constants={"w": floats(4, 3, 3, 3)} | constants, opset=opset)
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D]


def test_clips_in_a_row(make_model, same_as_onnxruntime):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Clip", ["c"], ["d"], min=-1.0, max=0.5),
             make_node("Clip", ["d"], ["e"], min=0.6, max=2.0), make_node("Relu", ["e"], ["y"])]
    same_as_onnxruntime(make_model(nodes, constants={"w": floats(4, 3, 3, 3)}, opset=10))


def test_add_of_two_tensors(make_model, same_as_onnxruntime):
    nodes = [make_node("Add", ["x", "z"], ["a"]), make_node("Relu", ["a"], ["y"])]
    assert ops(same_as_onnxruntime(make_model(nodes, more_inputs={"z": (1, 3, 8, 8)}))) == [Op.ADD]


def test_add_of_a_tensor_to_itself(make_model, same_as_onnxruntime):
    same_as_onnxruntime(make_model([make_node("Add", ["x", "x"], ["y"])]))


def batch_normalization_constants(channels):
    return {"s": floats(channels), "b": floats(channels), "m": floats(channels), "v": np.abs(floats(channels)) + 0.1}


@pytest.mark.parametrize("opset", [7, 9, 14, 15])
def test_conv_and_batch_normalization(make_model, same_as_onnxruntime, opset):
    nodes = [make_node("Conv", ["x", "w", "o"], ["c"]),
             make_node("BatchNormalization", ["c", "s", "b", "m", "v"], ["y"], epsilon=1e-3)]
    constants = {"w": floats(4, 3, 3, 3), "o": floats(4)} | batch_normalization_constants(4)
    assert ops(same_as_onnxruntime(make_model(nodes, constants=constants, opset=opset))) == [Op.CONV2D]


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 3), (1, 3, 7)])
def test_batch_normalization_of_an_input(make_model, same_as_onnxruntime, shape):
    model = make_model([make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y"])], shape=shape,
                       constants=batch_normalization_constants(3))
    assert Op.CONV2D in ops(same_as_onnxruntime(model))


def test_bias_batch_normalization_bias_and_relu_become_one_convolution(make_model, same_as_onnxruntime):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Add", ["c", "p"], ["d"]),
             make_node("BatchNormalization", ["d", "s", "b", "m", "v"], ["e"]), make_node("Add", ["e", "p"], ["f"]),
             make_node("Relu", ["f"], ["y"])]
    constants = {"w": floats(4, 3, 3, 3), "p": floats(4, 1, 1)} | batch_normalization_constants(4)
    assert ops(same_as_onnxruntime(make_model(nodes, constants=constants))) == [Op.CONV2D]


POOLS = {
    "plain": {"kernel_shape": [2, 2]},
    "strides": {"kernel_shape": [3, 2], "strides": [2, 3]},
    "pads": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 1, 2]},
    "same_upper": {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"},
    "same_lower": {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_LOWER"},
    "valid": {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "VALID"},
    "ceil": {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
    "ceil_pads": {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "ceil_mode": 1},
    "ceil_large_stride": {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1},
    "ceil_window_in_padding": {"kernel_shape": [2, 2], "strides": [3, 3], "pads": [0, 0, 1, 1], "ceil_mode": 1},
}


@pytest.mark.parametrize("attributes", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("size", [8, 9, 10])
def test_max_pool(make_model, same_as_onnxruntime, attributes, size):
    model = make_model([make_node("MaxPool", ["x"], ["y"], **attributes)], shape=(1, 2, size, size + 1), opset=12)
    same_as_onnxruntime(model)


@pytest.mark.parametrize("attributes", POOLS.values(), ids=POOLS)
@pytest.mark.parametrize("include", [0, 1])
def test_average_pool(make_model, same_as_onnxruntime, attributes, include):
    if include:  # with ceil_mode it is refused where that adds a window position; see test_import_refusals
        attributes = {name: value for name, value in attributes.items() if name != "ceil_mode"}
    node = make_node("AveragePool", ["x"], ["y"], count_include_pad=include, **attributes)
    same_as_onnxruntime(make_model([node], shape=(1, 2, 9, 8), opset=11))


def test_global_average_pool(make_model, same_as_onnxruntime):
    fused = same_as_onnxruntime(make_model([make_node("GlobalAveragePool", ["x"], ["y"])], shape=(1, 3, 5, 7)))
    assert fused.nodes()[0].integers("kernel") == (5, 7)


def test_relu_moves_before_pool_and_reshape(make_model, same_as_onnxruntime):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("MaxPool", ["c"], ["d"], kernel_shape=[2, 2]),
             make_node("Flatten", ["d"], ["e"]), make_node("Relu", ["e"], ["y"])]
    model = make_model(nodes, constants={"w": floats(4, 3, 3, 3)})
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D, Op.MAX_POOL, Op.RESHAPE]


def test_relu_beside_another_reader(make_model, same_as_onnxruntime):
    nodes = [make_node("Conv", ["x", "w"], ["c"]), make_node("Relu", ["c"], ["r"]),
             make_node("Concat", ["c", "r"], ["y"], axis=1)]
    model = make_model(nodes, constants={"w": floats(4, 3, 3, 3)})
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D, Op.FUNCTION, Op.CONCAT]


@pytest.mark.parametrize("axis", [1, 0, -3, -4])
def test_flatten(make_model, same_as_onnxruntime, axis):
    same_as_onnxruntime(make_model([make_node("Flatten", ["x"], ["y"], axis=axis)], shape=(1, 2, 3, 4)))


@pytest.mark.parametrize("shape", [[1, 24], [-1, 24], [1, -1], [0, -1], [0, 0, 12], [1, 4, 3, 2]])
def test_reshape(make_model, same_as_onnxruntime, shape):
    model = make_model([make_node("Reshape", ["x", "s"], ["y"])], shape=(1, 2, 3, 4),
                       constants={"s": np.array(shape, np.int64)})
    same_as_onnxruntime(model)


def test_reshape_to_a_shape_computed_from_a_shape(make_model, same_as_onnxruntime):
    nodes = [make_node("Shape", ["x"], ["s"]), make_node("Gather", ["s", "zero"], ["n"]),
             make_node("Unsqueeze", ["n", "axis"], ["n1"]), make_node("Concat", ["n1", "rest"], ["t"], axis=0),
             make_node("Reshape", ["x", "t"], ["y"])]
    constants = {"zero": np.int64(0), "axis": np.array([0]), "rest": np.array([-1])}
    assert ops(same_as_onnxruntime(make_model(nodes, constants=constants))) == [Op.RESHAPE]


@pytest.mark.parametrize("axes", [[2], [-1], [2, 3]])
@pytest.mark.parametrize("opset", [11, 13])
def test_squeeze_and_unsqueeze(make_model, same_as_onnxruntime, axes, opset):
    if opset < 13:
        nodes = [make_node("Squeeze", ["x"], ["s"], axes=axes), make_node("Unsqueeze", ["s"], ["y"], axes=axes)]
        constants = {}
    else:
        nodes = [make_node("Squeeze", ["x", "axes"], ["s"]), make_node("Unsqueeze", ["s", "axes"], ["y"])]
        constants = {"axes": np.array(axes)}
    same_as_onnxruntime(make_model(nodes, shape=(1, 4, 1, 1), constants=constants, opset=opset))


def test_identity_and_dropout_vanish(make_model, same_as_onnxruntime):
    nodes = [make_node("Identity", ["x"], ["a"]), make_node("Conv", ["a", "w"], ["c"]),
             make_node("Dropout", ["c"], ["d", "mask"]), make_node("Identity", ["d"], ["y"])]
    model = make_model(nodes, constants={"w": floats(4, 3, 3, 3)}, opset=12)
    assert ops(same_as_onnxruntime(model)) == [Op.CONV2D]


def test_constant_nodes_are_folded(make_model, same_as_onnxruntime):
    value = onnx.numpy_helper.from_array(floats(3, 3, 3, 4))
    nodes = [make_node("Constant", [], ["k"], value=value), make_node("Transpose", ["k"], ["w"], perm=[3, 2, 0, 1]),
             make_node("Conv", ["x", "w"], ["y"])]
    assert ops(same_as_onnxruntime(make_model(nodes))) == [Op.CONV2D]


@pytest.mark.parametrize("op_type", ["Softmax", "LogSoftmax"])
@pytest.mark.parametrize(("opset", "attributes", "shape"), [
    (8, {}, (1, 5)), (8, {"axis": 1}, (1, 3, 4)), (11, {"axis": 2}, (1, 3, 4)), (13, {}, (1, 5)),
    (13, {"axis": 1}, (1, 3, 4)), (13, {"axis": -2}, (1, 3, 4)),
])
def test_softmax(make_model, op_type, opset, attributes, shape):
    from compiler.importer import import_onnx
    from compiler.importer.float_session import run_float_graph
    from runtime.cpu import run_float

    model = make_model([make_node(op_type, ["x"], ["y"], **attributes)], shape=shape, opset=opset)
    x = floats(*shape)
    expected = run_float(model.SerializeToString(), {"x": x})["y"]
    np.testing.assert_allclose(run_float_graph(import_onnx(model), {"x": x})["y"], expected, atol=1e-5)
