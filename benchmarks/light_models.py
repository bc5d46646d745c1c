"""The nine published architectures that the `onnx` package carries, with seeded random weights.

In `onnx/backend/test/data/light` the weights are computed constants, all elements of a tensor alike, which would hide
a wrong index. Here every float constant that a node reads gets random values that fit its role, so that activations
keep their range.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnx.backend.test
from onnx import GraphProto, NodeProto, TensorProto, helper, numpy_helper

FOLDER = Path(onnx.backend.test.__file__).parent / "data/light"
ARCHITECTURES: Mapping[str, str] = {
    "alexnet": "light_bvlc_alexnet.onnx",
    "densenet121": "light_densenet121.onnx",
    "inception_v1": "light_inception_v1.onnx",
    "inception_v2": "light_inception_v2.onnx",
    "resnet50": "light_resnet50.onnx",
    "shufflenet": "light_shufflenet.onnx",
    "squeezenet": "light_squeezenet.onnx",
    "vgg19": "light_vgg19.onnx",
    "zfnet512": "light_zfnet512.onnx",
}
"""File of each architecture."""

FloatArray = npt.NDArray[np.float32]
_FILL = "ConstantOfShape"
_WEIGHTS = frozenset({("Conv", 1), ("Gemm", 1)})
"""Operator and operand of what is multiplied and added up."""
_FACTORS = frozenset({("BatchNormalization", 1), ("BatchNormalization", 4), ("Mul", 1)})
"""Operator and operand of the scales and variances of channels."""
_SHAPE_OPERATORS = frozenset({"Reshape", "Unsqueeze"})
_IR_VERSION = 4
"""The first in which a constant need not be an input too."""


def light_model(name: str, seed: int = 0) -> onnx.ModelProto:
    """Return an architecture with random weights, the same for the same seed.

    Raises:
        KeyError: no such architecture.
    """
    model = onnx.load(FOLDER / ARCHITECTURES[name])
    graph, random = model.graph, np.random.default_rng(seed)
    nodes = [node for node in graph.node if node.op_type != _FILL]
    readers = {operand: node for node in nodes for operand in node.input}
    constants = {entry.name for entry in graph.initializer}
    weights = [
        numpy_helper.from_array(_values(readers, tensor, shape, random), tensor)
        for tensor, shape in _float_constants(graph).items()
        if tensor in readers
    ]
    shapes = [entry for entry in graph.initializer if entry.data_type == TensorProto.INT64 and entry.name in readers]
    inputs = [entry for entry in graph.input if entry.name not in constants]
    filled = helper.make_graph(nodes, name, inputs, list(graph.output), [*weights, *shapes])
    return helper.make_model(filled, opset_imports=list(model.opset_import), ir_version=_IR_VERSION)


def _float_constants(graph: GraphProto) -> dict[str, tuple[int, ...]]:
    """Return the shape of every float constant by name: what a node fills with one value, and what the file holds."""
    held = {entry.name: entry for entry in graph.initializer}
    shapes = {
        node.output[0]: tuple(numpy_helper.to_array(held[node.input[0]]).tolist())
        for node in graph.node
        if node.op_type == _FILL
    }
    return shapes | {name: tuple(entry.dims) for name, entry in held.items() if entry.data_type == TensorProto.FLOAT}


def _values(
    readers: Mapping[str, NodeProto], tensor: str, shape: tuple[int, ...], random: np.random.Generator
) -> FloatArray:
    """Return random values for a constant, by what the node that reads it, if need be in another shape, does with it.

    Weights are normal with variance 2 / (products in a sum), which a rectifier keeps (He et al., 2015); factors and
    variances are near 1, so that their product over a hundred layers is too; everything else, biases and means, is
    small.
    """
    reader = readers[tensor]
    while reader.op_type in _SHAPE_OPERATORS:
        tensor = reader.output[0]
        reader = readers[tensor]
    role = (reader.op_type, list(reader.input).index(tensor))
    if role in _FACTORS:
        drawn = random.uniform(0.8, 1.2, shape)
    else:
        deviation = np.sqrt(2 / np.prod(shape[1:])) if role in _WEIGHTS else 0.1
        drawn = random.normal(0, deviation, shape)
    return drawn.astype(np.float32)
