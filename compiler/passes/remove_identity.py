"""Remove `identity` nodes (Identity and Dropout of the model)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.graph import ON_HOST, PLACEMENT, REASON, Graph, Node, Op, is_on_host
from compiler.passes.edit import Edit


@dataclass(frozen=True)
class RemoveIdentity:
    """y = identity(x) disappears: readers of y read x; where y is a graph output, x's producer writes y instead."""

    name: str = "remove_identity"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph without identities, but those of the host.

        An output of the graph that is only another name of an input or of another output is copied on the host.
        """
        edit = Edit(graph)
        for node in graph.nodes():
            if node.op is Op.IDENTITY and not is_on_host(node):
                _remove(edit, edit.node(node.name))
        return edit.graph()


def _remove(edit: Edit, node: Node) -> None:
    source, target = node.inputs[0], node.output
    if target not in edit.outputs:
        edit.redirect({target: source})
        edit.remove(node)
        return
    producer = edit.producer(source)
    if producer is None or source in edit.outputs:
        copied = {PLACEMENT: ON_HOST, REASON: f"output '{target}' is only another name of '{source}'"}
        edit.replace(node, [replace(node, attributes=copied)])
        return
    edit.remove(node)
    outputs = tuple(target if name == source else name for name in producer.outputs)
    edit.replace(producer, [replace(producer, outputs=outputs)])
    edit.redirect({source: target})
