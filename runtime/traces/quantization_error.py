"""How far int8 values are from the float model's, layer by layer, as histograms.

The unit is the step of the tensor's own quantization (of the channel's, for weights), so layers can be compared: what
is only rounded is within half a step; what is beyond comes from clipping, and in activations from the layers before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from runtime.check import float_graph, layer_errors
from runtime.session import Session

AnyArray = npt.NDArray[Any]
Float64Array = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_SIDE = np.concatenate([np.arange(1, 32) / 32, 2.0 ** (np.arange(0, 17) / 2)])
EDGES = np.concatenate([-_SIDE[::-1], np.zeros(1), _SIDE])
"""Edges of the buckets: 1/32 of a step up to one step, then wider and wider up to 256 steps, the range of int8."""


@dataclass(frozen=True, eq=False)
class ErrorHistogram:
    """The distribution of one layer's error: int8 value less float value, in steps of the quantization.

    Attributes:
        layer: the layer's name.
        kind: "weights" or "activations".
        edges: float64[n + 1], edges of the buckets, ascending.
        counts: int64[n], values in each; the outer buckets have what is beyond them too.
    """

    layer: str
    kind: str
    edges: Float64Array
    counts: Int64Array

    @property
    def description(self) -> str:
        """What it shows, in a sentence."""
        return f"int8 less float {self.kind}, in steps of the quantization; rounding alone is within half a step"


def weight_errors(session: Session) -> Iterator[ErrorHistogram]:
    """Yield the error of the int8 weights of each node that has some, against those of the float model."""
    graph, floats = session.graph, float_graph(session)
    names = {node.name for node in floats.nodes()}
    for node in graph.nodes():
        if node.name not in names or len(node.inputs) < 2 or len(floats.node(node.name).inputs) < 2:
            continue
        weights, exact = graph.tensors[node.inputs[1]], floats.tensors[floats.node(node.name).inputs[1]]
        if weights.dtype != "int8" or weights.data is None or exact.data is None or exact.shape != weights.shape:
            continue
        affine = weights.affine
        shape = [1] * len(weights.shape)
        if affine.axis is not None:
            shape[affine.axis] = -1
        scale = np.asarray(affine.scale, np.float64).reshape(shape)
        steps = weights.data.astype(np.float64) - affine.zero_point - exact.data.astype(np.float64) / scale
        yield _histogram(node.name, "weights", _count(steps))


def activation_errors(session: Session, inputs: Mapping[str, AnyArray]) -> Iterator[ErrorHistogram]:
    """Yield the error of the int8 activation of each layer, over all samples of the model's inputs.

    Raises:
        DataError: inputs that the model does not take.
    """
    counts: dict[str, Int64Array] = {}
    for layer, steps in layer_errors(session, inputs):
        found = _count(steps)
        counts[layer] = counts[layer] + found if layer in counts else found
    for layer, counted in counts.items():
        yield _histogram(layer, "activations", counted)


def _count(steps: Float64Array) -> Int64Array:
    inside = np.clip(steps, EDGES[0], EDGES[-1])
    return np.histogram(inside, EDGES)[0].astype(np.int64)


def _histogram(layer: str, kind: str, counts: Int64Array) -> ErrorHistogram:
    """Leave out empty buckets on both sides."""
    filled = np.flatnonzero(counts)
    first, last = (int(filled[0]), int(filled[-1])) if len(filled) else (0, 0)
    return ErrorHistogram(layer, kind, EDGES[first : last + 2], counts[first : last + 1])
