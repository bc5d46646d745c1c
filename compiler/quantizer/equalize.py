"""Cross-layer equalisation: channels of one tensor are brought to like ranges, and the float function stays the same.

After Nagel and others, "Data-Free Quantization Through Weight Equalization and Bias Correction" (2019). Where a
convolution or matrix product's output goes to another one only, through nothing but a rectifier, pools and reshapes,
channel `c` of it may be divided by a factor `s[c] > 0` if the second layer's weights for it are multiplied by it. The
factor that makes both layers' weights for the channel equally large is `s = sqrt(largest_1 / largest_2)`. Pairs overlap
in chains, so all of them are done again until the factors are near 1.

A tensor that is scaled gets the name `NAME_equalized`: no tensor of the result differs from its namesake in the
original.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, Node, Op, Tensor, is_on_host
from compiler.passes.base import only_consumer, unique_name

Float64Array = npt.NDArray[np.float64]
Float32Array = npt.NDArray[np.float32]
AFFINE = (Op.CONV2D, Op.DENSE)
HOMOGENEOUS = (Op.MAX_POOL, Op.AVERAGE_POOL, Op.RESHAPE)
"""Operators f with f(s x) = s f(x) for s > 0 and each channel by itself."""
SWEEPS = 20
NEAR_ONE = 1e-3
LARGEST_FACTOR = 1e4
SUFFIX = "_equalized"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two affine nodes by name, and the tensors between them, the first one's output first."""

    first: str
    second: str
    between: tuple[str, ...]


@dataclass(eq=False)
class _Layer:
    """A node's weights during the work: `weight: float64[CO, ...]`, `bias: float64[CO]`."""

    weight: Float64Array
    bias: Float64Array
    groups: int


def equalize(graph: Graph) -> Graph:
    """Return a fused float graph of the same function with its channels equalised; data is not needed."""
    pairs = find_pairs(graph)
    layers = {name: _layer(graph, graph.node(name)) for pair in pairs for name in (pair.first, pair.second)}
    for _ in range(SWEEPS):
        factors = [_equalize_pair(layers[pair.first], layers[pair.second]) for pair in pairs]
        if all(np.abs(np.log(factor)).max() < NEAR_ONE for factor in factors):
            break
    return _rebuild(graph, pairs, layers)


def find_pairs(graph: Graph) -> tuple[Pair, ...]:
    """Return the pairs of layers that can be equalised, in the order of the graph's nodes."""
    found = (_pair_from(graph, node) for node in graph.nodes() if node.op in AFFINE and _is_homogeneous(node))
    return tuple(pair for pair in found if pair is not None)


def _is_homogeneous(node: Node) -> bool:
    """Return whether a node of the accelerator has no activation, or a plain rectifier."""
    plain = node.attributes.get("activation_min", 0.0) == 0.0 and "activation_max" not in node.attributes
    return plain and not is_on_host(node)


def _pair_from(graph: Graph, first: Node) -> Pair | None:
    between = [first.output]
    reader = only_consumer(graph, first.output)
    while reader is not None and reader.op in HOMOGENEOUS and not is_on_host(reader):
        between.append(reader.output)
        reader = only_consumer(graph, reader.output)
    if reader is None or is_on_host(reader) or reader.op not in AFFINE or not _channels_kept(graph, first, between):
        return None
    return Pair(first.name, reader.name, tuple(between))


def _channels_kept(graph: Graph, first: Node, between: list[str]) -> bool:
    """Return whether each tensor holds whole channels of the first layer, one after another, along axis 1."""
    channels = graph.tensors[first.inputs[1]].shape[0]
    shapes = [graph.tensors[name].shape for name in between]
    if first.op is Op.DENSE and len(shapes[0]) != 2:
        return False
    widths = [shape[1] if len(shape) > 1 else 0 for shape in shapes]
    flat = [index for index, width in enumerate(widths) if width != channels]
    return not flat or (flat[0] == len(widths) - 1 and widths[-1] % channels == 0 and _flattens(graph, between[-1]))


def _flattens(graph: Graph, name: str) -> bool:
    node = graph.producer(name)
    if node is None or node.op is not Op.RESHAPE:
        return False
    source, target = graph.tensors[node.inputs[0]].shape, graph.tensors[name].shape
    return target == (source[0], int(np.prod(source[1:], dtype=np.int64)))


def _layer(graph: Graph, node: Node) -> _Layer:
    weight, bias = (graph.tensors[name].array.astype(np.float64) for name in node.inputs[1:])
    return _Layer(weight, bias, node.integer("groups") if node.op is Op.CONV2D else 1)


def _equalize_pair(first: _Layer, second: _Layer) -> Float64Array:
    """Move a factor for each channel from the first layer's weights to the second's, and return the factors."""
    channels = len(first.weight)
    made = np.abs(first.weight).reshape(channels, -1).max(axis=1)
    read = np.abs(_by_input(second)).max(axis=(1, 2)).reshape(channels, -1).max(axis=1)
    usable = (made > 0) & (read > 0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factors: Float64Array = np.where(usable, np.sqrt(made / read), 1.0)
    factors = np.clip(factors, 1 / LARGEST_FACTOR, LARGEST_FACTOR)
    first.weight /= factors.reshape(-1, *(1,) * (first.weight.ndim - 1))
    first.bias /= factors
    repeated = np.repeat(factors, second.weight.shape[1] * second.groups // channels)
    second.weight = _from_input(second, _by_input(second) * repeated[:, None, None])
    return factors


def _by_input(layer: _Layer) -> Float64Array:
    """Return the weights by input channel: float64[CI, CO / groups, kernel positions]."""
    outputs, inputs = layer.weight.shape[:2]
    grouped = layer.weight.reshape(layer.groups, outputs // layer.groups, inputs, -1)
    return grouped.transpose(0, 2, 1, 3).reshape(layer.groups * inputs, outputs // layer.groups, -1)


def _from_input(layer: _Layer, weight: Float64Array) -> Float64Array:
    """Undo `_by_input`."""
    outputs, inputs = layer.weight.shape[:2]
    grouped = weight.reshape(layer.groups, inputs, outputs // layer.groups, -1)
    return grouped.transpose(0, 2, 1, 3).reshape(layer.weight.shape)


def _rebuild(graph: Graph, pairs: tuple[Pair, ...], layers: Mapping[str, _Layer]) -> Graph:
    tensors: dict[str, Tensor] = {}
    taken = dict.fromkeys(graph.tensors)

    def add(wanted: str, make: Tensor) -> str:
        name = unique_name(wanted, taken)
        taken[name] = None
        tensors[name] = replace(make, name=name)
        return name

    scaled = [name for pair in pairs for name in pair.between]
    names = {name: add(f"{name}{SUFFIX}", graph.tensors[name]) for name in scaled}
    nodes = []
    for node in graph.nodes():
        inputs, outputs = ([names.get(name, name) for name in part] for part in (node.inputs, node.outputs))
        if node.name in layers:
            data = (layers[node.name].weight, layers[node.name].bias)
            inputs[1:] = [
                add(f"{node.name}_{role}{SUFFIX}", Tensor.constant("", array.astype(np.float32)))
                for role, array in zip(("weight", "bias"), data, strict=True)
            ]
        nodes.append(replace(node, inputs=tuple(inputs), outputs=tuple(outputs)))
    return graph.replace(nodes=nodes, tensors=tensors.values())
