"""From an ONNX node to bytes: the values of ONNX Runtime in float, the reference's bytes on the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from compiler.backend.program import CompiledProgram
from compiler.front import front, import_model
from compiler.importer.float_session import run_float_graph
from compiler.passes.pipeline import PASSES, run_passes
from machine.config import load_machine
from runtime.cpu import run_float
from runtime.reference import ReferenceBackend

Array = npt.NDArray[Any]
SAMPLES = 4


def model_of(
    nodes: onnx.NodeProto | Sequence[onnx.NodeProto], shape: Sequence[int] | Mapping[str, Sequence[int]],
    constants: Mapping[str, Any] | None = None, opset: int = 19,
) -> onnx.ModelProto:
    """Return a model from input `x`, or from inputs by name, to output `y`."""
    arrays = {name: np.asarray(value) for name, value in (constants or {}).items()}
    shapes = shape if isinstance(shape, Mapping) else {"x": shape}
    graph = helper.make_graph(
        [nodes] if isinstance(nodes, onnx.NodeProto) else list(nodes), "test",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, each) for name, each in shapes.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(array, name) for name, array in arrays.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)
    return onnx.shape_inference.infer_shapes(model)


def check_model(
    check: Callable[..., CompiledProgram], model: onnx.ModelProto, machine: str = "nano4", steps: float = 2.5,
) -> CompiledProgram:
    """Compare a model's float graphs with ONNX Runtime, its int8 graph with both, and its program with the last.

    `steps`: by how many steps of the output's scale int8 may differ from float.
    """
    sizes = [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim]
    samples = np.random.default_rng(11).normal(size=(SAMPLES, *sizes[1:])).astype(np.float32)
    expected = np.concatenate([run_float(model.SerializeToString(), {"x": x[None]})["y"] for x in samples])
    imported = import_model(model)
    for graph in (imported, run_passes(imported, PASSES)):
        np.testing.assert_allclose(run_float_graph(graph, {"x": samples})["y"], expected, rtol=1e-4, atol=1e-4)
    quantized = front(model, {"x": samples})
    found = ReferenceBackend().run(quantized, {"x": samples})["y"]
    assert found.shape == expected.shape
    step = quantized.tensors[quantized.producer("y").inputs[0]].scale
    np.testing.assert_allclose(found, expected, rtol=0, atol=steps * step)
    return check(load_machine(machine), quantized)
