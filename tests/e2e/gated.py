"""Two small networks, as exporters write them: one of products and broadcasting, one of tables too."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT, OUTPUT = "image", "scores"
CHANNELS, SIZE, CLASSES = 6, 7, 5
SHAPE = (3, SIZE, SIZE)


@dataclass
class _Builder:
    """Nodes and constants of a model."""

    random: np.random.Generator
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, npt.NDArray[np.float32]] = field(default_factory=dict)

    def constant(self, *shape: int, scale: float = 1.0) -> str:
        """Add a normally distributed constant."""
        return self.value(scale * self.random.normal(size=shape))

    def value(self, data: npt.ArrayLike) -> str:
        """Add a constant."""
        name = f"constant_{len(self.constants)}"
        self.constants[name] = np.asarray(data, np.float32)
        return name

    def node(self, op_type: str, *inputs: str, **attributes: object) -> str:
        """Add a node and return its output."""
        output = f"{op_type.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, list(inputs), [output], output, **attributes))
        return output

    def conv(self, x: str, inputs: int, outputs: int, kernel: int = 1, scale: float = 1.0) -> str:
        """Add a convolution that keeps the size."""
        weight = self.constant(outputs, inputs, kernel, kernel, scale=scale / np.sqrt(inputs * kernel * kernel))
        return self.node("Conv", x, weight, self.constant(outputs, scale=0.1), pads=[kernel // 2] * 4)

    def model(self) -> onnx.ModelProto:
        """Classify what the last node makes, and return the model."""
        self.node("Flatten", self.node("GlobalAveragePool", self.nodes[-1].output[0]))
        weight, bias = self.constant(CLASSES, CHANNELS), self.constant(CLASSES)
        self.node("Gemm", self.nodes[-1].output[0], weight, bias, transB=1)
        self.nodes[-1].output[0] = OUTPUT
        graph = helper.make_graph(
            self.nodes, "gated", [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, *SHAPE])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [1, CLASSES])],
            [numpy_helper.from_array(array, name) for name, array in self.constants.items()],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def product_model() -> onnx.ModelProto:
    """A gate for each channel, a position bias, slopes, a map for all channels, and a vector added everywhere."""
    build = _Builder(np.random.default_rng(6))
    x = build.node("Relu", build.conv(INPUT, 3, CHANNELS, 3, scale=2.0))
    gate = build.conv(build.node("GlobalAveragePool", x), CHANNELS, CHANNELS)
    x = build.node("Add", build.node("Mul", x, gate), build.constant(SIZE, SIZE))
    x = build.node("PRelu", x, build.value(build.random.uniform(0, 0.5, (CHANNELS, 1, 1))))
    one_map = build.node("Add", build.conv(x, CHANNELS, 1, scale=0.3), build.value(1))
    build.node("Add", build.node("Mul", x, one_map), gate)
    return build.model()


def gated_model() -> onnx.ModelProto:
    """Hard swish, a squeeze-and-excitation gate, a position bias, a residual block with gelu, LRN, and a gate map."""
    build = _Builder(np.random.default_rng(5))
    node, conv = build.node, build.conv
    x = node("HardSwish", conv(INPUT, 3, CHANNELS, 3, scale=2.0))
    gate = node("Relu", conv(node("GlobalAveragePool", x), CHANNELS, 3))
    x = node("Mul", x, node("Sigmoid", conv(gate, 3, CHANNELS, scale=3.0)))
    x = node("Add", x, build.constant(1, SIZE, SIZE, scale=0.3))
    y = conv(x, CHANNELS, CHANNELS, 3)
    erf = node("Add", node("Erf", node("Div", y, build.value(np.sqrt(2)))), build.value(1))
    y = node("Mul", node("Mul", y, erf), build.value(0.5))
    y = node("Tanh", node("Sub", conv(y, CHANNELS, CHANNELS), x))
    y = node("LRN", y, size=3, alpha=0.5)
    node("Mul", y, node("Sigmoid", conv(y, CHANNELS, 1)))
    return build.model()


def samples(count: int, seed: int = 1) -> dict[str, npt.NDArray[np.float32]]:
    """Return normally distributed images."""
    random = np.random.default_rng(seed)
    return {INPUT: random.normal(size=(count, *SHAPE)).astype(np.float32)}
