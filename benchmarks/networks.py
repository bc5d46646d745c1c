"""Networks made on the spot for measurements, with seeded random weights: `examples/networks`, others, layers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from examples.networks.builder import INPUT, ModelBuilder
from examples.networks.mobilenet_v2 import mobilenet_v2_model
from examples.networks.resnet50 import resnet50_model
from machine.config import Machine
from machine.program import Program
from runtime.compile import compile_program

FloatArray = npt.NDArray[np.float32]


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
    x = net.hard_swish(net.product(net.flatten(net.average(x)), 1024))
    return net.model(net.product(x, classes))


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
