"""ResNet-50 (He et al., "Deep residual learning for image recognition", 2015), named as torchvision's."""

from __future__ import annotations

import onnx

from examples.networks.builder import INPUT, ModelBuilder

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Width and blocks of each stage; a block puts out four times its width."""


def resnet50_model(size: int = 224, classes: int = 1000) -> onnx.ModelProto:
    """Return ResNet-50 (stride in the 3x3 convolution): float32[1, 3, size, size] to `classes` scores."""
    net = ModelBuilder("resnet50", (1, 3, size, size))
    x = net.relu(net.convolution(INPUT, 64, 7, 2, module="conv1"), module="relu")
    x = net.max_pool(x, 3, 2, 1, module="maxpool")
    for stage, (width, blocks) in enumerate(STAGES, 1):
        for block in range(blocks):
            with net.within(f"layer{stage}", f"layer{stage}.{block}"):
                x = _bottleneck(net, x, width, stride=2 if stage > 1 and block == 0 else 1, projected=block == 0)
    return net.model(net.product(net.flatten(net.average(x, module="avgpool")), classes, module="fc"))


def _bottleneck(net: ModelBuilder, x: str, width: int, stride: int, projected: bool) -> str:
    y = net.relu(net.convolution(x, width, module="conv1"), module="relu")
    y = net.relu(net.convolution(y, width, 3, stride, module="conv2"), module="relu")
    y = net.convolution(y, 4 * width, module="conv3")
    if projected:
        with net.within("downsample"):
            x = net.convolution(x, 4 * width, stride=stride, module="downsample.0")
    return net.relu(net.add(y, x), module="relu")
