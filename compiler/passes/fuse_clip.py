"""Fuse clips into the operation that computes their input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from compiler.expression import X, call, to_text
from compiler.graph import AttributeValue, Graph, Node, Op
from compiler.passes.base import ACTIVATED, only_consumer
from compiler.passes.edit import Edit


@dataclass(frozen=True)
class FuseClip:
    """clip(conv2d(...)) becomes conv2d(..., activation_min, activation_max); dense, add and a second clip alike.

    A clip after anything else becomes a function, a look-up in a table.
    """

    name: str = "fuse_clip"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without clips."""
        edit = Edit(graph)
        for node in graph.nodes():
            if node.op is Op.CLIP:
                _fuse(edit, edit.node(node.name))
        return edit.graph()


def _fuse(edit: Edit, clip: Node) -> None:
    producer = edit.producer(clip.inputs[0])
    fusible = producer is not None and producer.op in ACTIVATED and only_consumer(edit, producer.output) is clip
    if producer is None or not fusible:
        expression = to_text(call("clip", X, *clip_bounds(clip)))
        edit.replace(clip, [replace(clip, op=Op.FUNCTION, attributes={"expression": expression})])
        return
    attributes = {**producer.attributes, **_combined(producer.attributes, clip)}
    edit.replace(producer, [replace(producer, outputs=clip.outputs, attributes=attributes)], (), clip)


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
