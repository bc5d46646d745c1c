"""Fuse padding by zeros into the convolution that reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.graph import Graph, Node, Op
from compiler.passes.base import only_consumer
from compiler.passes.edit import Edit


@dataclass(frozen=True)
class FusePad:
    """conv2d(pad(x)) becomes conv2d(x) with more padding, where the padding is zero and of height and width only."""

    name: str = "fuse_pad"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with paddings fused where that is possible."""
        edit = Edit(graph)
        for node in graph.nodes():
            if node.op is Op.PAD:
                _fuse(edit, edit.node(node.name))
        return edit.graph()


def _fuse(edit: Edit, pad: Node) -> None:
    reader = only_consumer(edit, pad.output)
    pads = pad.integers("pads")
    if reader is None or reader.op is not Op.CONV2D or len(pads) != 8 or pad.number("value") != 0:
        return
    if any(pads[axis] for axis in (0, 1, 4, 5)):
        return
    more = (*pads[2:4], *pads[6:8])
    total = tuple(a + b for a, b in zip(reader.integers("pads"), more, strict=True))
    attributes = {**reader.attributes, "pads": total}
    fused = replace(reader, inputs=(pad.inputs[0], *reader.inputs[1:]), attributes=attributes)
    edit.replace(reader, [fused], (), pad)
