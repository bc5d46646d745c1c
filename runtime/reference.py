"""The reference backend: the quantized graph in plain NumPy integers, obvious rather than fast.

It shares nothing with the simulator but `machine.numerics` and, in `runtime.host`, the nodes that the host
executes on either. Sums are int64 and wrapped to int32 at the end, which is the same as wrapping at every step. The
only loops are over nodes, groups and kernel positions. Products of matrices are done in double precision, which is
exact (`exact_product`), because NumPy multiplies integer matrices some twenty times more slowly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.gather import gather_indices
from compiler.graph import BINARY, Graph, Node, Op, is_on_host
from compiler.importer.float_session import samples_of, take_samples
from compiler.quantizer.parameters import (
    add_parameters,
    affine_parameters,
    average_parameters,
    pad_value,
    product_parameters,
)
from machine import numerics
from machine.errors import DataError
from machine.numerics import INT8_MIN, FloatArray, Int8Array, Int32Array
from runtime.host import execute_on_host

AnyArray = npt.NDArray[Any]
BATCH = 64
"""Samples executed together: more would need memory that the caches do not hold."""
OPERAND_LIMIT = 255
"""Largest magnitude of an int8 value less its zero point."""


class ReferenceBackend:
    """Executes a quantized graph. Arrays hold any number of samples (see `compiler.importer.float_session`)."""

    def run(
        self, graph: Graph, inputs: Mapping[str, FloatArray], names: Sequence[str] | None = None
    ) -> dict[str, AnyArray]:
        """Run the whole graph, host nodes included: inputs by name -> outputs, or the named tensors, by name.

        Raises:
            DataError: an input is missing, unknown, or of another shape.
        """
        samples = _check_inputs(graph, inputs)
        wanted = graph.outputs if names is None else names
        parts = []
        for start in range(0, samples, BATCH):
            stop = start + BATCH
            chunk = {name: take_samples(graph, name, np.asarray(a), start, stop) for name, a in inputs.items()}
            values = _execute(graph, chunk, integers_only=False)
            parts.append([values[name] for name in wanted])
        return {name: np.concatenate([part[i] for part in parts]) for i, name in enumerate(wanted)}

    def run_integers(
        self, graph: Graph, inputs: Mapping[str, Int8Array], all_tensors: bool = False
    ) -> dict[str, Int8Array]:
        """Run the int8 body: arrays for the outputs of `quantize` -> arrays for the inputs of `dequantize`.

        Where the graph has no host operators, its own inputs and outputs are the body's. With `all_tensors`, every
        int8 activation is returned, inputs included.

        Raises:
            DataError: an input of the body is missing, unknown, not int8, or of another shape.
        """
        expected = integer_inputs(graph)
        if set(inputs) != set(expected):
            raise DataError(f"int8 inputs must be {list(expected)}, got {sorted(inputs)}")
        for name, array in inputs.items():
            if array.dtype != np.int8 or array.shape[1:] != graph.tensors[name].shape[1:]:
                raise DataError(f"input '{name}' must be int8 {list(graph.tensors[name].shape)}, got "
                                f"{array.dtype} {list(array.shape)}")
        values = _execute(graph, dict(inputs), integers_only=True)
        wanted = tuple(values) if all_tensors else integer_outputs(graph)
        return {name: values[name] for name in wanted}


def integer_inputs(graph: Graph) -> tuple[str, ...]:
    """Return the int8 tensors at which the body begins, in the order of the graph's nodes."""
    made = tuple(node.output for node in graph.nodes() if node.op is Op.QUANTIZE)
    return made + tuple(name for name in graph.inputs if graph.tensors[name].dtype == "int8")


def integer_outputs(graph: Graph) -> tuple[str, ...]:
    """Return the int8 tensors at which the body ends, each once, in the order of the graph's nodes."""
    read = [node.inputs[0] for node in graph.nodes() if node.op is Op.DEQUANTIZE]
    return tuple(dict.fromkeys(read + [name for name in graph.outputs if graph.tensors[name].dtype == "int8"]))


def _check_inputs(graph: Graph, inputs: Mapping[str, AnyArray]) -> int:
    if set(inputs) != set(graph.inputs):
        raise DataError(f"inputs must be {list(graph.inputs)}, got {sorted(inputs)}")
    counts = {samples_of(graph, name, np.asarray(array)) for name, array in inputs.items()}
    if len(counts) != 1 or 0 in counts:
        raise DataError(f"inputs must hold the same number of samples, at least one; got {sorted(counts)}")
    return counts.pop()


def _execute(graph: Graph, values: dict[str, AnyArray], integers_only: bool) -> dict[str, AnyArray]:
    for node in graph.nodes():
        if all(name in values for name in node.outputs) or (integers_only and is_on_host(node)):
            continue
        if is_on_host(node) or node.op is Op.RESHAPE:
            values |= execute_on_host(graph, node, values)
            continue
        operands = [values[name] for name in node.inputs if name in values]
        if node.op in BINARY:
            operands = [values[name] if name in values else graph.tensors[name].array for name in node.inputs]
        values[node.output] = EXECUTE[node.op](graph, node, operands)
    return values


