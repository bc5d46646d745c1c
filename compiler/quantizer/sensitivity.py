"""Sensitivity of the outputs to each layer: one layer at a time is quantized, and everything else stays float.

A layer here is a graph input, or a node whose output takes a quantization of its own. Its weights and bias are
rounded, and its output is rounded and clipped; the figure is the signal to quantization noise ratio at the graph's
outputs. Layers with the lowest ratios are those that cost the network its accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.expression import X, call, to_text
from compiler.graph import Graph, Node, Op, Quantization, Tensor, is_on_host
from compiler.importer.float_session import FloatSession, take_samples
from compiler.passes.base import unique_name
from compiler.passes.legality import KEEP_QUANTIZATION
from compiler.quantizer.calibration import CalibrationSource, number_of_samples
from compiler.quantizer.options import DEFAULT_OPTIONS, QuantizationOptions
from compiler.quantizer.quantize import calibrate
from compiler.quantizer.scheme import rounded_weights
from compiler.quantizer.ties import tied_quantizations
from machine.numerics import INT8_MAX, INT8_MIN

SAMPLES = 32
"""At most so many of the calibration samples are used, the first ones."""
SAMPLES_AT_ONCE = 4
AnyArray = npt.NDArray[Any]


@dataclass
class NoiseRatio:
    """Signal to quantization noise ratio, summed up over any number of arrays."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, exact: AnyArray, rounded: AnyArray) -> None:
        """Take in values and their approximations."""
        wide = exact.astype(np.float64)
        self.signal += float(np.square(wide).sum())
        self.noise += float(np.square(wide - rounded).sum())

    @property
    def decibels(self) -> float:
        """10 log10(signal / noise): infinite where there is no noise, minus infinity for noise without signal."""
        if self.noise == 0:
            return math.inf
        return 10 * math.log10(self.signal / self.noise) if self.signal > 0 else -math.inf


@dataclass(frozen=True, slots=True)
class LayerSensitivity:
    """The effect of quantizing one layer only: the ratio in decibels at each graph output, and the lowest of them."""

    layer: str
    operator: str
    outputs_db: Mapping[str, float] = field(default_factory=dict)

    @property
    def sqnr_db(self) -> float:
        """The ratio at the output that suffers most; infinite where no output depends on the layer's rounding."""
        return min(self.outputs_db.values(), default=math.inf)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of one row of the report."""
        return {
            "layer": self.layer, "operator": self.operator, "sqnr_db": self.sqnr_db, "outputs_db": dict(self.outputs_db)
        }


def measure_sensitivity(
    graph: Graph, calibration: CalibrationSource, options: QuantizationOptions = DEFAULT_OPTIONS
) -> tuple[LayerSensitivity, ...]:
    """Return the sensitivity of a fused float graph to each of its layers, in the order of execution.

    Ranges come from all calibration samples, ratios from the first `SAMPLES` of them.

    Raises:
        DataError: the calibration data does not fit.
        ModelError: the graph is not a fused float graph.
    """
    made = calibrate(graph, calibration, options)
    samples = {name: take_samples(graph, name, array, 0, SAMPLES) for name, array in made.samples.items()}
    quantizations = tied_quantizations(made.graph, made.ranges)
    exact = list(_run(made.graph, samples))
    rows = []
    for layer, operator, variant in _variants(made.graph, quantizations):
        ratios = {name: NoiseRatio() for name in made.graph.outputs}
        for wanted, got in zip(exact, _run(variant, samples), strict=True):
            for name, ratio in ratios.items():
                ratio.add(wanted[name], got[name])
        rows.append(LayerSensitivity(layer, operator, {name: ratio.decibels for name, ratio in ratios.items()}))
    return tuple(rows)


def _variants(graph: Graph, quantizations: Mapping[str, Quantization]) -> Iterator[tuple[str, str, Graph]]:
    """Yield (layer, operator, graph with this layer quantized) for every layer."""
    for name in graph.inputs:
        if name in quantizations:
            yield name, "input", _round_tensor(graph, name, quantizations[name])
    for node in graph.nodes():
        if is_on_host(node):
            crossing = [name for name in node.outputs if name in quantizations]
            rounded = graph
            for name in crossing:
                rounded = _round_tensor(rounded, name, quantizations[name])
            if crossing:
                yield node.name, node.operator, rounded
        elif node.op not in KEEP_QUANTIZATION:
            rounded = _round_weights(graph, node.name, quantizations)
            yield node.name, node.op.value, _round_tensor(rounded, node.output, quantizations[node.output])


def _round_weights(graph: Graph, name: str, quantizations: Mapping[str, Quantization]) -> Graph:
    """Return the graph with the weights and the bias of one node rounded."""
    node = graph.node(name)
    if node.op not in (Op.CONV2D, Op.DENSE):
        return graph
    weight, bias = (graph.tensors[operand].array for operand in node.inputs[1:])
    x_scale, y_scale = (quantizations[operand].scale[0] for operand in (node.inputs[0], node.output))
    arrays = rounded_weights(weight, bias, x_scale, y_scale)
    names = [unique_name(f"{name}_{role}_rounded", graph.tensors) for role in ("weight", "bias")]
    changed = type(node)(node.name, node.op, (node.inputs[0], *names), node.outputs, node.attributes)
    return graph.replace(
        nodes=[changed if other is node else other for other in graph.nodes()],
        tensors=[Tensor.constant(*pair) for pair in zip(names, arrays, strict=True)],
    )


def _round_tensor(graph: Graph, name: str, quantization: Quantization) -> Graph:
    """Return the graph with a tensor rounded as int8 rounds it, for all that read the int8 tensor.

    What the host makes is rounded for accelerator nodes only; what they make is rounded for all.
    """
    scale, zero_point = quantization.scale[0], quantization.zero_point
    steps = call("round", call("div", X, scale))
    clipped = call("clip", steps, float(INT8_MIN - zero_point), float(INT8_MAX - zero_point))
    expression = to_text(call("mul", clipped, scale))
    producer = graph.producer(name)
    made_by_accelerator = producer is not None and not is_on_host(producer)
    twin = replace(graph.tensors[name], name=unique_name(f"{name}_rounding", graph.tensors))
    source, target = (twin.name, name) if made_by_accelerator else (name, twin.name)
    rounding = Node(unique_name(f"{name}_rounding", graph.networkx), Op.FUNCTION, (source,), (target,),
                    {"expression": expression})
    nodes = [rounding]
    for node in graph.nodes():
        if made_by_accelerator and node is producer:
            node = replace(node, outputs=(source,))
        elif not made_by_accelerator and not is_on_host(node):
            node = replace(node, inputs=tuple(target if operand == name else operand for operand in node.inputs))
        nodes.append(node)
    return graph.replace(nodes=nodes, tensors=[twin])


def _run(graph: Graph, samples: Mapping[str, AnyArray]) -> Iterator[dict[str, AnyArray]]:
    """Yield the outputs, a few samples at a time."""
    session = FloatSession(graph)
    for start in range(0, number_of_samples(graph, samples), SAMPLES_AT_ONCE):
        stop = start + SAMPLES_AT_ONCE
        yield session.run({name: take_samples(graph, name, a, start, stop) for name, a in samples.items()})
