"""MobileNetV2 1.0 (Sandler et al., "Inverted residuals and linear bottlenecks", 2018), named as torchvision's."""

from __future__ import annotations

import onnx

from examples.networks.builder import INPUT, ModelBuilder

MOBILENET_V2_SETTINGS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, output channels, repeats and first stride of each stage."""


def mobilenet_v2_model(size: int = 224, classes: int = 1000) -> onnx.ModelProto:
    """Return MobileNetV2: float32[1, 3, size, size] to `classes` scores."""
    net = ModelBuilder("mobilenet_v2", (1, 3, size, size))
    with net.within("features"):
        x, channels, index = _convolution(net, INPUT, "features.0", 32, 3, 2), 32, 1
        for expansion, outputs, repeats, first_stride in MOBILENET_V2_SETTINGS:
            for repeat in range(repeats):
                with net.within(f"features.{index}"):
                    x = _inverted_residual(net, x, channels, outputs, expansion, 1 if repeat else first_stride)
                channels, index = outputs, index + 1
        x = _convolution(net, x, f"features.{index}", 1280)
    x = net.flatten(net.average(x))
    with net.within("classifier"):
        return net.model(net.product(x, classes, module="classifier.1"))


def _inverted_residual(net: ModelBuilder, x: str, channels: int, outputs: int, expansion: int, stride: int) -> str:
    hidden, y = channels * expansion, x
    with net.within("conv"):
        if expansion != 1:
            y = _convolution(net, y, "conv.0", hidden)
        depthwise = 0 if expansion == 1 else 1
        y = _convolution(net, y, f"conv.{depthwise}", hidden, 3, stride, groups=hidden)
        y = net.convolution(y, outputs, module=f"conv.{depthwise + 1}")
    return net.add(x, y) if stride == 1 and channels == outputs else y


def _convolution(
    net: ModelBuilder, x: str, block: str, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1
) -> str:
    """Add a convolution and a rectifier that ends at 6, in a block of their own."""
    with net.within(block):
        y = net.convolution(x, outputs, kernel, stride, groups, module=f"{block}.0")
        return net.relu6(y, module=f"{block}.2")
