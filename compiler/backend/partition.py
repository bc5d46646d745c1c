"""Partition: quantize, dequantize and softmax at the graph's ends run on the host, everything else on the machine."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.graph import BINARY, HOST_OPS, MOVES, Graph, Node, Op
from machine.errors import CompileError

ANY_RANK = MOVES | BINARY | {Op.TABLE, Op.RESHAPE}
"""Operators of the accelerator that take tensors of any number of dimensions."""
ACCELERATED = ANY_RANK | {Op.CONV2D, Op.DENSE, Op.MAX_POOL, Op.AVERAGE_POOL}


@dataclass(frozen=True, slots=True)
class Partition:
    """The host's nodes before and after, the machine's nodes between, and the int8 tensors at the seams."""

    before: tuple[Node, ...]
    body: tuple[Node, ...]
    after: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def node_error(node: Node, reason: str) -> CompileError:
    """Return an error that names a node and its operator."""
    return CompileError(f"node '{node.name}' ({node.op}): {reason}")


def partition(graph: Graph) -> Partition:
    """Divide a quantized graph between host and machine.

    Raises:
        CompileError: an operator that neither executes at its place, or a batch other than 1 (node named).
    """
    before = tuple(node for node in graph.nodes() if node.op is Op.QUANTIZE)
    after = tuple(node for node in graph.nodes() if node.op in HOST_OPS and node.op is not Op.QUANTIZE)
    body = tuple(node for node in graph.nodes() if node.op not in HOST_OPS)
    for node in before:
        if node.inputs[0] not in graph.inputs:
            raise node_error(node, f"runs on the host, so it must read a model input, not '{node.inputs[0]}'")
    late = {name for node in after for name in node.outputs}
    for node in body:
        _check_body(graph, node, late)
    read = [node.inputs[0] for node in after if node.op is Op.DEQUANTIZE]
    integer_outputs = [name for name in graph.outputs if graph.tensors[name].dtype == "int8"]
    outputs = tuple(dict.fromkeys(read + integer_outputs))
    inputs = tuple(node.output for node in before)
    inputs += tuple(name for name in graph.inputs if graph.tensors[name].dtype == "int8")
    if not body:
        raise CompileError("the graph has no operator for the accelerator; legal is at least one")
    return Partition(before, body, after, inputs, outputs)


def _check_body(graph: Graph, node: Node, late: set[str]) -> None:
    if node.op not in ACCELERATED:
        legal = ", ".join(sorted(ACCELERATED))
        raise node_error(node, f"the accelerator does not execute this operator; it executes {legal}")
    for name in node.inputs:
        if name in late:
            raise node_error(node, f"reads '{name}', which the host computes after the accelerator has finished")
    for name in (*(node.inputs if node.op in MOVES else node.inputs[:1]), node.output):
        tensor = graph.tensors[name]
        if tensor.dtype != "int8":
            raise node_error(node, f"tensor '{name}' must be int8, it is {tensor.dtype}")
        if tensor.shape[:1] != (1,):
            raise node_error(node, f"tensor '{name}' has shape {list(tensor.shape)}; the batch must be 1")
        if node.op not in ANY_RANK and len(tensor.shape) not in (2, 4):
            raise node_error(node, f"tensor '{name}' has shape {list(tensor.shape)}; legal are [1, K] and [1, C, H, W]")
