"""Networks with operators that the host executes: before, between and after what the accelerator does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_node

AnyArray = npt.NDArray[Any]
Shape = Sequence[int | str | None]


def model(
    nodes: Sequence[onnx.NodeProto], inputs: Mapping[str, tuple[int, Shape]], outputs: Mapping[str, tuple[int, int]],
    constants: Mapping[str, AnyArray] | None = None,
) -> onnx.ModelProto:
    """Build a model; inputs have a type and a shape, outputs a type and a rank."""
    graph = helper.make_graph(
        nodes, "test", [helper.make_tensor_value_info(name, *what) for name, what in inputs.items()],
        [helper.make_tensor_value_info(name, kind, [f"{name}_{axis}" for axis in range(rank)])
         for name, (kind, rank) in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in (constants or {}).items()],
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=9)


def floats(*shape: int, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def normalized() -> onnx.ModelProto:
    """Convolution, instance normalization (host), convolution."""
    nodes = [
        make_node("Conv", ["x", "w"], ["a"], "first", pads=[1, 1, 1, 1]),
        make_node("InstanceNormalization", ["a", "scale", "bias"], ["b"], "normalize"),
        make_node("Conv", ["b", "v"], ["y"], "second"),
    ]
    constants = {"w": floats(6, 3, 3, 3), "v": floats(4, 6, 1, 1, seed=1), "scale": floats(6), "bias": floats(6)}
    return model(nodes, {"x": (TensorProto.FLOAT, [1, 3, 6, 6])}, {"y": (TensorProto.FLOAT, 4)}, constants)


def attention() -> onnx.ModelProto:
    """Scaled products of run-time tensors and a softmax between products by constants."""
    nodes = [
        make_node("MatMul", ["x", "wq"], ["q"], "query"), make_node("MatMul", ["x", "wk"], ["k"], "key"),
        make_node("MatMul", ["x", "wv"], ["v"], "value"), make_node("Transpose", ["k"], ["kt"], "turn", perm=[0, 2, 1]),
        make_node("MatMul", ["q", "kt"], ["s"], "scores"), make_node("Softmax", ["s"], ["p"], "softmax", axis=-1),
        make_node("MatMul", ["p", "v"], ["c"], "context"), make_node("MatMul", ["c", "wo"], ["y"], "out"),
    ]
    constants = {name: floats(8, 8, seed=seed) * 0.4 for seed, name in enumerate(("wq", "wk", "wv", "wo"))}
    return model(nodes, {"x": (TensorProto.FLOAT, [1, 5, 8])}, {"y": (TensorProto.FLOAT, 3)}, constants)


def gelu() -> onnx.ModelProto:
    """An operator of another domain, between products."""
    nodes = [
        make_node("Gemm", ["x", "w"], ["a"], "first"),
        make_node("Gelu", ["a"], ["b"], "gelu", domain="com.microsoft"),
        make_node("Gemm", ["b", "v"], ["y"], "second"),
    ]
    constants = {"w": floats(10, 12), "v": floats(12, 4, seed=1)}
    return model(nodes, {"x": (TensorProto.FLOAT, ["N", 10])}, {"y": (TensorProto.FLOAT, 2)}, constants)


def embedding() -> onnx.ModelProto:
    """Rows of a table by run-time numbers, then a product."""
    nodes = [
        make_node("Gather", ["table", "ids"], ["rows"], "embed"), make_node("MatMul", ["rows", "w"], ["y"], "project"),
    ]
    constants = {"table": floats(20, 8), "w": floats(8, 6, seed=1)}
    return model(nodes, {"ids": (TensorProto.INT64, [1, 7])}, {"y": (TensorProto.FLOAT, 3)}, constants)


def quotient() -> onnx.ModelProto:
    """The quotient of two run-time tensors, and the largest values of a product with their places."""
    nodes = [
        make_node("Gemm", ["x", "w"], ["a"], "product"), make_node("Softplus", ["x"], ["d"], "positive"),
        make_node("Div", ["a", "d"], ["q"], "quotient"), make_node("TopK", ["q", "k"], ["values", "places"], "top"),
    ]
    constants = {"w": floats(6, 6), "k": np.array([3], np.int64)}
    return model(nodes, {"x": (TensorProto.FLOAT, [1, 6])},
                 {"values": (TensorProto.FLOAT, 2), "places": (TensorProto.INT64, 2)}, constants)


def on_the_host_only() -> onnx.ModelProto:
    """Nothing for the accelerator: the place of the largest value."""
    return model([make_node("ArgMax", ["x"], ["y"], "largest", axis=1, keepdims=0)],
                 {"x": (TensorProto.FLOAT, [2, 5])}, {"y": (TensorProto.INT64, 1)})


HOST_MODELS: tuple[Callable[[], onnx.ModelProto], ...] = (
    normalized, attention, gelu, embedding, quotient, on_the_host_only,
)


def samples(proto: onnx.ModelProto, count: int, seed: int = 3) -> dict[str, AnyArray]:
    """Draw samples of a model's inputs."""
    random = np.random.default_rng(seed)
    drawn: dict[str, AnyArray] = {}
    for value in proto.graph.input:
        kind = value.type.tensor_type
        first, *rest = (dim.dim_value or 1 for dim in kind.shape.dim)
        shape = (count * first, *rest)
        is_float = kind.elem_type == TensorProto.FLOAT
        drawn[value.name] = random.normal(size=shape).astype(np.float32) if is_float else random.integers(0, 20, shape)
    return drawn
