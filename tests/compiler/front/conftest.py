"""Small ONNX models, and their comparison with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from compiler.front import canonicalise, fold_and_fuse, import_model, infer_shapes
from compiler.graph import Graph
from compiler.importer.float_session import run_float_graph
from compiler.passes.legality import verify_fused, verify_imported
from runtime.cpu import run_float
from tests.compiler.refusals import refusal as refusal_of

MakeModel = Callable[..., onnx.ModelProto]


def _make_model(
    nodes: Sequence[onnx.NodeProto],
    *,
    shape: Sequence[Any] = (1, 3, 8, 8),
    constants: Mapping[str, Any] | None = None,
    opset: int = 17,
    output: str = "y",
    more_inputs: Mapping[str, Sequence[Any]] | None = None,
) -> onnx.ModelProto:
    arrays = {name: np.asarray(value) for name, value in (constants or {}).items()}
    inputs = [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, shape)]
    inputs += [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, s) for n, s in (more_inputs or {}).items()]
    if opset < 9:  # before IR 4, initializers are inputs too
        inputs += [
            helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
            for n, a in arrays.items()
        ]
    graph = helper.make_graph(
        list(nodes),
        "test",
        inputs,
        [helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    ir_version = 3 if opset < 9 else 10
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    return onnx.shape_inference.infer_shapes(model)


def _fused(model: onnx.ModelProto) -> Graph:
    return fold_and_fuse(infer_shapes(canonicalise(import_model(model))))


def _same_as_onnxruntime(model: onnx.ModelProto, samples: int = 2, tolerance: float = 1e-4) -> Graph:
    """Compare the imported and the fused graph with ONNX Runtime on random inputs; return the fused graph."""
    imported, fused = import_model(model), _fused(model)
    verify_imported(imported)
    verify_fused(fused)
    generator = np.random.default_rng(7)
    for _ in range(samples):
        inputs = {
            name: generator.normal(size=imported.tensors[name].shape).astype(np.float32) for name in imported.inputs
        }
        expected = run_float(model.SerializeToString(), inputs)
        for graph in (imported, fused):
            result = run_float_graph(graph, inputs)
            for name, array in expected.items():
                assert result[name].shape == array.shape == graph.tensors[name].shape
                np.testing.assert_allclose(result[name], array, rtol=tolerance, atol=tolerance)
    return fused


@pytest.fixture(scope="session")
def make_model() -> MakeModel:
    """Build a model of the given nodes from input `x` to output `y`."""
    return _make_model


@pytest.fixture(scope="session")
def fused() -> Callable[[onnx.ModelProto], Graph]:
    """Bring a model to its fused float graph."""
    return _fused


@pytest.fixture(scope="session")
def same_as_onnxruntime() -> Callable[..., Graph]:
    """Compare a model's graphs with ONNX Runtime."""
    return _same_as_onnxruntime


@pytest.fixture(scope="session")
def refusal() -> Callable[[onnx.ModelProto], str]:
    """Return why the accelerator does not take a model's node."""
    return refusal_of
