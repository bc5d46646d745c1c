"""Partition: a quantized graph becomes segments of the accelerator and what the host executes around them."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.graph import BINARY, MOVES, Graph, Node, Op, is_on_host
from machine.errors import CompileError

ANY_RANK = MOVES | BINARY | {Op.TABLE, Op.RESHAPE}
"""Operators of the accelerator that take tensors of any number of dimensions (what moves values, of two and more)."""
ACCELERATED = ANY_RANK | {Op.CONV2D, Op.DENSE, Op.MAX_POOL, Op.AVERAGE_POOL}


@dataclass(frozen=True, slots=True)
class Part:
    """One segment of the accelerator: its nodes, and the int8 tensors that go into it and come out of it."""

    body: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Partition:
    """The accelerator's parts in order, and the host's nodes: `host[k]` before part k, the last entry after all."""

    parts: tuple[Part, ...]
    host: tuple[tuple[Node, ...], ...]


def node_error(node: Node, reason: str) -> CompileError:
    """Return an error that names a node and its operator."""
    return CompileError(f"node '{node.name}' ({node.op}): {reason}")


def partition(graph: Graph) -> Partition:
    """Divide a quantized graph between host and accelerator.

    A node of the accelerator belongs to the first part in which its operands can be there: that of the nodes that make
    them, or the one after the last part that the host needs for them. So the parts are as few as the longest way
    through the graph crosses to the accelerator.

    Raises:
        CompileError: an operator that the accelerator does not execute, or a batch other than 1 (node named).
    """
    ready: dict[str, int] = dict.fromkeys(graph.inputs, 0)
    """Parts that have run when the host has a tensor."""
    made: dict[str, int] = {}
    """The part that makes a tensor."""
    host: list[list[Node]] = [[]]
    bodies: list[list[Node]] = []
    for node in graph.nodes():
        read = [name for name in node.inputs if not graph.tensors[name].is_constant]
        if is_on_host(node):
            level = max((ready[name] for name in read), default=0)
            host[level].append(node)
            ready |= dict.fromkeys(node.outputs, level)
            continue
        _check_body(graph, node)
        index = max((made.get(name, ready[name]) for name in read), default=0)
        if index == len(bodies):
            bodies.append([])
            host.append([])
        bodies[index].append(node)
        made |= dict.fromkeys(node.outputs, index)
        ready |= dict.fromkeys(node.outputs, index + 1)
    parts = (_part(graph, tuple(body), index, made) for index, body in enumerate(bodies))
    return Partition(tuple(parts), tuple(tuple(nodes) for nodes in host))


def _part(graph: Graph, body: tuple[Node, ...], index: int, made: dict[str, int]) -> Part:
    """Return a part with its edges: int8 inputs in the order of the graph's nodes, the model's own last; outputs."""
    inside = {node.name for node in body}
    read = {name for node in body for name in node.inputs if not graph.tensors[name].is_constant}
    order = [*(name for node in graph.nodes() for name in node.outputs), *graph.inputs]
    entering = [name for name in order if name in read and made.get(name) != index]
    outside = [node for node in graph.nodes() if node.name not in inside]
    taken = [name for node in outside for name in node.inputs if made.get(name) == index]
    taken += [name for name in graph.outputs if made.get(name) == index]
    return Part(body, tuple(entering), tuple(dict.fromkeys(taken)))


def shape_reason(op: Op, name: str, shape: tuple[int, ...]) -> str | None:
    """Return why an operator of the accelerator cannot read or write a tensor of that shape, None where it can."""
    if shape[:1] != (1,):
        return f"tensor '{name}' has shape {list(shape)}; the batch must be 1"
    if op in MOVES and len(shape) < 2:
        return f"tensor '{name}' has shape {list(shape)}; legal are two dimensions and more"
    if op not in ANY_RANK and len(shape) not in (2, 4):
        return f"tensor '{name}' has shape {list(shape)}; legal are [1, K] and [1, C, H, W]"
    return None


def operator_reason(op: Op) -> str | None:
    """Return why the accelerator does not execute an operator of the quantized graph, None where it does."""
    if op in ACCELERATED:
        return None
    return f"the accelerator does not execute this operator; it executes {', '.join(sorted(ACCELERATED))}"


def activations(node: Node) -> tuple[str, ...]:
    """Return the tensors of a node of the accelerator that are activations, the output last."""
    return (*(node.inputs if node.op in MOVES else node.inputs[:1]), node.output)


def _check_body(graph: Graph, node: Node) -> None:
    reason = operator_reason(node.op)
    if reason is not None:
        raise node_error(node, reason)
    for name in activations(node):
        tensor = graph.tensors[name]
        if tensor.dtype != "int8":
            raise node_error(node, f"tensor '{name}' must be int8, it is {tensor.dtype}")
        reason = shape_reason(node.op, name, tensor.shape)
        if reason is not None:
            raise node_error(node, reason)
