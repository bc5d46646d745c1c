"""Networks made on the spot for measurements, with seeded random weights: ONNX models, whole networks or one layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from benchmarks.layers import MOBILENET_V2_SETTINGS
from machine.config import Machine
from machine.program import Program
from runtime.compile import compile_program

FloatArray = npt.NDArray[np.float32]
INPUT = "x"
OUTPUT = "y"


@dataclass
class ModelBuilder:
    """Adds one node after the other; weights are normal with the variance that keeps activations in range."""

    name: str
    shape: tuple[int, ...]
    seed: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seed the weights."""
        self._random = np.random.default_rng(self.seed)
        self._channels = {INPUT: self.shape[1]}

    def _node(self, op: str, inputs: list[str], channels: int, **attributes: Any) -> str:
        name = f"{op.lower()}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, inputs, [name], name, **attributes))
        self._channels[name] = channels
        return name

    def _weight(self, deviation: float, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        array = self._random.normal(0, deviation, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def convolution(self, x: str, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> str:
        """Add a padded convolution with a bias."""
        inputs, pad = self._channels[x] // groups, kernel // 2
        weight = self._weight((2 / (inputs * kernel**2)) ** 0.5, outputs, inputs, kernel, kernel)
        return self._node(
            "Conv", [x, weight, self._weight(0.1, outputs)], outputs, kernel_shape=[kernel] * 2, pads=[pad] * 4,
            strides=[stride] * 2, group=groups,
        )

    def relu(self, x: str) -> str:
        """Add a rectifier."""
        return self._node("Relu", [x], self._channels[x])

    def relu6(self, x: str) -> str:
        """Add a rectifier that ends at 6."""
        if not any(weight.name == "six" for weight in self.weights):
            self.weights += [
                numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (("zero", 0), ("six", 6))
            ]
        return self._node("Clip", [x, "zero", "six"], self._channels[x])

    def hard_swish(self, x: str) -> str:
        """Add a hard swish."""
        return self._node("HardSwish", [x], self._channels[x])

    def gate(self, x: str, squeezed: int) -> str:
        """Add a squeeze-and-excitation gate: each channel times a function of the averages of all."""
        channels = self._channels[x]
        y = self._node("GlobalAveragePool", [x], channels)
        y = self.convolution(self.relu(self.convolution(y, squeezed)), channels)
        y = self._node("HardSigmoid", [y], channels, alpha=1 / 6, beta=0.5)
        return self._node("Mul", [x, y], channels)

    def add(self, a: str, b: str) -> str:
        """Add two activations."""
        return self._node("Add", [a, b], self._channels[a])

    def max_pool(self, x: str, kernel: int, stride: int, pad: int) -> str:
        """Add a maximum over windows."""
        return self._node(
            "MaxPool", [x], self._channels[x], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4
        )

    def classify(self, x: str, classes: int, hidden: int = 0) -> str:
        """Add a global average and a fully connected layer, behind a hidden one with a hard swish where asked."""
        channels = self._channels[x]
        x = self._node("Flatten", [self._node("GlobalAveragePool", [x], channels)], channels)
        x = self.hard_swish(self.product(x, hidden)) if hidden else x
        return self.product(x, classes)

    def product(self, x: str, outputs: int) -> str:
        """Add a fully connected layer."""
        channels = self._channels[x]
        weight, bias = self._weight(channels**-0.5, outputs, channels), self._weight(0.1, outputs)
        return self._node("Gemm", [x, weight, bias], outputs, transB=1)

    def model(self, result: str) -> onnx.ModelProto:
        """Return the model of what was added."""
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [result], [OUTPUT], "end")], self.name,
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, list(self.shape))],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None)],
            self.weights,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
        return onnx.shape_inference.infer_shapes(model)


def convolution_model(
    channels: int, size: int, filters: int, kernel: int, stride: int = 1, seed: int = 0
) -> onnx.ModelProto:
    """Return a model of one padded convolution: float32[1, channels, size, size] -> `filters` channels, relu."""
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, (channels * kernel * kernel) ** -0.5, (filters, channels, kernel, kernel))
    pad = kernel // 2
    out = (size + 2 * pad - kernel) // stride + 1
    nodes = [
        helper.make_node("Conv", [INPUT, "w"], ["c"], "conv", kernel_shape=[kernel] * 2, pads=[pad] * 4,
                         strides=[stride] * 2),
        helper.make_node("Relu", ["c"], ["y"], "relu"),
    ]
    graph = helper.make_graph(
        nodes, "convolution",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [1, channels, size, size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, filters, out, out])],
        [numpy_helper.from_array(weight.astype(np.float32), "w")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def resnet50_model(size: int = 224, classes: int = 1000) -> onnx.ModelProto:
    """Return ResNet-50 with its batch normalisations folded (stride in the 3x3 convolution)."""
    net = ModelBuilder("resnet50", (1, 3, size, size))
    x = net.max_pool(net.relu(net.convolution(INPUT, 64, 7, 2)), 3, 2, 1)
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3))):
        for block in range(blocks):
            stride = 2 if stage and block == 0 else 1
            y = net.relu(net.convolution(x, width))
            y = net.convolution(net.relu(net.convolution(y, width, 3, stride)), 4 * width)
            shortcut = x if block else net.convolution(x, 4 * width, stride=stride)
            x = net.relu(net.add(y, shortcut))
    return net.model(net.classify(x, classes))


