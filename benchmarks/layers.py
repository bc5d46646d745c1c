"""Layer shapes of the networks that size the machine, computed from their architectures (no model file is read)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from examples.networks.mobilenet_v2 import MOBILENET_V2_SETTINGS

RESNET50_MACS = 4_089_184_256
"""Multiply-accumulates of ResNet-50's 53 convolutions and its fully connected layer (224x224, batch 1)."""


class Kind(StrEnum):
    """What a layer computes, as far as the machine's engines differ."""

    CONVOLUTION = "convolution"
    DEPTHWISE = "depthwise"
    PRODUCT = "product"
    RUNTIME_PRODUCT = "run-time product"
    MAX_POOL = "max pool"
    AVERAGE_POOL = "average pool"
    SOFTMAX = "softmax"
    LAYER_NORM = "layer norm"


MATRIX_KINDS = frozenset({Kind.CONVOLUTION, Kind.PRODUCT, Kind.RUNTIME_PRODUCT})
"""Kinds that run on the systolic array; the others run on the vector engine."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; a product of [M, C] by [C, K] is a 1x1 convolution of height M and width 1.

    Attributes:
        name: its name in the tables.
        kind: what it computes.
        height: rows of the input.
        width: columns of the input.
        channels: channels of the input (the reduction of a product).
        outputs: channels of the output.
        kernel: side of the square kernel.
        stride: in both directions.
        padding: on all four sides.
        residual: a second operand of the output's shape is added in the drain.
        copies: how often the layer is done with other operands (attention heads).
        packed: kernel positions are packed into the array's rows (a network's first layer).
    """

    name: str
    kind: Kind
    height: int
    width: int
    channels: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    residual: bool = False
    copies: int = 1
    packed: bool = False

    @property
    def out_height(self) -> int:
        """Rows of the output."""
        return (self.height + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Columns of the output."""
        return (self.width + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer; 0 for pooling, softmax and normalisation."""
        positions = self.copies * self.out_height * self.out_width * self.kernel**2
        if self.kind is Kind.DEPTHWISE:
            return positions * self.channels
        return positions * self.channels * self.outputs if self.kind in MATRIX_KINDS else 0


def resnet50() -> list[Layer]:
    """Return ResNet-50 (stride in the 3x3 convolution), residual additions fused in the drain of each block's last."""
    layers = [
        Layer("conv1", Kind.CONVOLUTION, 224, 224, 3, 64, kernel=7, stride=2, padding=3, packed=True),
        Layer("maxpool", Kind.MAX_POOL, 112, 112, 64, 64, kernel=3, stride=2, padding=1),
    ]
    side, channels = 56, 64
    for stage, (width, blocks) in enumerate(((64, 3), (128, 4), (256, 6), (512, 3)), start=1):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            layers += _bottleneck(f"layer{stage}.{block}", side, channels, width, stride, projected=block == 0)
            side, channels = side // stride, 4 * width
    layers += [
        Layer("avgpool", Kind.AVERAGE_POOL, side, side, channels, channels, kernel=side),
        Layer("fc", Kind.PRODUCT, 1, 1, channels, 1000),
    ]
    return layers


def _bottleneck(name: str, side: int, channels: int, width: int, stride: int, projected: bool) -> Iterator[Layer]:
    yield Layer(f"{name}.conv1", Kind.CONVOLUTION, side, side, channels, width)
    yield Layer(f"{name}.conv2", Kind.CONVOLUTION, side, side, width, width, kernel=3, stride=stride, padding=1)
    if projected:
        yield Layer(f"{name}.downsample", Kind.CONVOLUTION, side, side, channels, 4 * width, stride=stride)
    reduced = side // stride
    yield Layer(f"{name}.conv3", Kind.CONVOLUTION, reduced, reduced, width, 4 * width, residual=True)


def mobilenet_v2() -> list[Layer]:
    """Return MobileNetV2 1.0 at 224x224; residual additions are fused in the drain of the projections."""
    layers = [Layer("conv1", Kind.CONVOLUTION, 224, 224, 3, 32, kernel=3, stride=2, padding=1, packed=True)]
    side, channels, index = 112, 32, 0
    for expansion, outputs, repeats, first_stride in MOBILENET_V2_SETTINGS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            layers += _inverted_residual(f"block{index}", side, channels, outputs, expansion, stride)
            side, channels, index = side // stride, outputs, index + 1
    layers += [
        Layer("conv_last", Kind.CONVOLUTION, side, side, channels, 1280),
        Layer("avgpool", Kind.AVERAGE_POOL, side, side, 1280, 1280, kernel=side),
        Layer("fc", Kind.PRODUCT, 1, 1, 1280, 1000),
    ]
    return layers


def _inverted_residual(
    name: str, side: int, channels: int, outputs: int, expansion: int, stride: int
) -> Iterator[Layer]:
    hidden = channels * expansion
    if expansion > 1:
        yield Layer(f"{name}.expand", Kind.CONVOLUTION, side, side, channels, hidden)
    yield Layer(f"{name}.depthwise", Kind.DEPTHWISE, side, side, hidden, hidden, kernel=3, stride=stride, padding=1)
    reduced = side // stride
    residual = stride == 1 and channels == outputs
    yield Layer(f"{name}.project", Kind.CONVOLUTION, reduced, reduced, hidden, outputs, residual=residual)


def transformer_block(sequence: int = 128, width: int = 768, heads: int = 12, hidden: int = 3072) -> list[Layer]:
    """Return one encoder block; the table of the activation function and the additions are fused in the drains."""
    head = width // heads
    return [
        *(Layer(name, Kind.PRODUCT, sequence, 1, width, width) for name in ("query", "key", "value")),
        Layer("scores", Kind.RUNTIME_PRODUCT, sequence, 1, head, sequence, copies=heads),
        Layer("softmax", Kind.SOFTMAX, heads * sequence, 1, sequence, sequence),
        Layer("context", Kind.RUNTIME_PRODUCT, sequence, 1, sequence, head, copies=heads),
        Layer("output", Kind.PRODUCT, sequence, 1, width, width, residual=True),
        Layer("norm1", Kind.LAYER_NORM, sequence, 1, width, width),
        Layer("mlp.up", Kind.PRODUCT, sequence, 1, width, hidden),
        Layer("mlp.down", Kind.PRODUCT, sequence, 1, hidden, width, residual=True),
        Layer("norm2", Kind.LAYER_NORM, sequence, 1, width, width),
    ]


NETWORKS: dict[str, Callable[[], list[Layer]]] = {
    "resnet50": resnet50,
    "mobilenet_v2": mobilenet_v2,
    "transformer_block": transformer_block,
}
"""The networks that size the machine."""
