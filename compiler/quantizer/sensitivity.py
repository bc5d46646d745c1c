"""Sensitivity of the outputs to each layer: one layer at a time is quantized, and everything else stays float.

A layer here is a graph input, or a node whose output takes a quantization of its own. Its weights and bias are
rounded, and its output is rounded and clipped; the figure is the signal to quantization noise ratio at the graph's
outputs. Layers with the lowest ratios are those that cost the network its accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import helper, numpy_helper

from compiler.graph import Graph, Op, Quantization, Tensor
from compiler.importer.export import to_onnx
from compiler.passes.base import unique_name
from compiler.passes.legality import KEEP_QUANTIZATION
from compiler.quantizer.calibration import CalibrationSource
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
    samples = {name: array[:SAMPLES].astype(np.float32) for name, array in made.samples.items()}
    quantizations = tied_quantizations(made.graph, made.ranges)
    exact = list(_run(to_onnx(made.graph), made.graph.outputs, samples))
    rows = []
    for layer, operator, model in _variants(made.graph, quantizations):
        ratios = {name: NoiseRatio() for name in made.graph.outputs}
        for wanted, got in zip(exact, _run(model, made.graph.outputs, samples), strict=True):
            for name, ratio in ratios.items():
                ratio.add(wanted[name], got[name])
        rows.append(LayerSensitivity(layer, operator, {name: ratio.decibels for name, ratio in ratios.items()}))
    return tuple(rows)


def _variants(
    graph: Graph, quantizations: Mapping[str, Quantization]
) -> Iterator[tuple[str, str, onnx.ModelProto]]:
    """Yield (layer, operator, model with this layer quantized) for every layer."""
    for name in graph.inputs:
        if name in quantizations:
            yield name, "input", _round_tensor(to_onnx(graph), name, quantizations[name])
    for node in graph.nodes():
        if node.op in KEEP_QUANTIZATION or node.op is Op.SOFTMAX:
            continue
        rounded = _round_weights(graph, node.name, quantizations)
        yield node.name, node.op.value, _round_tensor(to_onnx(rounded), node.output, quantizations[node.output])


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


def _round_tensor(model: onnx.ModelProto, name: str, quantization: Quantization) -> onnx.ModelProto:
    """Put divide, round, clip, multiply behind a graph input or a node's output; all that read it read the result."""
    graph = model.graph
    producer = next((index for index, node in enumerate(graph.node) if name in node.output), -1)
    source, target = (f"{name}__float", name) if producer >= 0 else (name, f"{name}__rounded")
    for node in graph.node:
        for index, operand in enumerate(node.output if producer >= 0 else node.input):
            if operand == name and producer >= 0:
                node.output[index] = source
            elif operand == name:
                node.input[index] = target
    zero_point = quantization.zero_point
    limits = (quantization.scale[0], INT8_MIN - zero_point, INT8_MAX - zero_point)
    scale, low, high = (f"{name}__{role}" for role in ("step", "lowest", "highest"))
    graph.initializer.extend(
        numpy_helper.from_array(np.array(value, np.float32), label)
        for label, value in zip((scale, low, high), limits, strict=True)
    )
    steps = (
        helper.make_node("Div", [source, scale], [f"{name}__scaled"]),
        helper.make_node("Round", [f"{name}__scaled"], [f"{name}__steps"]),
        helper.make_node("Clip", [f"{name}__steps", low, high], [f"{name}__clipped"]),
        helper.make_node("Mul", [f"{name}__clipped", scale], [target]),
    )
    for offset, step in enumerate(steps):
        graph.node.insert(producer + 1 + offset, step)
    return model


def _run(
    model: onnx.ModelProto, names: tuple[str, ...], samples: Mapping[str, AnyArray]
) -> Iterator[dict[str, AnyArray]]:
    """Yield the outputs, a few samples at a time."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    count = len(next(iter(samples.values())))
    for start in range(0, count, SAMPLES_AT_ONCE):
        chunk = {name: array[start : start + SAMPLES_AT_ONCE] for name, array in samples.items()}
        yield dict(zip(names, session.run(list(names), chunk), strict=True))
