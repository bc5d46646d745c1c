"""The order of a model's nodes: ONNX asks for a topological one, and not every tool writes it."""

from __future__ import annotations

import heapq
from collections import Counter

import onnx

from compiler.importer.fallback import captured_names


def in_order(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return the model with every node behind those whose results it reads: the same object where that is so.

    Nodes that may stay in their order do. What a node's subgraphs read counts too. A model whose nodes form a cycle is
    returned as it is: the checker refuses it.
    """
    nodes = list(model.graph.node)
    maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
    reads = [{maker[name] for name in (*node.input, *captured_names(node)) if name in maker} for node in nodes]
    if all(max(made, default=-1) < index for index, made in enumerate(reads)):
        return model
    readers: dict[int, list[int]] = {}
    for index, made in enumerate(reads):
        for source in made:
            readers.setdefault(source, []).append(index)
    left = Counter({index: len(made) for index, made in enumerate(reads)})
    ready = [index for index in range(len(nodes)) if not left[index]]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)
        order.append(index)
        for reader in readers.get(index, ()):
            left[reader] -= 1
            if not left[reader]:
                heapq.heappush(ready, reader)
    if len(order) < len(nodes):
        return model
    ordered = onnx.ModelProto()
    ordered.CopyFrom(model)
    del ordered.graph.node[:]
    ordered.graph.node.extend(nodes[index] for index in order)
    return ordered
