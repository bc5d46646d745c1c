"""Networks made on the spot for measurements: one convolution with seeded random weights, as an ONNX file's bytes."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from machine.config import Machine
from machine.program import Program
from runtime.compile import compile_program

INPUT = "x"


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


def compile_convolution(
    machine: Machine, channels: int, size: int, filters: int, kernel: int, stride: int = 1
) -> Program:
    """Compile such a convolution with random calibration data (its accuracy means nothing, its time does)."""
    model = convolution_model(channels, size, filters, kernel, stride)
    samples = np.random.default_rng(1).normal(size=(2, channels, size, size)).astype(np.float32)
    name = f"conv {kernel}x{kernel}, {size}x{size}, {channels} to {filters}, stride {stride}"
    return compile_program(model.SerializeToString(), machine, {INPUT: samples}, source=name)