def exact_product(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Multiply stacks of integer matrices, int64[..., m, k] @ int64[..., k, n], operands of magnitude 255 at most.

    It is done in double precision, for speed: every sum of a part of the k products, in any order, is an integer of at
    most k * 255**2, which double precision represents exactly below 2**53.

    Raises:
        OverflowError: k is so large that it would not.
    """
    if a.shape[-1] * OPERAND_LIMIT**2 >= 1 << 53:
        raise OverflowError(f"a sum of {a.shape[-1]} products is not exact in double precision")
    product: npt.NDArray[np.int64] = (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)
    return product


def _conv2d(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    p = affine_parameters(graph, node)
    weight = p.weight.astype(np.int64)
    x = _pad(node, operands[0].astype(np.int64) - p.input_zero_point, 0)
    out_shape = graph.tensors[node.output].shape
    groups = node.integer("groups")
    per_in, per_out = weight.shape[1], weight.shape[0] // groups
    grouped = weight.reshape(groups, per_out, per_in, *weight.shape[2:])
    acc = np.zeros((len(x), groups, per_out, out_shape[2] * out_shape[3]), np.int64)
    for row, column in np.ndindex(*weight.shape[2:]):
        tap = _window(node, x, row, column, out_shape).reshape(len(x), groups, per_in, -1)
        acc += exact_product(grouped[..., row, column], tap)
    bias, multiplier, left, right = (v.reshape(1, -1, 1, 1) for v in (p.bias, p.multiplier, p.left, p.right))
    flat = numerics.wrap32(acc.reshape(len(x), *out_shape[1:]))
    return numerics.finish(flat, bias, multiplier, left, right, p.output_zero_point, p.low, p.high)


def _dense(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    p = affine_parameters(graph, node)
    acc = exact_product(operands[0].astype(np.int64) - p.input_zero_point, p.weight.astype(np.int64).T)
    return numerics.finish(
        numerics.wrap32(acc), p.bias, p.multiplier, p.left, p.right, p.output_zero_point, p.low, p.high
    )


def _add(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    p = add_parameters(graph, node)
    a, b = operands
    return numerics.add(
        a, p.a_zero_point, b, p.b_zero_point, p.rescale, p.output_zero_point, p.low, p.high, node.op is Op.SUB
    )


def _mul(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    p = product_parameters(graph, node)
    a, b = operands
    product = (a.astype(np.int32) - p.a_zero_point) * (b.astype(np.int32) - p.b_zero_point)
    return numerics.finish(
        product, 0, p.rescale.multiplier, p.rescale.left, p.rescale.right, p.output_zero_point, p.low, p.high
    )


def _table(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    return numerics.look_up(operands[0], graph.tensors[node.inputs[1]].array)


def _max_pool(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    x = _pad(node, operands[0], INT8_MIN)
    out_shape = graph.tensors[node.output].shape
    best = np.full((len(x), *out_shape[1:]), INT8_MIN, np.int8)
    for row, column in np.ndindex(*node.integers("kernel")):
        best = np.maximum(best, _window(node, x, row, column, out_shape))
    return best


def _average_pool(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    p = average_parameters(graph, node)
    x = _pad(node, operands[0].astype(np.int64) - p.input_zero_point, 0)
    out_shape = graph.tensors[node.output].shape
    acc = np.zeros((len(x), *out_shape[1:]), np.int64)
    for row, column in np.ndindex(*node.integers("kernel")):
        acc += _window(node, x, row, column, out_shape)
    wrapped: Int32Array = numerics.wrap32(acc)
    return numerics.finish(wrapped, 0, p.multiplier, p.left, p.right, p.output_zero_point, p.low, p.high)


def _concat(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    return np.concatenate(operands, axis=node.integer("axis"))


def _slice(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    limits = zip(*(node.integers(name)[1:] for name in ("starts", "stops", "steps")), strict=True)
    return operands[0][:, *(slice(*limit) for limit in limits)]


def _constant_pad(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    pads, rank = node.integers("pads"), operands[0].ndim
    widths = [(pads[axis], pads[rank + axis]) for axis in range(rank)]
    return np.pad(operands[0], widths, constant_values=pad_value(graph, node))


def _gather(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    x = operands[0]
    for axis, indices in enumerate(gather_indices(node), start=1):
        x = x.take(indices, axis)
    return x


def _interleave(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    rows, columns = node.integers("factors")
    y = np.empty((len(operands[0]), *graph.tensors[node.output].shape[1:]), operands[0].dtype)
    for index, x in enumerate(operands):
        part = y[:, :, index // columns :: rows, index % columns :: columns]
        part[...] = x[:, :, : part.shape[2], : part.shape[3]]
    return y


def _transpose(graph: Graph, node: Node, operands: list[AnyArray]) -> AnyArray:
    return operands[0].transpose(node.integers("permutation"))


def _pad(node: Node, x: AnyArray, fill: int) -> AnyArray:
    top, left, bottom, right = node.integers("pads")
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)


def _window(node: Node, x: AnyArray, row: int, column: int, out_shape: tuple[int, ...]) -> AnyArray:
    """Return the padded input under kernel position (row, column), for every output position."""
    dilation = node.integers("dilations") if "dilations" in node.attributes else (1, 1)
    strides = node.integers("strides")
    first = (row * dilation[0], column * dilation[1])
    rows, columns = (
        slice(first[i], first[i] + (out_shape[2 + i] - 1) * strides[i] + 1, strides[i]) for i in (0, 1)
    )
    return x[:, :, rows, columns]


EXECUTE: Mapping[Op, Callable[[Graph, Node, list[AnyArray]], AnyArray]] = {
    Op.CONV2D: _conv2d,
    Op.DENSE: _dense,
    Op.ADD: _add,
    Op.SUB: _add,
    Op.MUL: _mul,
    Op.TABLE: _table,
    Op.MAX_POOL: _max_pool,
    Op.AVERAGE_POOL: _average_pool,
    Op.CONCAT: _concat,
    Op.SLICE: _slice,
    Op.PAD: _constant_pad,
    Op.TRANSPOSE: _transpose,
    Op.GATHER: _gather,
    Op.INTERLEAVE: _interleave,
}
"""The operators of the accelerator, reshape apart, which the host executes as well."""
