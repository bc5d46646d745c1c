"""Fuse clips into the operation that computes their input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from compiler.expression import X, call, to_text
from compiler.graph import AttributeValue, Graph, Node, Op
from compiler.passes.base import ACTIVATED, only_consumer


@dataclass(frozen=True)
class FuseClip:
    """clip(conv2d(...)) becomes conv2d(..., activation_min, activation_max); dense, add and a second clip alike.

    A clip after anything else becomes a function, a look-up in a table.
    """

    name: str = "fuse_clip"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without clips."""
        for node in graph.nodes():
            if node.op is Op.CLIP:
                graph = _fuse(graph, graph.node(node.name))
        return graph


def _fuse(graph: Graph, clip: Node) -> Graph:
    producer = graph.producer(clip.inputs[0])
    fusible = producer is not None and producer.op in ACTIVATED and only_consumer(graph, producer.output) is clip
    if producer is None or not fusible:
        expression = to_text(call("clip", X, *clip_bounds(clip)))
        made = replace(clip, op=Op.FUNCTION, attributes={"expression": expression})
        return graph.replace(nodes=[made if other is clip else other for other in graph.nodes()])
    attributes = {**producer.attributes, **_combined(producer.attributes, clip)}
    fused = replace(producer, outputs=clip.outputs, attributes=attributes)
    nodes = [fused if other is producer else other for other in graph.nodes() if other is not clip]
    return graph.replace(nodes=nodes)


def _combined(given: Mapping[str, AttributeValue], clip: Node) -> dict[str, AttributeValue]:
    """Return the activation of a clip that follows an activation: the outer clip's bounds bound the inner ones."""
    low, high = (_bound(given, "activation_min"), _bound(given, "activation_max"))
    new_low, new_high = (_bound(clip.attributes, "min"), _bound(clip.attributes, "max"))
    combined = {
        "activation_min": _clamped(low, new_low, new_high) if low is not None else new_low,
        "activation_max": _clamped(high, new_low, new_high) if high is not None else new_high,
    }
    return {name: value for name, value in combined.items() if value is not None}


def clip_bounds(clip: Node) -> tuple[float, float]:
    """Return the bounds of a clip, infinite where it has none."""
    low, high = _bound(clip.attributes, "min"), _bound(clip.attributes, "max")
    return -math.inf if low is None else low, math.inf if high is None else high


def _clamped(value: float, low: float | None, high: float | None) -> float:
    above = value if low is None else max(value, low)
    return above if high is None else min(above, high)


def _bound(attributes: Mapping[str, AttributeValue], name: str) -> float | None:
    value = attributes.get(name)
    return float(value) if isinstance(value, int | float) else None
