"""Bias correction: the mean error that rounded weights make is taken off the bias.

Rounding changes the sum of products of an output channel by `sum((w_rounded - w) * x)`. Its mean over samples and
positions need not be zero, and then it shifts the whole channel; the bias takes it back. The inputs `x` are those of
the float graph, so that one pass over the calibration data serves all layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Node, Op, Quantization, Tensor, is_on_host
from compiler.passes.base import unique_name
from compiler.quantizer.calibration import stream
from compiler.quantizer.scheme import rounded_weights

Float64Array = npt.NDArray[np.float64]
AFFINE = (Op.CONV2D, Op.DENSE)


def correct_biases(
    graph: Graph, samples: Mapping[str, npt.NDArray[Any]], quantizations: Mapping[str, Quantization]
) -> Graph:
    """Return the fused float graph with corrected biases, given the quantization of its activations."""
    errors, outputs = _with_error_layers(graph, quantizations)
    if not outputs:
        return graph
    means = _channel_means(errors, samples, tuple(outputs.values()))
    nodes: list[Node] = []
    tensors: list[Tensor] = []
    for node in graph.nodes():
        if node.name not in outputs:
            nodes.append(node)
            continue
        bias = graph.tensors[node.inputs[2]].array
        corrected = (bias - means[outputs[node.name]]).astype(np.float32)
        name = unique_name(f"{node.name}_bias_corrected", graph.tensors | {t.name: t for t in tensors})
        tensors.append(Tensor.constant(name, corrected))
        nodes.append(replace(node, inputs=(*node.inputs[:2], name)))
    return graph.replace(nodes=nodes, tensors=tensors)


def _with_error_layers(graph: Graph, quantizations: Mapping[str, Quantization]) -> tuple[Graph, dict[str, str]]:
    """Add a layer beside each affine one, whose weights are the errors; return the name of each one's output."""
    taken = dict.fromkeys((*graph.tensors, *graph.networkx))
    nodes: list[Node] = []
    tensors: list[Tensor] = []
    outputs: dict[str, str] = {}

    def fresh(wanted: str) -> str:
        name = unique_name(wanted, taken)
        taken[name] = None
        return name

    for node in graph.nodes():
        if node.op not in AFFINE or is_on_host(node):
            continue
        weight, bias = (graph.tensors[name].array for name in node.inputs[1:])
        rounded, _ = rounded_weights(
            weight, bias, quantizations[node.inputs[0]].scale[0], quantizations[node.output].scale[0]
        )
        made = [
            Tensor.constant(fresh(f"{node.name}_weight_error"), rounded - weight),
            Tensor.constant(fresh(f"{node.name}_no_bias"), np.zeros_like(bias)),
            replace(graph.tensors[node.output], name=fresh(f"{node.name}_error")),
        ]
        attributes = {key: value for key, value in node.attributes.items() if not key.startswith("activation_")}
        inputs = (node.inputs[0], made[0].name, made[1].name)
        nodes.append(Node(fresh(f"{node.name}_error_layer"), node.op, inputs, (made[2].name,), attributes))
        tensors += made
        outputs[node.name] = made[2].name
    wanted = (*graph.outputs, *outputs.values())
    return graph.replace(nodes=(*graph.nodes(), *nodes), tensors=tensors, outputs=wanted), outputs


def _channel_means(
    graph: Graph, samples: Mapping[str, npt.NDArray[Any]], names: tuple[str, ...]
) -> dict[str, Float64Array]:
    """Return the mean over samples and positions of each channel (axis 1) of the named tensors."""
    sums: dict[str, Float64Array] = {}
    counts = dict.fromkeys(names, 0)
    for chunk in stream(graph, samples, names):
        for name, values in chunk.items():
            channels = values.shape[1]
            by_channel = np.moveaxis(values, 1, 0).reshape(channels, -1)
            sums[name] = sums.get(name, np.zeros(channels)) + by_channel.sum(axis=1, dtype=np.float64)
            counts[name] += by_channel.shape[1]
    return {name: sums[name] / counts[name] for name in names}
