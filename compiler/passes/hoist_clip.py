"""Move clips and functions before the operations that they commute with, so that they meet what makes their input."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from compiler.graph import Graph, Node, Op
from compiler.passes.base import ACTIVATED, Either, only_consumer, unique_name
from compiler.passes.edit import Edit

COMMUTING = {
    Op.CLIP: frozenset({Op.MAX_POOL, Op.RESHAPE, Op.SLICE, Op.TRANSPOSE, Op.GATHER}),
    Op.FUNCTION: frozenset({Op.RESHAPE, Op.SLICE, Op.TRANSPOSE, Op.GATHER}),
}
"""What each of the two may pass: a function need not ascend, so a maximum must come first."""
MEETING = {
    Op.CLIP: frozenset(ACTIVATED),
    Op.FUNCTION: frozenset({Op.CONV2D, Op.DENSE, Op.MUL, Op.MAX_POOL, Op.AVERAGE_POOL}),
}
"""The operations whose last step each can be."""
MOST_PASSED = 64
"""Operations that a clip or a function looks past for one to meet."""


@dataclass(frozen=True)
class HoistClip:
    """clip(max_pool(x)) becomes max_pool(clip(x)), clip(reshape(x)) becomes reshape(clip(x)): the same values.

    function(reshape(x)) becomes reshape(function(x)) alike, and clip(concat(x, y)) becomes concat(clip(x), clip(y)).
    """

    name: str = "hoist_clip"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with clips and functions moved as far up as they go."""
        edit = Edit(graph)
        for node in graph.nodes():
            if node.op in COMMUTING:
                _hoist(edit, node)
        return edit.graph()


def _hoist(edit: Edit, node: Node) -> None:
    while (above := _alone(edit, node, node.inputs[0])) is not None and above.op in COMMUTING[node.op]:
        if not _meets(edit, node, node.inputs[0], node.op, MEETING[node.op]):
            return
        node = _swap(edit, above, node)
    if above is None or above.op not in (Op.CONCAT, Op.INTERLEAVE):
        return
    either = MEETING[Op.CLIP] | MEETING[Op.FUNCTION]  # a clip that meets a pool is a function there
    if not all(_meets(edit, above, name, node.op, either) for name in above.inputs):
        return
    for part in _divide(edit, above, node):
        _hoist(edit, part)


def _meets(edit: Edit, reader: Node, name: str, op: Op, legal: Collection[Op]) -> bool:
    """Whether what the reader alone reads comes, past what `op` may pass, from one of the legal operators."""
    reached = _alone(edit, reader, name)
    for _ in range(MOST_PASSED):
        if reached is None or reached.op not in COMMUTING[op] or reached.op in legal:
            break
        reached = _alone(edit, reached, reached.inputs[0])
    return reached is not None and reached.op in legal


def _alone(edit: Edit, reader: Node, name: str) -> Node | None:
    """Return the producer of a node's input, where the node alone reads it."""
    producer = edit.producer(name)
    if producer is None:
        return None
    only = only_consumer(edit, producer.output)
    return producer if only is not None and only.name == reader.name else None


def _swap(edit: Edit, above: Node, clip: Node) -> Node:
    """Put a clip before the node that it follows, and return it as it stands there."""
    source = edit.tensors[above.inputs[0]]
    between = replace(source, name=edit.unique_tensor(f"{source.name}_clipped"))
    first = replace(clip, inputs=(source.name,), outputs=(between.name,))
    second = replace(above, inputs=(between.name,), outputs=clip.outputs)
    edit.exchange({above.name: first, clip.name: second}, [between])
    return first


def _divide(edit: Edit, concat: Node, clip: Node) -> list[Node]:
    """Put a clip of its own behind each input of a concat in place of the one behind it, and return these clips."""
    taken: dict[str, None] = {}
    parts, tensors = [], []
    names = Either(taken, Either(edit.tensors, edit))
    for index, name in enumerate(concat.inputs):
        between, own = (unique_name(wanted, names) for wanted in (f"{name}_clipped", f"{clip.name}_part"))
        own = clip.name if index == 0 else own
        taken |= {between: None, own: None}
        tensors.append(replace(edit.tensors[name], name=between))
        parts.append(replace(clip, name=own, inputs=(name,), outputs=(between,)))
    joined = replace(concat, inputs=tuple(tensor.name for tensor in tensors), outputs=clip.outputs)
    edit.replace(concat, [*parts, joined], tensors, clip)
    return parts
