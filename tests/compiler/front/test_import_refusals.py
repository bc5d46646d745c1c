"""What is not imported is refused in one line that names node, operator and reason."""

from __future__ import annotations

import contextlib
import re

import numpy as np
import onnx
import pytest
from onnx.helper import make_node, make_opsetid

from compiler.front import import_model
from compiler.importer.context import OnnxNode
from machine.errors import ModelError

WEIGHT = np.ones((4, 3, 3, 3), np.float32)
POOL = {"kernel_shape": [2, 2]}
BN = {name: np.ones(3, np.float32) for name in "sbmv"}


def batch_normalization(**attributes):
    return make_node("BatchNormalization", ["x", *BN], ["y"], name="n", **attributes)


NODES = {
    "unknown operator": (make_node("Hardmax", ["x"], ["y"], name="n"), {}, "n", "the accelerator has no such operator"),
    "run-time weight": (make_node("Conv", ["x", "x"], ["y"], name="n"), {}, "n", "computed at run time"),
    "nan weight": (make_node("Conv", ["x", "w"], ["y"], name="n"), {"w": WEIGHT * np.nan}, "n", "NaN or infinity"),
    "kernel shape": (make_node("Conv", ["x", "w"], ["y"], name="n", kernel_shape=[5, 5]), {"w": WEIGHT}, "n",
                     "contradicts weight"),
    "groups": (make_node("Conv", ["x", "w"], ["y"], name="n", group=3), {"w": WEIGHT}, "n", "does not fit input"),
    "large kernel": (make_node("Conv", ["x", "w"], ["y"], name="n"), {"w": np.ones((1, 3, 9, 9), np.float32)}, "n",
                     "larger than the padded input"),
    "negative pads": (make_node("Conv", ["x", "w"], ["y"], name="n", pads=[-1, 0, 0, 0]), {"w": WEIGHT}, "n",
                      "pads must be four numbers of at least 0"),
    "storage order": (make_node("MaxPool", ["x"], ["y"], name="n", storage_order=1, **POOL), {}, "n",
                      "storage_order=1"),
    "ceil and count": (make_node("AveragePool", ["x"], ["y"], name="n", kernel_shape=[3, 3], strides=[2, 2],
                                 ceil_mode=1, count_include_pad=1), {}, "n", "ceil_mode=1 with count_include_pad=1"),
    "empty window": (make_node("AveragePool", ["x"], ["y"], name="n", pads=[2, 0, 0, 0], **POOL), {}, "n",
                     "wholly in the padding"),
    "training": (batch_normalization(training_mode=1), BN, "n", "training_mode=1"),
    "broadcast": (make_node("Add", ["x", "b"], ["y"], name="n"), {"b": np.ones(5, np.float32)}, "n",
                  "do not broadcast to each other"),
    "reshape size": (make_node("Reshape", ["x", "s"], ["y"], name="n"), {"s": np.array([1, 7])}, "n",
                     "cannot reshape"),
}


@pytest.mark.parametrize(("node", "constants", "name", "reason"), NODES.values(), ids=NODES)
def test_nodes_are_refused_by_name(make_model, refusal, node, constants, name, reason):
    model = make_model([node], constants=constants, more_inputs={"z": (1, 1, 8, 8)})
    if not model.graph.output[0].type.tensor_type.HasField("shape"):
        model.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["a", "b"]))
    assert re.fullmatch(rf"node '{name}' \({node.op_type}\): .*{reason}.*", refusal(model))


def test_three_dimensional_convolution_is_refused(make_model, refusal):
    model = make_model([make_node("Conv", ["x", "w"], ["y"], name="c1")], shape=(1, 3, 8, 8, 8),
                       constants={"w": np.ones((2, 3, 3, 3, 3), np.float32)})
    assert refusal(model).startswith("node 'c1' (Conv): only 1-D and 2-D convolutions are supported, got a 3-D")


def test_gemm_with_transposed_input_is_refused(make_model, refusal):
    model = make_model([make_node("Gemm", ["x", "w"], ["y"], name="g", transA=1)], shape=(1, 3),
                       constants={"w": np.ones((1, 3), np.float32)})
    assert refusal(model).startswith("node 'g' (Gemm): transA=1 is not supported")


