"""Find what computes a function of one tensor, element by element, and make one `function` of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compiler.expression import MOST_CALLS, Expression, X, call, calls, parse, substitute, to_text
from compiler.graph import BINARY, Graph, Node, Op, Tensor
from compiler.passes.base import AFFINE, only_consumer
from compiler.passes.fuse_clip import clip_bounds
from compiler.passes.remove_dead import RemoveDead


@dataclass(frozen=True)
class FuseFunctions:
    """mul(x, sigmoid(x)) becomes function(x), and so do functions in a row, with the affine steps among them.

    This is how swish, mish, hard swish and both forms of gelu are found, however an exporter spells them.
    """

    name: str = "fuse_functions"

    def apply(self, graph: Graph) -> Graph:
        """Return the graph with as few functions as possible."""
        for node in graph.nodes():
            current = graph.node(node.name) if node.name in graph.networkx else None
            if current is not None:
                graph = _fuse_step(graph, current)
        return graph


def _fuse_step(graph: Graph, node: Node) -> Graph:
    computed = [name for name in node.inputs if not graph.tensors[name].is_constant]
    if node.op in BINARY and len(computed) == 2:
        return _fuse_operands(graph, node)
    return _fuse_chain(graph, node, computed[0]) if len(computed) == 1 else graph


def _fuse_operands(graph: Graph, node: Node) -> Graph:
    """Replace a node both of whose operands are functions of one tensor."""
    first, second = (_origins(graph, name) for name in node.inputs)
    common = next((name for name in first if name in second), None)
    if common is None:
        return graph
    return _replaced(graph, node, common, call(str(node.op), first[common], second[common]))


def _fuse_chain(graph: Graph, node: Node, source: str) -> Graph:
    """Merge a node with the one that makes its run-time input where one of the two is a function."""
    outer, before = scalar_expression(graph, node), graph.producer(source)
    if outer is None or before is None or only_consumer(graph, source) is not node:
        return graph
    inner = scalar_expression(graph, before)
    if inner is None or Op.FUNCTION not in (node.op, before.op):
        return graph
    if before.op is not Op.FUNCTION and _absorbs(graph, before):
        return graph
    return _replaced(graph, node, _operand(graph, before), substitute(outer, inner))


def _absorbs(graph: Graph, node: Node) -> bool:
    """Whether the convolution or product before an affine step or a clip will take it in."""
    maker = graph.producer(node.inputs[0])
    return maker is not None and maker.op in AFFINE and only_consumer(graph, maker.output) is node


def _replaced(graph: Graph, node: Node, source: str, expression: Expression) -> Graph:
    if calls(expression) > MOST_CALLS or graph.tensors[source].shape != graph.tensors[node.output].shape:
        return graph
    made = replace(node, op=Op.FUNCTION, inputs=(source,), attributes={"expression": to_text(expression)})
    return RemoveDead().apply(graph.replace(nodes=[made if other is node else other for other in graph.nodes()]))


def _origins(graph: Graph, name: str) -> dict[str, Expression]:
    """Return a tensor as a function of itself, and of each tensor before it, the nearest first."""
    found: dict[str, Expression] = {name: X}
    expression: Expression = X
    while (node := graph.producer(name)) is not None and (step := scalar_expression(graph, node)) is not None:
        expression, name = substitute(expression, step), _operand(graph, node)
        if calls(expression) > MOST_CALLS:
            break
        found[name] = expression
    return found


def _operand(graph: Graph, node: Node) -> str:
    return next(name for name in node.inputs if not graph.tensors[name].is_constant)


def scalar_expression(graph: Graph, node: Node) -> Expression | None:
    """Return what a node computes where that is one function of each value of one run-time tensor, else None."""
    constants = [graph.tensors[name] for name in node.inputs if graph.tensors[name].is_constant]
    if len(node.inputs) - len(constants) != 1:
        return None
    if node.op is Op.FUNCTION:
        return parse(node.text("expression"))
    if node.op is Op.CLIP:
        return call("clip", X, *clip_bounds(node))
    values = [_uniform(tensor) for tensor in constants]
    if node.op is Op.BATCH_NORMALIZATION:
        return _normalization(node, values)
    if node.op in BINARY and values[0] is not None:
        operands = [values[0] if graph.tensors[name].is_constant else X for name in node.inputs]
        return call(str(node.op), *operands)
    return None


def _normalization(node: Node, values: list[float | None]) -> Expression | None:
    known = [value for value in values if value is not None]
    if len(known) != len(values):
        return None
    scale, shift, mean, variance = known
    factor = scale / np.sqrt(variance + node.number("epsilon"))
    offset = float(shift - mean * factor)
    scaled: Expression = X if factor == 1 else call("mul", X, float(factor))
    return call("add", scaled, offset) if offset or factor == 1 else scaled


def _uniform(tensor: Tensor) -> float | None:
    """Return the only value of a constant, None where it has several."""
    data: npt.NDArray[np.float32] = tensor.array
    return float(data.flat[0]) if data.size and (data == data.flat[0]).all() else None
