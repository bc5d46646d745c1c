"""Random networks through the whole front half: against ONNX Runtime in float, and near it in int8."""

from __future__ import annotations

import numpy as np
import pytest
from onnx.helper import make_node

from compiler.front import front
from compiler.graph import Graph
from compiler.importer.float_session import run_float_graph
from runtime.reference import ReferenceBackend


class Builder:
    """Appends random layers to a network; `shape` is the present tensor's."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes, self.constants = [], {}
        self.tensor, self.shape = "x", (1, int(self.random.integers(1, 5)), 9, 8)

    def floats(self, *shape, scale=1.0):
        name = f"k{len(self.constants)}"
        self.constants[name] = (self.random.normal(size=shape) * scale).astype(np.float32)
        return name

    def add(self, op_type, *more, shape=None, **attributes):
        output = f"t{len(self.nodes)}"
        self.nodes.append(make_node(op_type, [self.tensor, *more], [output], name=f"n{len(self.nodes)}", **attributes))
        self.tensor, self.shape = output, shape or self.shape

    def conv(self):
        kernel = int(self.random.choice([1, 3]))
        depthwise = bool(self.random.integers(2))
        channels = self.shape[1] if depthwise else int(self.random.integers(1, 9))
        groups = self.shape[1] if depthwise else 1
        stride = int(self.random.integers(1, 3)) if min(self.shape[2:]) > 3 else 1
        weight = self.floats(channels, self.shape[1] // groups, kernel, kernel,
                             scale=1 / np.sqrt(kernel * kernel * self.shape[1] / groups))
        bias = [self.floats(channels, scale=0.3)] if self.random.integers(2) else []
        size = [(s + 2 * (kernel // 2) - kernel) // stride + 1 for s in self.shape[2:]]
        self.add("Conv", weight, *bias, shape=(1, channels, *size), pads=[kernel // 2] * 4, strides=[stride] * 2,
                 group=groups)

    def residual(self):
        before = self.tensor
        weight = self.floats(self.shape[1], self.shape[1], 3, 3, scale=1 / np.sqrt(9 * self.shape[1]))
        self.add("Conv", weight, pads=[1] * 4)
        self.add("Add", before)

    def batch_normalization(self):
        channels = self.shape[1]
        names = [self.floats(channels) for _ in range(4)]
        self.constants[names[3]] = np.abs(self.constants[names[3]]) + np.float32(0.5)
        self.add("BatchNormalization", *names)

    def activation(self):
        if self.random.integers(2):
            self.add("Relu")
        else:
            self.constants |= {"six": np.float32(6), "zero": np.float32(0)}
            self.add("Clip", "zero", "six")

    def pool(self):
        if min(self.shape[2:]) < 3:
            return
        ceil = int(self.random.integers(2))
        op_type = str(self.random.choice(["MaxPool", "AveragePool"]))
        size = [-(-(s - 3) // 2) + 1 if ceil else (s - 3) // 2 + 1 for s in self.shape[2:]]
        self.add(op_type, shape=(*self.shape[:2], *size), kernel_shape=[3, 3], strides=[2, 2], ceil_mode=ceil)

    def identity(self):
        self.add(str(self.random.choice(["Identity", "Dropout"])))

    def head(self):
        self.add("Flatten", shape=(1, int(np.prod(self.shape))))
        weight = self.floats(self.shape[1], 5, scale=1 / np.sqrt(self.shape[1]))
        self.add("MatMul", weight, shape=(1, 5))
        self.add("Add", self.floats(5))
        self.nodes[-1].output[0] = "y"


@pytest.mark.parametrize("seed", range(24))
def test_random_network(make_model, same_as_onnxruntime, seed):
    builder = Builder(seed)
    shape = builder.shape
    layers = [builder.conv, builder.residual, builder.batch_normalization, builder.activation, builder.pool,
              builder.identity]
    for index in builder.random.integers(0, len(layers), 9):
        layers[index]()
    builder.head()
    model = make_model(builder.nodes, shape=shape, constants=builder.constants)
    graph = same_as_onnxruntime(model, tolerance=1e-3)
    samples = builder.random.normal(size=(64, *shape[1:])).astype(np.float32)
    quantized = front(model, {"x": samples})
    exact = run_float_graph(graph, {"x": samples})["y"]
    rounded = ReferenceBackend().run(Graph.from_dict(*quantized.to_dict()), {"x": samples})["y"]
    error = np.sqrt(np.mean((rounded - exact) ** 2))
    assert error <= 0.05 * (exact.max() - exact.min())
