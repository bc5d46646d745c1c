"""ONNX models with seeded random weights and the names that PyTorch's exporter gives: `/layer1/layer1.0/conv1/Conv`.

Batch normalisations are folded, as they are in what is deployed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

INPUT = "x"
OUTPUT = "y"


@dataclass
class ModelBuilder:
    """Adds one node after the other; weights are normal with the variance that keeps activations in range.

    A node is called after the modules around it (`within`), its own `module` where it has one, and its operator; what
    is called again gets a number, as the exporter gives it.
    """

    name: str
    shape: tuple[int, ...]
    seed: int = 0
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    weights: list[onnx.TensorProto] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Seed the weights."""
        self._random = np.random.default_rng(self.seed)
        self._channels = {INPUT: self.shape[1]}
        self._modules: list[str] = []
        self._calls: Counter[str] = Counter()

    @contextmanager
    def within(self, *modules: str) -> Iterator[None]:
        """Put what is added in the block within modules, the outermost first."""
        self._modules += modules
        try:
            yield
        finally:
            del self._modules[len(self._modules) - len(modules) :]

    def _name(self, op: str, module: str) -> str:
        called = "".join(f"/{part}" for part in (*self._modules, module or op))
        self._calls[called] += 1
        again = self._calls[called] - 1
        return called + (f"_{again}" if again else "") + (f"/{op}" if module else "")

    def _node(self, op: str, inputs: list[str], channels: int, module: str, **attributes: Any) -> str:
        name = self._name(op, module)
        output = f"{name}_output_0"
        self.nodes.append(helper.make_node(op, inputs, [output], name, **attributes))
        self._channels[output] = channels
        return output

    def _weight(self, deviation: float, *shape: int) -> str:
        name = f"w{len(self.weights)}"
        array = self._random.normal(0, deviation, shape).astype(np.float32)
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def convolution(
        self, x: str, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, module: str = ""
    ) -> str:
        """Add a padded convolution with a bias."""
        inputs, pad = self._channels[x] // groups, kernel // 2
        weight = self._weight((2 / (inputs * kernel**2)) ** 0.5, outputs, inputs, kernel, kernel)
        return self._node(
            "Conv", [x, weight, self._weight(0.1, outputs)], outputs, module, kernel_shape=[kernel] * 2,
            pads=[pad] * 4, strides=[stride] * 2, group=groups,
        )

    def relu(self, x: str, module: str = "") -> str:
        """Add a rectifier."""
        return self._node("Relu", [x], self._channels[x], module)

    def relu6(self, x: str, module: str = "") -> str:
        """Add a rectifier that ends at 6."""
        if not any(weight.name == "six" for weight in self.weights):
            self.weights += [
                numpy_helper.from_array(np.array(value, np.float32), name) for name, value in (("zero", 0), ("six", 6))
            ]
        return self._node("Clip", [x, "zero", "six"], self._channels[x], module)

    def hard_swish(self, x: str, module: str = "") -> str:
        """Add a hard swish."""
        return self._node("HardSwish", [x], self._channels[x], module)

    def gate(self, x: str, squeezed: int) -> str:
        """Add a squeeze-and-excitation gate: each channel times a function of the averages of all."""
        channels = self._channels[x]
        y = self.relu(self.convolution(self.average(x), squeezed))
        y = self._node("HardSigmoid", [self.convolution(y, channels)], channels, "", alpha=1 / 6, beta=0.5)
        return self._node("Mul", [x, y], channels, "")

    def add(self, a: str, b: str) -> str:
        """Add two activations."""
        return self._node("Add", [a, b], self._channels[a], "")

    def max_pool(self, x: str, kernel: int, stride: int, pad: int, module: str = "") -> str:
        """Add a maximum over windows."""
        return self._node(
            "MaxPool", [x], self._channels[x], module, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4
        )

    def average(self, x: str, module: str = "") -> str:
        """Add the average of each channel."""
        return self._node("GlobalAveragePool", [x], self._channels[x], module)

    def flatten(self, x: str) -> str:
        """Make one axis of all but the first."""
        return self._node("Flatten", [x], self._channels[x], "")

    def product(self, x: str, outputs: int, module: str = "") -> str:
        """Add a fully connected layer."""
        channels = self._channels[x]
        weight, bias = self._weight(channels**-0.5, outputs, channels), self._weight(0.1, outputs)
        return self._node("Gemm", [x, weight, bias], outputs, module, transB=1)

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
