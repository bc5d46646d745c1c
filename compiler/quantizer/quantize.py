"""The quantize stage: a fused float graph and calibration data become an int8 graph.

Host nodes (`is_on_host`) stay as they are, in float32 or whatever type they work in. A tensor that crosses from one
side to the other is converted once for each direction, by a `quantize` or a `dequantize` node.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from compiler.expression import parse
from compiler.graph import BINARY, AttributeValue, Graph, Node, Op, Quantization, Tensor, is_on_host
from compiler.passes.base import ACTIVATED, unique_name
from compiler.passes.legality import verify_fused
from compiler.quantizer.bias_correction import correct_biases
from compiler.quantizer.calibration import AnyArray, CalibrationSource, Ranges, load_samples
from compiler.quantizer.equalize import equalize
from compiler.quantizer.functions import quantize_constant, table_of
from compiler.quantizer.options import DEFAULT_OPTIONS, QuantizationOptions
from compiler.quantizer.ranges import choose_ranges
from compiler.quantizer.scheme import activation_quantization, quantize_weights, quantized_bound
from compiler.quantizer.ties import separate_narrow_inputs, tied_quantizations
from machine.numerics import INT8_MAX, INT8_MIN


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """A float graph ready to be quantized: equalised and corrected where asked, with its samples and ranges."""

    graph: Graph
    samples: Mapping[str, AnyArray]
    ranges: Ranges


def calibrate(
    graph: Graph, calibration: CalibrationSource, options: QuantizationOptions = DEFAULT_OPTIONS
) -> Calibrated:
    """Do all that comes before rounding.

    Raises:
        DataError: the calibration data does not fit.
        ModelError: the graph is not a fused float graph.
    """
    verify_fused(graph)
    samples = load_samples(graph, calibration)
    if options.equalize:
        graph = equalize(graph)
    ranges = choose_ranges(graph, samples, options)
    if options.bias_correction:
        graph = correct_biases(graph, samples, tied_quantizations(graph, ranges))
    return Calibrated(graph, samples, ranges)


def quantize(
    graph: Graph, calibration: CalibrationSource, options: QuantizationOptions = DEFAULT_OPTIONS
) -> Graph:
    """Return the quantized graph of a fused float graph.

    The calibration data is an npz file's path or a dict: for each graph input, an array [samples, ...].

    Raises:
        DataError: the calibration data does not fit.
        ModelError: the graph is not a fused float graph.
    """
    made = calibrate(graph, calibration, options)
    return quantize_with_ranges(made.graph, made.ranges)


def quantize_with_ranges(graph: Graph, ranges: Ranges) -> Graph:
    """Return the quantized graph of a fused float graph whose activations take the given ranges."""
    graph, ranges = separate_narrow_inputs(graph, ranges)
    builder = _Builder(graph, tied_quantizations(graph, ranges))
    for name in graph.inputs:
        builder.tensors[name] = graph.tensors[name]
        builder.quantize(name)
    for node in graph.nodes():
        builder.convert(node)
    for name in graph.outputs:
        builder.dequantize(name)
    return Graph.build(builder.nodes, builder.tensors.values(), graph.inputs, graph.outputs)


@dataclass
class _Builder:
    """The quantized graph under construction."""

    graph: Graph
    quantizations: Mapping[str, Quantization]
    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    integer: dict[str, str] = field(default_factory=dict)
    """The int8 tensor that stands for each float activation."""

    def __post_init__(self) -> None:
        """Name the int8 tensors; a float tensor that remains keeps its name, its int8 twin gets another."""
        in_float = {*self.graph.inputs, *self.graph.outputs}
        for node in self.graph.nodes():
            if is_on_host(node):
                in_float |= {*node.inputs, *node.outputs}
        taken = dict.fromkeys(self.graph.tensors)
        for name, quantization in self.quantizations.items():
            twin = unique_name(f"{name}_quantized", taken) if name in in_float else name
            taken[twin] = None
            self.integer[name] = twin
            self.tensors[twin] = Tensor(twin, self.graph.tensors[name].shape, "int8", quantization)

    def quantize(self, name: str) -> None:
        """Add the host node that writes the int8 twin of a float tensor, where an accelerator node reads it."""
        if name in self.integer:
            self._add(self._host_name(f"quantize_{name}"), Op.QUANTIZE, (name,), self.integer[name])

    def dequantize(self, name: str) -> None:
        """Add the host node that writes a float tensor from its int8 twin, once, where the host does not make it."""
        if name in self.integer and name not in self.tensors:
            self.tensors[name] = self.graph.tensors[name]
            self._add(self._host_name(f"dequantize_{name}"), Op.DEQUANTIZE, (self.integer[name],), name)

    def convert(self, node: Node) -> None:
        """Add the quantized form of a node of the float graph, or a host node as it is, between conversions."""
        if is_on_host(node):
            for name in node.inputs:
                self.dequantize(name)
            self.tensors |= {name: self.graph.tensors[name] for name in (*node.inputs, *node.outputs)}
            self.nodes.append(node)
            for name in node.outputs:
                self.quantize(name)
            return
        if node.op is Op.FUNCTION:
            self._function(node)
            return
        inputs = [self.integer[name] for name in node.inputs if name in self.integer]
        if node.op in BINARY:
            inputs = [self.integer[name] if name in self.integer else self._operand(node, name) for name in node.inputs]
        if node.op in (Op.CONV2D, Op.DENSE):
            inputs += self._weights(node)
        attributes = dict(node.attributes)
        if node.op in ACTIVATED:
            attributes |= self._activation(node)
        self._add(node.name, node.op, tuple(inputs), self.integer[node.output], attributes)

    def _function(self, node: Node) -> None:
        """Add a look-up in the table of a function."""
        source, target = self.quantizations[node.inputs[0]], self.quantizations[node.output]
        table = table_of(parse(node.text("expression")), source, target)
        name = unique_name(f"{node.name}_table", self.graph.tensors | self.tensors)
        self.tensors[name] = Tensor.constant(name, table)
        inputs = (self.integer[node.inputs[0]], name)
        self._add(node.name, Op.TABLE, inputs, self.integer[node.output], node.attributes)

    def _operand(self, node: Node, constant: str) -> str:
        """Add a constant operand with a quantization of its own, and return its name."""
        data = self.graph.tensors[constant].array
        quantization = activation_quantization(float(data.min()), float(data.max()))
        name = unique_name(f"{node.name}_operand_quantized", self.graph.tensors | self.tensors)
        self.tensors[name] = Tensor.constant(name, quantize_constant(data, quantization), quantization)
        return name

    def _weights(self, node: Node) -> list[str]:
        weight, bias = (self.graph.tensors[name].array for name in node.inputs[1:])
        x_scale, y_scale = (self.quantizations[name].scale[0] for name in (node.inputs[0], node.output))
        made = quantize_weights(weight, bias, x_scale, y_scale)
        bias_scales = tuple(x_scale * scale for scale in made.scales)
        taken = self.graph.tensors | self.tensors
        names = [unique_name(f"{node.name}_{role}_quantized", taken) for role in ("weight", "bias")]
        for name, data, scales in zip(names, (made.weight, made.bias), (made.scales, bias_scales), strict=True):
            self.tensors[name] = Tensor.constant(name, np.ascontiguousarray(data), Quantization(scales, 0, 0))
        return names

    def _activation(self, node: Node) -> dict[str, AttributeValue]:
        quantization = self.quantizations[node.output]
        low, high = (
            node.number(name) if name in node.attributes else None for name in ("activation_min", "activation_max")
        )
        return {
            "activation_min": quantized_bound(low, quantization, INT8_MIN),
            "activation_max": quantized_bound(high, quantization, INT8_MAX),
        }

    def _add(
        self,
        name: str,
        op: Op,
        inputs: tuple[str, ...],
        output: str,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None:
        self.nodes.append(Node(name, op, inputs, (output,), attributes or {}))

    def _host_name(self, wanted: str) -> str:
        return unique_name(wanted, {node.name for node in (*self.nodes, *self.graph.nodes())})
