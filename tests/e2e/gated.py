"""A small network of everything that tables, products and broadcasting bring, as exporters write it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from machine.config import Machine
from machine.program import Program
from runtime.compile import compile_program

INPUT, OUTPUT = "image", "scores"
CHANNELS, SIZE, CLASSES = 6, 7, 5


def gated_model() -> onnx.ModelProto:
    """Hard swish, a squeeze-and-excitation gate, a position bias, a residual block with gelu, LRN, and a classifier."""
    random = np.random.default_rng(5)
    constants: dict[str, npt.NDArray[np.float32]] = {}

    def constant(*shape: int, scale: float = 1.0) -> str:
        name = f"constant_{len(constants)}"
        constants[name] = np.asarray(scale * random.normal(size=shape), np.float32)
        return name

    nodes: list[onnx.NodeProto] = []

    def node(op_type: str, *inputs: str, **attributes: object) -> str:
        output = f"{op_type.lower()}_{len(nodes)}"
        nodes.append(helper.make_node(op_type, list(inputs), [output], output, **attributes))
        return output

    def conv(x: str, inputs: int, outputs: int, kernel: int = 1, scale: float = 1.0) -> str:
        weight = constant(outputs, inputs, kernel, kernel, scale=scale / np.sqrt(inputs * kernel * kernel))
        return node("Conv", x, weight, constant(outputs, scale=0.1), pads=[kernel // 2] * 4)

    x = node("HardSwish", conv(INPUT, 3, CHANNELS, 3, scale=2.0))
    gate = node("Relu", conv(node("GlobalAveragePool", x), CHANNELS, 3))
    x = node("Mul", x, node("Sigmoid", conv(gate, 3, CHANNELS, scale=3.0)))
    x = node("Add", x, constant(1, SIZE, SIZE, scale=0.3))
    y = conv(x, CHANNELS, CHANNELS, 3)
    halves = [np.float32(0.5), np.float32(np.sqrt(2)), np.float32(1)]
    names = [constant() for _ in halves]
    constants |= {name: np.asarray(value) for name, value in zip(names, halves, strict=True)}
    erf = node("Add", node("Erf", node("Div", y, names[1])), names[2])
    y = node("Mul", node("Mul", y, erf), names[0])
    y = node("Tanh", node("Sub", conv(y, CHANNELS, CHANNELS), x))
    y = node("LRN", y, size=3, alpha=0.5)
    y = node("Mul", y, node("Sigmoid", conv(y, CHANNELS, 1)))
    y = node("Flatten", node("GlobalAveragePool", y))
    y = node("Gemm", y, constant(CLASSES, CHANNELS), constant(CLASSES), transB=1)
    nodes[-1].output[0] = OUTPUT
    graph = helper.make_graph(
        nodes, "gated", [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, 3, SIZE, SIZE])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, CLASSES])],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def gated_samples(count: int, seed: int = 1) -> dict[str, npt.NDArray[np.float32]]:
    """Return normally distributed images."""
    random = np.random.default_rng(seed)
    return {INPUT: random.normal(size=(count, 3, SIZE, SIZE)).astype(np.float32)}


def compile_gated(machine: Machine) -> Program:
    """Compile the network for a machine."""
    return compile_program(gated_model().SerializeToString(), machine, gated_samples(64))