def mobilenet_v2_model(size: int = 224, classes: int = 1000) -> onnx.ModelProto:
    """Return MobileNetV2 1.0 with its batch normalisations folded."""
    net = ModelBuilder("mobilenet_v2", (1, 3, size, size))
    x, channels = net.relu6(net.convolution(INPUT, 32, 3, 2)), 32
    for expansion, outputs, repeats, first_stride in MOBILENET_V2_SETTINGS:
        for repeat in range(repeats):
            stride, hidden = (first_stride if repeat == 0 else 1), channels * expansion
            y = x if expansion == 1 else net.relu6(net.convolution(x, hidden))
            y = net.relu6(net.convolution(y, hidden, 3, stride, groups=hidden))
            y = net.convolution(y, outputs)
            x, channels = (net.add(x, y) if stride == 1 and channels == outputs else y), outputs
    return net.model(net.classify(net.relu6(net.convolution(x, 1280)), classes))


MOBILENET_V3_SMALL_SETTINGS = (
    (3, 16, 16, True, False, 2),
    (3, 72, 24, False, False, 2),
    (3, 88, 24, False, False, 1),
    (5, 96, 40, True, True, 2),
    (5, 240, 40, True, True, 1),
    (5, 240, 40, True, True, 1),
    (5, 120, 48, True, True, 1),
    (5, 144, 48, True, True, 1),
    (5, 288, 96, True, True, 2),
    (5, 576, 96, True, True, 1),
    (5, 576, 96, True, True, 1),
)
"""Kernel, hidden channels, output channels, gate, hard swish (else relu) and stride of each block (Howard et al.,
"Searching for MobileNetV3", 2019, table 2)."""


def mobilenet_v3_small_model(size: int = 224, classes: int = 1000) -> onnx.ModelProto:
    """Return MobileNetV3-small 1.0 with its batch normalisations folded; gates squeeze to a quarter, in eights."""
    net = ModelBuilder("mobilenet_v3_small", (1, 3, size, size))
    x, channels = net.hard_swish(net.convolution(INPUT, 16, 3, 2)), 16
    for kernel, hidden, outputs, gated, swish, stride in MOBILENET_V3_SMALL_SETTINGS:
        activate = net.hard_swish if swish else net.relu
        y = x if hidden == channels else activate(net.convolution(x, hidden))
        y = activate(net.convolution(y, hidden, kernel, stride, groups=hidden))
        y = net.gate(y, max(8, (hidden // 4 + 4) // 8 * 8)) if gated else y
        y = net.convolution(y, outputs)
        x, channels = (net.add(x, y) if stride == 1 and channels == outputs else y), outputs
    x = net.hard_swish(net.convolution(x, 576))
    return net.model(net.classify(x, classes, hidden=1024))


def product_model(inputs: int = 2048, outputs: int = 1000) -> onnx.ModelProto:
    """Return one fully connected layer."""
    net = ModelBuilder("product", (1, inputs))
    return net.model(net.product(INPUT, outputs))


NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "resnet50": resnet50_model,
    "mobilenet_v2": mobilenet_v2_model,
    "mobilenet_v3_small": mobilenet_v3_small_model,
    "product": product_model,
}
"""Networks by name."""


def random_inputs(model: onnx.ModelProto, samples: int, seed: int) -> dict[str, FloatArray]:
    """Return standard normal values for every input of a model with fixed shapes: float32[samples, ...] by name."""
    random = np.random.default_rng(seed)
    shapes = {
        entry.name: [extent.dim_value for extent in entry.type.tensor_type.shape.dim] for entry in model.graph.input
    }
    return {name: random.normal(size=(samples, *shape[1:])).astype(np.float32) for name, shape in shapes.items()}


def compile_random(
    machine: Machine, model: onnx.ModelProto, source: str, samples: int = 2, batch: int = 1
) -> Program:
    """Compile a model with random calibration data (its accuracy means nothing, its time does)."""
    data = random_inputs(model, samples, seed=1)
    return compile_program(model.SerializeToString(), machine, data, source=source, batch=batch)


def compile_convolution(
    machine: Machine, channels: int, size: int, filters: int, kernel: int, stride: int = 1
) -> Program:
    """Compile one convolution."""
    model = convolution_model(channels, size, filters, kernel, stride)
    name = f"conv {kernel}x{kernel}, {size}x{size}, {channels} to {filters}, stride {stride}"
    return compile_random(machine, model, name)
