"""The operators of the float graph, in float32 or float16."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from compiler.expression import parse
from compiler.graph import Node, Op
from compiler.quantizer.parameters import window_counts
from runtime.gpu.functions import evaluate
from runtime.gpu.moves import MOVES, first_operand
from runtime.gpu.setup import Setup, Step, window_of, windows


def _conv2d(setup: Setup, node: Node) -> Step:
    strides, dilations, pads = window_of(node)
    groups, clamp = node.integer("groups"), _clamp(setup, node, "activation_min", "activation_max")

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return clamp(functional.conv2d(_padded(x, pads), weight, bias, strides, 0, dilations, groups))

    return setup.with_constants(node, convolve)


def _padded(x: Tensor, pads: tuple[int, int, int, int], value: float = 0.0) -> Tensor:
    return functional.pad(x, pads, value=value) if any(pads) else x


def _conv_transpose2d(setup: Setup, node: Node) -> Step:
    """The whole output, without padding, is cropped or made longer by its padding."""
    strides, dilations, (left, right, top, bottom) = window_of(node)
    groups, extra = node.integer("groups"), node.integers("output_padding")
    edges = (-left, extra[1] - right, -top, extra[0] - bottom)

    def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        grouped = weight.reshape(groups, -1, *weight.shape[1:]).transpose(1, 2)
        split = grouped.reshape(-1, len(weight) // groups, *weight.shape[2:])
        whole = functional.conv_transpose2d(x, split, None, strides, 0, 0, groups, dilations)
        y = functional.pad(whole, edges)
        return y if bias is None else y + bias.reshape(-1, 1, 1)

    return setup.with_constants(node, convolve)


def _dense(setup: Setup, node: Node) -> Step:
    clamp = _clamp(setup, node, "activation_min", "activation_max")

    def multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return clamp(functional.linear(x, weight, bias))

    return setup.with_constants(node, multiply)


def _binary(compute: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Setup, Node], Step]:
    def prepare(setup: Setup, node: Node) -> Step:
        clamp = _clamp(setup, node, "activation_min", "activation_max")
        return setup.with_constants(node, lambda a, b: clamp(compute(a, b)))

    return prepare


def _clamp(setup: Setup, node: Node, low: str, high: str) -> Callable[[Tensor], Tensor]:
    """Return the clamp that a node's attributes ask for, each bound where it is given."""
    bounds = [setup.number(node.number(name)) if name in node.attributes else None for name in (low, high)]
    return (lambda y: y) if bounds == [None, None] else (lambda y: y.clamp(*bounds))


def _clip(setup: Setup, node: Node) -> Step:
    clamp = _clamp(setup, node, "min", "max")
    return setup.with_constants(node, clamp)


def _max_pool(setup: Setup, node: Node) -> Step:
    kernel, (strides, dilations, pads) = node.integers("kernel"), window_of(node)

    def pool(x: Tensor) -> Tensor:
        return functional.max_pool2d(_padded(x, pads, -torch.inf), kernel, strides, 0, dilations)

    return setup.with_constants(node, pool)


def _average_pool(setup: Setup, node: Node) -> Step:
    kernel, (strides, dilations, pads) = node.integers("kernel"), window_of(node)
    x, y = (setup.graph.tensors[name] for name in (node.inputs[0], node.output))
    counts = window_counts(node, x, y)
    area = kernel[0] * kernel[1]
    share = None if (counts == area).all() else setup.upload((area / counts).astype(np.float32))

    def pool(x: Tensor) -> Tensor:
        padded = _padded(x, pads)
        if dilations == (1, 1):
            mean = functional.avg_pool2d(padded, kernel, strides)
        else:
            mean = windows(padded, kernel, strides, dilations, y.shape[2:]).mean(dim=(2, 3))
        return mean if share is None else mean * share

    return setup.with_constants(node, pool)


def _function(setup: Setup, node: Node) -> Step:
    expression = parse(node.text("expression"))
    return setup.with_constants(node, lambda x: evaluate(expression, x).expand_as(x))


def _softmax(setup: Setup, node: Node) -> Step:
    compute = functional.log_softmax if node.integer("log") else functional.softmax
    return setup.with_constants(node, lambda x: compute(x, node.integer("axis")))


def _batch_normalization(setup: Setup, node: Node) -> Step:
    def normalize(x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
        return functional.batch_norm(x, mean, variance, scale, bias, eps=node.number("epsilon"))

    return setup.with_constants(node, normalize)


FLOAT: Mapping[Op, Callable[[Setup, Node], Step]] = {
    **MOVES,
    Op.CONV2D: _conv2d,
    Op.CONV_TRANSPOSE2D: _conv_transpose2d,
    Op.DENSE: _dense,
    Op.ADD: _binary(torch.add),
    Op.SUB: _binary(torch.sub),
    Op.MUL: _binary(torch.mul),
    Op.FUNCTION: _function,
    Op.MAX_POOL: _max_pool,
    Op.AVERAGE_POOL: _average_pool,
    Op.GLOBAL_AVERAGE_POOL: lambda setup, node: setup.with_constants(node, lambda x: x.mean((2, 3), keepdim=True)),
    Op.SOFTMAX: _softmax,
    Op.RELU: lambda setup, node: setup.with_constants(node, torch.relu),
    Op.CLIP: _clip,
    Op.IDENTITY: lambda setup, node: first_operand,
    Op.BATCH_NORMALIZATION: _batch_normalization,
}
"""Every operator of a float graph but `onnx`, which the host executes."""
