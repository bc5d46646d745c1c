"""What each stage allows, beyond what `Graph.verify` checks at every stage.

A node is an accelerator node or a host node (`is_on_host`). Until the quantize stage host nodes are float nodes like
others, and may be of any operator of the imported graph; `onnx` nodes are opaque at every stage.
"""

from __future__ import annotations

from collections.abc import Collection

from compiler.graph import BINARY, CONVERSIONS, HOST_OPS, MOVES, Graph, Node, Op, is_on_host
from compiler.passes.base import ACTIVATED, AFFINE
from compiler.passes.shapes import output_shape
from machine.errors import ModelError
from machine.numerics import INT8_MAX, INT8_MIN

COMPUTING = MOVES | BINARY | {Op.CONV2D, Op.DENSE, Op.MAX_POOL, Op.AVERAGE_POOL, Op.RESHAPE}
IMPORTED = COMPUTING | {
    Op.SOFTMAX, Op.ONNX, Op.FUNCTION, Op.RELU, Op.CLIP, Op.BATCH_NORMALIZATION, Op.GLOBAL_AVERAGE_POOL, Op.IDENTITY,
    Op.CONV_TRANSPOSE2D,
}
CANONICAL = COMPUTING | {Op.SOFTMAX, Op.ONNX, Op.FUNCTION, Op.CLIP, Op.BATCH_NORMALIZATION, Op.CONV_TRANSPOSE2D}
FUSED = COMPUTING | {Op.SOFTMAX, Op.ONNX, Op.FUNCTION}
QUANTIZED = COMPUTING | HOST_OPS | {Op.TABLE}
KEEP_QUANTIZATION = MOVES | {Op.MAX_POOL, Op.RESHAPE}


def verify_imported(graph: Graph) -> None:
    """Check an imported graph: float operators of any form.

    Raises:
        ModelError: an operator, type or shape is not legal (node named).
    """
    _verify_float(graph, IMPORTED)


def verify_canonical(graph: Graph) -> None:
    """Check a canonical graph: no relu, identity or global pooling, and every conv2d and dense has a bias.

    Raises:
        ModelError: an operator, type or shape is not legal (node named).
    """
    _verify_float(graph, CANONICAL)
    for node in graph.nodes():
        if node.op in AFFINE and len(node.inputs) != 3:
            raise node.error(f"needs input, weight and bias, got {len(node.inputs)} inputs")


def verify_fused(graph: Graph) -> None:
    """Check a fused float graph: only operators that the quantizer knows, constants only as weights and biases.

    Raises:
        ModelError: an operator or operand is not legal (node named).
    """
    _verify_float(graph, FUSED)
    for node in graph.nodes():
        _verify_operands(graph, node)
    for name in graph.outputs:
        if graph.producer(name) is None:
            raise ModelError(f"graph output '{name}' is not computed by any node")


def verify_quantized(graph: Graph) -> None:
    """Check a quantized graph: int8 activations with one scale, int8 weights, int32 biases, clamps within int8.

    Host nodes work in float32, `onnx` nodes in types of their own; one sample is one row for all others.

    Raises:
        ModelError: an operator, type, shape or quantization is not legal (node named).
    """
    _verify_operators(graph, QUANTIZED)
    for node in graph.nodes():
        _verify_operands(graph, node)
        _verify_types(graph, node)
        if is_on_host(node):
            continue
        reason = batch_reason(graph, node)
        if reason is not None:
            raise node.error(reason)
        if node.op in KEEP_QUANTIZATION:
            wanted = graph.tensors[node.output].quantization
            if any(graph.tensors[name].quantization != wanted for name in node.inputs):
                raise node.error("output and input must have the same quantization")
        elif node.op in ACTIVATED:
            low, high = node.integer("activation_min"), node.integer("activation_max")
            if not INT8_MIN <= low <= high <= INT8_MAX:
                raise node.error(f"activation range [{low}, {high}] is not a range of int8")


