"""The operators of the quantized graph: int8, bit for bit what `runtime.reference` computes.

A zero point is taken out of a product's sums through the bias: sum((x - z) w) = sum(x w) - z sum(w), modulo 2**32. What
lies beyond an image's edge is filled with the zero point, so that the same holds there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from compiler.graph import Node, Op
from compiler.quantizer.parameters import (
    AffineParameters,
    add_parameters,
    affine_parameters,
    average_parameters,
    product_parameters,
)
from machine.numerics import INT8_MIN, Int32Array, Int64Array
from runtime.gpu.arithmetic import (
    Finisher,
    Scaler,
    add_scalers,
    clamp_int8,
    dequantize,
    integers,
    quantize,
    scaler_of,
    wrap32,
)
from runtime.gpu.moves import MOVES
from runtime.gpu.products import product_with
from runtime.gpu.setup import Setup, Step, window_of, windows

INT32_TAPS = 1 << 16
"""Taps of 9-bit by 8-bit products whose sum is sure to stay within int32."""


def _conv2d(setup: Setup, node: Node) -> Step:
    p = affine_parameters(setup.graph, node)
    if p.weight.shape[1] == 1 and node.integer("groups") > 1:
        return _depthwise(setup, node, p)
    strides, dilations, pads = window_of(node)
    out, groups = setup.graph.tensors[node.output].shape, node.integer("groups")
    kernel, channels = p.weight.shape[2:], p.weight.shape[1]
    finish = _finisher(setup, p, -p.input_zero_point * _row_sums(p), (-1,))
    products = [product_with(part.reshape(len(part), -1)) for part in setup.upload(p.weight).chunk(groups)]

    def convolve(operands: Sequence[Tensor]) -> Tensor:
        seen = windows(functional.pad(operands[0], pads, value=p.input_zero_point), kernel, strides, dilations, out[2:])
        columns = (part.permute(0, 4, 5, 1, 2, 3).reshape(-1, channels * kernel[0] * kernel[1])
                   for part in torch.split(seen, channels, 1))
        sums = torch.cat([product(column) for product, column in zip(products, columns, strict=True)], 1)
        return finish(sums).reshape(-1, *out[2:], out[1]).permute(0, 3, 1, 2).contiguous()

    return convolve


def _depthwise(setup: Setup, node: Node, p: AffineParameters) -> Step:
    """One input channel for each group: tap by tap, since a product of matrices would be one of vectors."""
    strides, dilations, pads = window_of(node)
    out, kernel = setup.graph.tensors[node.output].shape, p.weight.shape[2:]
    dtype = torch.int32 if kernel[0] * kernel[1] < INT32_TAPS else torch.int64
    groups = node.integer("groups")
    weight = setup.upload(p.weight).to(dtype).reshape(groups, -1, *kernel, 1, 1)
    finish = _finisher(setup, p, np.zeros_like(p.bias), (-1, 1, 1))

    def convolve(operands: Sequence[Tensor]) -> Tensor:
        centred = functional.pad(operands[0].to(dtype) - p.input_zero_point, pads)
        seen = windows(centred, kernel, strides, dilations, out[2:])[:, :, None]
        total = torch.zeros((), dtype=dtype, device=setup.device)
        for row, column in np.ndindex(*kernel):
            total = total + seen[:, :, :, row, column] * weight[:, :, row, column]
        return finish(total.reshape(-1, *out[1:]))

    return convolve


def _dense(setup: Setup, node: Node) -> Step:
    p = affine_parameters(setup.graph, node)
    finish = _finisher(setup, p, -p.input_zero_point * _row_sums(p), (-1,))
    product = product_with(setup.upload(p.weight))
    return lambda operands: finish(product(operands[0]))


def _row_sums(p: AffineParameters) -> Int64Array:
    sums: Int64Array = p.weight.reshape(len(p.weight), -1).sum(axis=1, dtype=np.int64)
    return sums


def _finisher(
    setup: Setup, p: AffineParameters, more_bias: Int64Array | Int32Array, shape: tuple[int, ...]
) -> Finisher:
    scaler = Scaler(*(integers(values, setup.device, *shape) for values in (p.multiplier, p.left, p.right)))
    bias = integers(p.bias.astype(np.int64) + more_bias, setup.device, *shape)
    return Finisher(bias, scaler, p.output_zero_point, p.low, p.high)


def _add(setup: Setup, node: Node) -> Step:
    p = add_parameters(setup.graph, node)
    scale_a, scale_b, scale_out = add_scalers(p.rescale, setup.device)
    sign = -1 if node.op is Op.SUB else 1

    def add(a: Tensor, b: Tensor) -> Tensor:
        left = scale_a(a.to(torch.int64) - p.a_zero_point)
        right = scale_b(b.to(torch.int64) - p.b_zero_point)
        total = scale_out(wrap32(left + sign * right))
        return clamp_int8(wrap32(total + p.output_zero_point), p.low, p.high)

    return setup.with_constants(node, add)


def _mul(setup: Setup, node: Node) -> Step:
    p = product_parameters(setup.graph, node)
    bias = torch.zeros((), dtype=torch.int64, device=setup.device)
    finish = Finisher(bias, scaler_of(p.rescale, setup.device), p.output_zero_point, p.low, p.high)

    def multiply(a: Tensor, b: Tensor) -> Tensor:
        return finish((a.to(torch.int32) - p.a_zero_point) * (b.to(torch.int32) - p.b_zero_point))

    return setup.with_constants(node, multiply)


def _table(setup: Setup, node: Node) -> Step:
    entries = setup.constant(node.inputs[1])
    return lambda operands: entries[operands[0].view(torch.uint8).to(torch.int64)]


def _max_pool(setup: Setup, node: Node) -> Step:
    kernel, (strides, dilations, pads) = node.integers("kernel"), window_of(node)
    out = setup.graph.tensors[node.output].shape[2:]

    def pool(operands: Sequence[Tensor]) -> Tensor:
        padded = functional.pad(operands[0], pads, value=INT8_MIN)
        return windows(padded, kernel, strides, dilations, out).amax(dim=(2, 3))

    return pool


def _average_pool(setup: Setup, node: Node) -> Step:
    p = average_parameters(setup.graph, node)
    kernel, (strides, dilations, pads) = node.integers("kernel"), window_of(node)
    out = setup.graph.tensors[node.output].shape[2:]
    scaler = Scaler(*(integers(values, setup.device) for values in (p.multiplier, p.left, p.right)))
    bias = torch.zeros((), dtype=torch.int64, device=setup.device)
    finish = Finisher(bias, scaler, p.output_zero_point, p.low, p.high)

    def pool(operands: Sequence[Tensor]) -> Tensor:
        centred = functional.pad(operands[0].to(torch.int16) - p.input_zero_point, pads)
        return finish(windows(centred, kernel, strides, dilations, out).sum(dim=(2, 3), dtype=torch.int64))

    return pool


def _quantize(setup: Setup, node: Node) -> Step:
    y = setup.graph.tensors[node.output]
    return lambda operands: quantize(operands[0], y.scale, y.zero_point)


def _dequantize(setup: Setup, node: Node) -> Step:
    x = setup.graph.tensors[node.inputs[0]]
    return lambda operands: dequantize(operands[0], x.scale, x.zero_point)


INTEGER: Mapping[Op, Callable[[Setup, Node], Step]] = {
    **MOVES,
    Op.CONV2D: _conv2d,
    Op.DENSE: _dense,
    Op.ADD: _add,
    Op.SUB: _add,
    Op.MUL: _mul,
    Op.TABLE: _table,
    Op.MAX_POOL: _max_pool,
    Op.AVERAGE_POOL: _average_pool,
    Op.QUANTIZE: _quantize,
    Op.DEQUANTIZE: _dequantize,
}
"""Every operator of a quantized graph but those that the host executes in float."""
