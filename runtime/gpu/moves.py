"""The operators that only move values, of any type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
import torch.nn.functional as functional
from torch import Tensor

from compiler.gather import gather_indices
from compiler.graph import Node, Op
from compiler.quantizer.parameters import pad_value
from runtime.gpu.setup import Setup, Step


def _reshape(setup: Setup, node: Node) -> Step:
    shape = node.integers("shape")
    return lambda operands: operands[0].reshape(-1, *shape[1:]) if shape else operands[0].reshape(())


def _concat(setup: Setup, node: Node) -> Step:
    axis = node.integer("axis")
    return setup.with_constants(node, lambda *operands: torch.cat(operands, axis))


def _slice(setup: Setup, node: Node) -> Step:
    """Axis 0 is left alone where all of it is taken: there may be any number of samples."""
    ends = (node.integers(each) for each in ("starts", "stops", "steps"))
    limits = [slice(*limit) for limit in zip(*ends, strict=True)]
    first = limits[0]
    if (first.start, first.stop, first.step) == (0, setup.graph.tensors[node.inputs[0]].shape[0], 1):
        limits[0] = slice(None)
    return setup.with_constants(node, lambda x: x[tuple(limits)])


def _pad(setup: Setup, node: Node) -> Step:
    pads, rank = node.integers("pads"), len(setup.graph.tensors[node.inputs[0]].shape)
    widths = [pads[side * rank + axis] for axis in reversed(range(rank)) for side in (0, 1)]
    quantized = setup.graph.tensors[node.output].dtype == "int8"
    value = pad_value(setup.graph, node) if quantized else setup.number(node.number("value"))
    return setup.with_constants(node, lambda x: functional.pad(x, widths, value=value))


def _transpose(setup: Setup, node: Node) -> Step:
    return setup.with_constants(node, lambda x: x.permute(node.integers("permutation")))


def _gather(setup: Setup, node: Node) -> Step:
    shape = setup.graph.tensors[node.inputs[0]].shape
    chosen = {
        axis: torch.tensor(indices, device=setup.device)
        for axis, indices in enumerate(gather_indices(node), start=1) if indices != tuple(range(shape[axis]))
    }

    def gather(x: Tensor) -> Tensor:
        for axis, indices in chosen.items():
            x = x.index_select(axis, indices)
        return x

    return setup.with_constants(node, gather)


def _interleave(setup: Setup, node: Node) -> Step:
    rows, columns = node.integers("factors")
    shape = setup.graph.tensors[node.output].shape

    def interleave(*operands: Tensor) -> Tensor:
        y = operands[0].new_empty((len(operands[0]), *shape[1:]))
        for index, x in enumerate(operands):
            part = y[:, :, index // columns :: rows, index % columns :: columns]
            part.copy_(x[:, :, : part.shape[2], : part.shape[3]])
        return y

    return setup.with_constants(node, interleave)


MOVES: Mapping[Op, Callable[[Setup, Node], Step]] = {
    Op.RESHAPE: _reshape,
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
    Op.PAD: _pad,
    Op.TRANSPOSE: _transpose,
    Op.GATHER: _gather,
    Op.INTERLEAVE: _interleave,
}


def first_operand(operands: Sequence[Tensor]) -> Tensor:
    """Return the only operand (the step of an identity)."""
    return operands[0]