def test_squeeze_of_every_axis_leaves_a_fixed_batch(make_model):
    graph = import_model(make_model([make_node("Squeeze", ["x"], ["y"])], shape=(3, 1, 4)))
    assert graph.tensors["y"].shape == (1, 4)


def test_unknown_block_modes_are_refused(make_model):
    node = make_node("DepthToSpace", ["x"], ["y"], name="b", blocksize=2, mode="RCD")
    with pytest.raises(ModelError, match=r"node 'b' \(DepthToSpace\): mode 'RCD' is not known; legal are DCR and CRD"):
        import_model(make_model([node], shape=(1, 4, 8, 8)))


DYNAMIC = ("N", 3, 8, "W")


def relu(make_model, shape):
    return make_model([make_node("Relu", ["x"], ["y"])], shape=shape)


def test_dynamic_dimensions_need_a_shape(make_model):
    model = relu(make_model, DYNAMIC)
    message = "input 'x' has a dynamic dimension, [N, 3, 8, W]: give its shape with --shape x=1,3,8,?"
    with pytest.raises(ModelError, match=f"^{re.escape(message)}$"):
        import_model(model)
    assert import_model(model, {"x": (1, 3, 8, 9)}).tensors["y"].shape == (1, 3, 8, 9)


@pytest.mark.parametrize(("given", "message"), [
    ({"x": (1, 4, 8, 9)}, r"is \[N, 3, 8, W\]; the given shape \[1, 4, 8, 9\] does not fit"),
    ({"x": (1, 3, 8)}, "does not fit"),
    ({"x": (1, 3, 8, 0)}, "all dimensions must be positive"),
    ({"z": (1, 3, 8, 9)}, r"a shape is given for 'z', but the model's inputs are \['x'\]"),
])
def test_given_shapes_are_checked(make_model, given, message):
    with pytest.raises(ModelError, match=message):
        import_model(relu(make_model, DYNAMIC), given)


def test_other_types_are_refused(make_model):
    model = relu(make_model, (1, 3))
    model.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.BFLOAT16
    with pytest.raises(ModelError, match="input 'x' is BFLOAT16; legal are tensors of bool, float16, float32"):
        import_model(model)


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 100, b"\x08\x03"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.onnx' is not an ONNX model$"):
        import_model(path)
    with pytest.raises(ModelError, match="^the given bytes is not an ONNX model$|^the given bytes"):
        import_model(content)


def test_truncated_models_are_refused(make_model, tmp_path):
    content = make_model([make_node("Conv", ["x", "w"], ["y"])], constants={"w": WEIGHT}).SerializeToString()
    for length in range(0, len(content), 7):
        with pytest.raises(ModelError):
            import_model(content[:length])


def test_damaged_models_are_refused_or_read_but_never_break(make_model):
    nodes = [make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], group=1), make_node("Relu", ["c"], ["y"])]
    content = make_model(nodes, constants={"w": WEIGHT[:1]}).SerializeToString()
    random = np.random.default_rng(1)
    for _ in range(1000):
        damaged = bytearray(content)
        for position in random.integers(0, len(content), random.integers(1, 4)):
            damaged[position] = random.integers(0, 256)
        with contextlib.suppress(ModelError):
            import_model(bytes(damaged))


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(ModelError, match="cannot read model '.*none.onnx': No such file"):
        import_model(tmp_path / "none.onnx")
    with pytest.raises(ModelError, match="cannot read model"):
        import_model(tmp_path)


@pytest.mark.parametrize("opset", [6, 999])
def test_other_opsets_are_refused(make_model, opset):
    model = relu(make_model, (1, 3))
    del model.opset_import[:]
    model.opset_import.append(make_opsetid("", opset))
    with pytest.raises(ModelError, match=rf"the model uses ONNX opset {opset}; supported are 7 to"):
        import_model(model)


def test_other_domains_are_refused(make_model):
    model = relu(make_model, (1, 3))
    model.graph.node[0].domain = "com.example"
    model.graph.node[0].name = "n"
    model.opset_import.append(make_opsetid("com.example", 1))
    with pytest.raises(ModelError, match=r"node 'n' \(Relu\): .*; nor can the host execute it: ONNX Runtime does not"):
        import_model(model)


