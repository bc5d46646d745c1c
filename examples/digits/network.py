"""The digits network: its layers in order, and the ONNX graph that says the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from examples.digits.layers import (
    AveragePool,
    BatchNormalization,
    Clip,
    Convolution,
    Dense,
    DepthwiseConvolution,
    Layer,
    MaxPool,
    Parameter,
    Residual,
    Tensor,
)

OPSET = 17
IR_VERSION = 8


class Network:
    """A convolution, a depthwise-separable block, a residual block and a classifier: one of each that matters."""

    def __init__(self, generator: np.random.Generator) -> None:
        """Draw the weights."""
        self.stem = Convolution(generator, inputs=1, outputs=16, kernel=3)
        self.norm = BatchNormalization(16)
        self.depthwise = DepthwiseConvolution(generator, channels=16, kernel=3)
        self.pointwise = Convolution(generator, inputs=16, outputs=32, kernel=1)
        self.body = Convolution(generator, inputs=32, outputs=32, kernel=3)
        self.classifier = Dense(generator, inputs=32 * 2 * 2, outputs=10)
        self.layers: tuple[Layer, ...] = (
            self.stem,
            self.norm,
            Clip(),
            self.depthwise,
            Clip(6),
            self.pointwise,
            Clip(),
            MaxPool(),
            Residual(self.body),
            Clip(),
            AveragePool(),
            self.classifier,
        )

    def forward(self, images: Tensor, training: bool = False) -> Tensor:
        """Return the logits, float32[N, 10], of images float32[N, 1, 8, 8]."""
        for layer in self.layers:
            images = layer.forward(images, training)
        return images

    def backward(self, gradient: Tensor) -> None:
        """Set every parameter's gradient from that of the loss at the logits."""
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)

    def parameters(self) -> list[Parameter]:
        """Return all trained arrays, from the image to the logits."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]


class _Graph:
    """The nodes and initializers of an ONNX graph being written."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Any) -> str:
        """Add an initializer and return its name."""
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value, np.float32), name))
        return name

    def node(self, operator: str, name: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node with one output and return that output's name."""
        output = f"{name}/output"
        self.nodes.append(helper.make_node(operator, inputs, [output], name=name, **attributes))
        return output

    def convolution(self, name: str, x: str, layer: Convolution | DepthwiseConvolution, group: int = 1) -> str:
        """Add a Conv with weight and bias that keeps height and width."""
        kernel = layer.weight.value.shape[-1]
        weight = self.constant(f"{name}/weight", layer.weight.value)
        bias = self.constant(f"{name}/bias", layer.bias.value)
        pads = [kernel // 2] * 4
        return self.node("Conv", name, [x, weight, bias], kernel_shape=[kernel] * 2, pads=pads, group=group)

    def batch_normalization(self, name: str, x: str, layer: BatchNormalization) -> str:
        """Add a BatchNormalization by the running statistics."""
        values = {
            "scale": layer.scale.value,
            "shift": layer.shift.value,
            "mean": layer.running_mean,
            "variance": layer.running_variance,
        }
        constants = [self.constant(f"{name}/{key}", value) for key, value in values.items()]
        return self.node("BatchNormalization", name, [x, *constants], epsilon=layer.epsilon)


def to_onnx(network: Network) -> onnx.ModelProto:
    """Write the network, with a Softmax at its end, as a checked ONNX model for one image."""
    graph = _Graph()
    x = graph.convolution("block1/conv", "image", network.stem)
    x = graph.batch_normalization("block1/norm", x, network.norm)
    x = graph.node("Relu", "block1/relu", [x])
    x = graph.convolution("block2/depthwise", x, network.depthwise, group=16)
    limits = [graph.constant("block2/relu6/low", 0), graph.constant("block2/relu6/high", 6)]
    x = graph.node("Clip", "block2/relu6", [x, *limits])
    x = graph.convolution("block2/pointwise", x, network.pointwise)
    x = graph.node("Relu", "block2/relu", [x])
    shortcut = graph.node("MaxPool", "block2/pool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = graph.convolution("block3/conv", shortcut, network.body)
    x = graph.node("Add", "block3/add", [shortcut, x])
    x = graph.node("Relu", "block3/relu", [x])
    x = graph.node("AveragePool", "head/pool", [x], kernel_shape=[2, 2], strides=[2, 2])
    x = graph.node("Flatten", "head/flatten", [x])
    weight = graph.constant("head/dense/weight", network.classifier.weight.value)
    bias = graph.constant("head/dense/bias", network.classifier.bias.value)
    x = graph.node("Gemm", "head/dense", [x, weight, bias], transB=1)
    graph.nodes.append(helper.make_node("Softmax", [x], ["probabilities"], name="head/softmax", axis=1))

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 1, 8, 8])
    probabilities = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [1, 10])
    model = helper.make_model(
        helper.make_graph(graph.nodes, "digits", [image], [probabilities], graph.initializers),
        opset_imports=[helper.make_opsetid("", OPSET)],
        producer_name="tpukit examples.digits",
    )
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model, full_check=True)
    return model