def _verify_operators(graph: Graph, legal: Collection[Op]) -> None:
    for node in graph.nodes():
        if node.op not in legal and not (is_on_host(node) and node.op in IMPORTED):
            raise node.error("the operator is not legal at this stage")
        if node.op is Op.ONNX:
            continue
        if len(node.outputs) != 1:
            raise node.error(f"must have one output, got {len(node.outputs)}")
        expected = output_shape(node, [graph.tensors[name].shape for name in node.inputs])
        if graph.tensors[node.output].shape != expected:
            raise node.error(f"output is {list(graph.tensors[node.output].shape)}, must be {list(expected)}")


def _verify_float(graph: Graph, legal: Collection[Op]) -> None:
    _verify_operators(graph, legal)
    for node in graph.nodes():
        if node.op is Op.ONNX:
            continue
        for name in (*node.inputs, *node.outputs):
            if graph.tensors[name].dtype != "float32":
                raise node.error(f"tensor '{name}' is {graph.tensors[name].dtype}, must be float32")


def _verify_operands(graph: Graph, node: Node) -> None:
    if node.op is Op.ONNX:
        return
    constants = [graph.tensors[name].is_constant for name in node.inputs]
    if node.op in BINARY:
        if all(constants):
            raise node.error("an operand must be computed at run time")
        ranks = [len(graph.tensors[name].shape) for name in node.inputs]
        if len(set(ranks)) > 1:
            raise node.error(f"operands must have the same number of dimensions, got {ranks}")
        return
    wanted = [False] * len(node.inputs)
    if node.op in (Op.CONV2D, Op.DENSE, Op.TABLE):
        wanted = [False] + [True] * (len(node.inputs) - 1)
    if constants != wanted:
        raise node.error("the first input must be computed at run time, weight, bias and table must be constants")


def batch_reason(graph: Graph, node: Node) -> str | None:
    """Return why a node cannot take samples as the rows of its tensors, as accelerator nodes must, None where it can.
    """
    computed = [graph.tensors[name] for name in (*node.inputs, *node.outputs) if not graph.tensors[name].is_constant]
    for tensor in computed:
        if tensor.shape[:1] != (1,):
            return f"tensor '{tensor.name}' is {list(tensor.shape)}; the accelerator's begin with a 1, the batch"
    if node.op is Op.TRANSPOSE and node.integers("permutation")[0] != 0:
        return f"permutation {list(node.integers('permutation'))} moves the batch, which is not supported"
    if node.op is Op.CONCAT and node.integer("axis") == 0:
        return "axis 0, the batch, is not supported"
    return None


def _verify_types(graph: Graph, node: Node) -> None:
    if node.op is Op.ONNX:
        return
    x, y = graph.tensors[node.inputs[0]], graph.tensors[node.output]
    if node.op is Op.TABLE and graph.tensors[node.inputs[1]].dtype != "int8":
        raise node.error(f"the table must be int8, got {graph.tensors[node.inputs[1]].dtype}")
    in_float = is_on_host(node) and node.op not in CONVERSIONS
    source = "float32" if in_float or node.op is Op.QUANTIZE else "int8"
    target = "float32" if in_float or node.op is Op.DEQUANTIZE else "int8"
    if (x.dtype, y.dtype) != (source, target):
        raise node.error(f"must be {source} -> {target}, got {x.dtype} -> {y.dtype}")
    for tensor in (graph.tensors[name] for name in (*node.inputs, *node.outputs)):
        if tensor.dtype != "int8" or (node.op is Op.TABLE and tensor.is_constant):
            continue
        if (node.op in BINARY or not tensor.is_constant) and tensor.affine.axis is not None:
            raise node.error(f"activation '{tensor.name}' must have one scale")
        if not INT8_MIN <= tensor.affine.zero_point <= INT8_MAX:
            raise node.error(f"zero point {tensor.affine.zero_point} of '{tensor.name}' is outside int8")
    if node.op in (Op.CONV2D, Op.DENSE) and not in_float:
        weight, bias = (graph.tensors[name] for name in node.inputs[1:])
        channels = weight.shape[0]
        if (weight.dtype, bias.dtype, bias.shape) != ("int8", "int32", (channels,)):
            raise node.error(f"weight must be int8 and bias int32[{channels}], got {weight.dtype} and "
                             f"{bias.dtype}{list(bias.shape)}")
        if weight.affine.axis != 0 or len(weight.affine.scale) != channels or weight.affine.zero_point:
            raise node.error("weights need one scale for each output channel (axis 0) and zero point 0")