def external(make_model, location):
    model = make_model([make_node("Conv", ["x", "w"], ["y"])], constants={"w": WEIGHT})
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return model


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "folder/../../weights.bin"])
def test_external_data_outside_the_folder_is_refused(make_model, tmp_path, location):
    (tmp_path / "weights.bin").write_bytes(WEIGHT.tobytes())
    path = tmp_path / "models" / "model.onnx"
    path.parent.mkdir()
    path.write_bytes(external(make_model, location).SerializeToString())
    with pytest.raises(ModelError, match="tensor 'w': external data '.*' lies outside the model's folder"):
        import_model(path)


def test_external_data_beside_the_model_is_read(make_model, tmp_path):
    path = tmp_path / "model.onnx"
    model = external(make_model, "weights.bin")
    path.write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match=r"external data file 'weights\.bin' does not exist"):
        import_model(path)
    (tmp_path / "weights.bin").write_bytes(WEIGHT.tobytes())
    graph = import_model(path)
    np.testing.assert_array_equal(graph.tensors[graph.nodes()[0].inputs[1]].array, WEIGHT)
    with pytest.raises(ModelError, match="tensor 'w' has external data; give the model as a path"):
        import_model(model)


@pytest.mark.parametrize(("op_type", "operands"), [
    ("ConstantOfShape", [np.array([1 << 20, 1 << 20])]),
    ("Expand", [np.ones(1, np.float32), np.array([1 << 20, 1 << 20])]),
    ("Tile", [np.ones((1, 1), np.float32), np.array([1 << 20, 1 << 20])]),
    ("Range", [np.array(0), np.array(1 << 40), np.array(1)]),
])
def test_huge_constants_are_refused_before_memory_is_taken(make_model, op_type, operands):
    names = [f"c{i}" for i in range(len(operands))]
    nodes = [make_node(op_type, names, ["huge"], name="h"), make_node("Relu", ["x"], ["y"])]
    with pytest.raises(ModelError, match=rf"node 'h' \({op_type}\): would make a constant of \[1\d+.*\] elements"):
        import_model(make_model(nodes, constants=dict(zip(names, operands, strict=True))))


@pytest.mark.parametrize("limit", [np.inf, np.nan])
def test_ranges_without_an_end_are_refused(make_model, limit):
    operands = {"a": np.float32(0), "b": np.float32(limit), "c": np.float32(1)}
    nodes = [make_node("Range", ["a", "b", "c"], ["r"], name="r"), make_node("Relu", ["x"], ["y"])]
    with pytest.raises(ModelError, match=r"node 'r' \(Range\): cannot evaluate this operator on constants"):
        import_model(make_model(nodes, constants=operands))


@pytest.mark.parametrize(("read", "needed"), [
    (lambda node: node.integer("a", 0), "an integer"), (lambda node: node.number("a", 0.0), "a number"),
    (lambda node: node.integers("a", ()), "a list of integers"),
])
def test_attributes_of_another_type_are_refused(read, needed):
    node = OnnxNode.of(make_node("Conv", ["x"], ["y"], a="text"), "n")
    with pytest.raises(ModelError, match=rf"node 'n' \(Conv\): attribute 'a' is 'text'; {needed} is needed"):
        read(node)


def test_constant_subgraphs_are_refused(make_model):
    body = onnx.helper.make_graph(
        [make_node("Constant", [], ["v"], value_float=1.0)], "branch", [],
        [onnx.helper.make_tensor_value_info("v", onnx.TensorProto.FLOAT, ())],
    )
    nodes = [make_node("If", ["c"], ["z"], name="i", then_branch=body, else_branch=body),
             make_node("Relu", ["x"], ["y"])]
    with pytest.raises(ModelError, match=r"node 'i' \(If\): operators with a subgraph are not supported"):
        import_model(make_model(nodes, constants={"c": np.array(True)}))


def test_random_operators_are_refused(make_model):
    nodes = [make_node("RandomNormal", [], ["r"], name="r", shape=[1, 3]), make_node("Add", ["x", "r"], ["y"])]
    with pytest.raises(ModelError, match=r"node 'r' \(RandomNormal\): random operators are not supported"):
        import_model(make_model(nodes, shape=(1, 3)))
