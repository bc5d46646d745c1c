"""Find what computes a function of one tensor, element by element, and make one `function` of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from compiler.expression import MOST_CALLS, Expression, X, call, calls, parse, substitute, to_text
from compiler.graph import BINARY, Graph, Node, Op, Tensor
from compiler.passes.base import AFFINE, only_consumer
from compiler.passes.edit import Edit
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
        edit = Edit(RemoveDead().apply(graph))
        for node in graph.nodes():
            if node.name in edit:
                _fuse_step(edit, edit.node(node.name))
        return edit.graph()


def _fuse_step(edit: Edit, node: Node) -> None:
    computed = [name for name in node.inputs if not edit.tensors[name].is_constant]
    if node.op in BINARY and len(computed) == 2:
        _fuse_operands(edit, node)
    elif len(computed) == 1:
        _fuse_chain(edit, node, computed[0])


def _fuse_operands(edit: Edit, node: Node) -> None:
    """Replace a node both of whose operands are functions of one tensor."""
    first, second = (_origins(edit, name) for name in node.inputs)
    common = next((name for name in first if name in second), None)
    if common is not None:
        _replace(edit, node, common, call(str(node.op), first[common], second[common]))


def _fuse_chain(edit: Edit, node: Node, source: str) -> None:
    """Merge a node with the one that makes its run-time input where one of the two is a function."""
    outer, before = scalar_expression(edit, node), edit.producer(source)
    if outer is None or before is None or only_consumer(edit, source) is not node:
        return
    inner = scalar_expression(edit, before)
    if inner is None or Op.FUNCTION not in (node.op, before.op):
        return
    if before.op is not Op.FUNCTION and _absorbs(edit, before):
        return
    _replace(edit, node, _operand(edit, before), substitute(outer, inner))


def _absorbs(edit: Edit, node: Node) -> bool:
    """Whether the convolution or product before an affine step or a clip will take it in."""
    maker = edit.producer(node.inputs[0])
    return maker is not None and maker.op in AFFINE and only_consumer(edit, maker.output) is node


def _replace(edit: Edit, node: Node, source: str, expression: Expression) -> None:
    """Make a function of a node, and take away what only it read."""
    if calls(expression) > MOST_CALLS or edit.tensors[source].shape != edit.tensors[node.output].shape:
        return
    made = replace(node, op=Op.FUNCTION, inputs=(source,), attributes={"expression": to_text(expression)})
    edit.replace(node, [made])
    edit.prune(node.inputs)


def _origins(edit: Edit, name: str) -> dict[str, Expression]:
    """Return a tensor as a function of itself, and of each tensor before it, the nearest first."""
    found: dict[str, Expression] = {name: X}
    expression: Expression = X
    while (node := edit.producer(name)) is not None and (step := scalar_expression(edit, node)) is not None:
        expression, name = substitute(expression, step), _operand(edit, node)
        if calls(expression) > MOST_CALLS:
            break
        found[name] = expression
    return found


def _operand(edit: Edit, node: Node) -> str:
    return next(name for name in node.inputs if not edit.tensors[name].is_constant)


def scalar_expression(edit: Edit, node: Node) -> Expression | None:
    """Return what a node computes where that is one function of each value of one run-time tensor, else None."""
    constants = [edit.tensors[name] for name in node.inputs if edit.tensors[name].is_constant]
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
        operands = [values[0] if edit.tensors[name].is_constant else X for name in node.inputs]
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
