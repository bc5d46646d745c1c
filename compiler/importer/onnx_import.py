"""The import stage: an ONNX model becomes a float graph of tpukit's operators, or is refused by name."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import onnx
from onnx import numpy_helper

from compiler.graph import Graph, Tensor
from compiler.importer.constants import evaluate, is_constant
from compiler.importer.context import Context, OnnxNode
from compiler.importer.fallback import DTYPES, put_on_host
from compiler.importer.float_session import is_independent
from compiler.importer.load import STANDARD, ModelSource, load, opset, versions
from compiler.importer.registry import HANDLERS
from compiler.passes.shapes import MOST_DIMENSIONS, MOST_ELEMENTS
from machine.errors import ModelError
from machine.text import one_line


def import_onnx(source: ModelSource, shapes: Mapping[str, Sequence[int]] | None = None) -> Graph:
    """Import an ONNX model (a path, a file's bytes, or a `ModelProto`) as a float graph.

    `shapes` gives graph inputs with dynamic dimensions their shape. The graph is that of one sample: where all inputs
    begin with the same fixed batch, of one of these; where they do not, or where something in the model may mix the
    samples of a batch, one sample is all that the model takes at once. Nodes whose inputs are all constants are
    evaluated here. A node that has no form of its own becomes an `onnx` node.

    Raises:
        ModelError: not an ONNX model, or something in it is not supported (node, operator and reason named).
    """
    model = load(source)
    batch = shared_batch(model, shapes)
    if batch is None or batch == 1:
        return _import(model, shapes, None)
    try:
        graph = _import(model, shapes, batch)
    except ModelError:
        return _import(model, shapes, None)
    independent = all(is_independent(graph, node) for node in graph.nodes())
    return graph if independent else _import(model, shapes, None)


def own_batch(graph: Graph, model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]] | None = None) -> int:
    """Return how many samples of the imported graph a model takes at once; 1 where it takes any number."""
    mapped = all(graph.tensors[name].shape[:1] == (1,) for name in graph.inputs)
    return (mapped and shared_batch(model, shapes)) or 1


def _import(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]] | None, batch: int | None) -> Graph:
    """Import a checked model; a batch is taken out of all shapes, without one they are as they are."""
    written = frozenset(name for proto in model.graph.node for name in proto.output)
    context = Context(opset(model), versions(model), model_names=written, batch=batch or 1)
    _read_initializers(model.graph, context)
    inputs = _read_inputs(model.graph, context, dict(shapes or {}), batch is not None)
    read = {name for proto in model.graph.node for name in proto.input} | {value.name for value in model.graph.output}
    for index, proto in enumerate(model.graph.node):
        name = proto.name or f"{proto.op_type}_{index}"
        _import_node(context, OnnxNode.of(proto, name), read)
    return context.graph(inputs, _read_outputs(model.graph, context))


def shared_batch(model: onnx.ModelProto, shapes: Mapping[str, Sequence[int]] | None = None) -> int | None:
    """Return how many samples a model takes at once, or is told to by `shapes`; 1 where it takes any number.

    None is returned where its inputs take different numbers, or have no dimension beside that of the samples.
    """
    constants = {initializer.name for initializer in model.graph.initializer}
    found = set()
    for value in model.graph.input:
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        given = list((shapes or {}).get(value.name, sizes))
        if value.name not in constants:
            if len(given) < 2:
                return None
            found.add(max(int(given[0]), 1))
    return found.pop() if len(found) == 1 else None


def _import_node(context: Context, node: OnnxNode, read: Container[str]) -> None:
    if node.op_type != "Shape" and is_constant(context, node):
        values = evaluate(context, node)
        context.tensors |= {
            name: Tensor.constant(name, value) for name, value in zip(node.outputs, values, strict=False) if name
        }
        return
    handler = HANDLERS.get(node.op_type) if node.proto.domain in STANDARD else None
    if handler is None:
        put_on_host(context, node, "the accelerator has no such operator")
        return
    mark = context.mark()
    try:
        handler(context, node)
        _check_outputs(context, node, read)
    except ModelError as error:
        context.undo(mark)
        put_on_host(context, node, str(error).removeprefix(str(node.error(""))))


def _check_outputs(context: Context, node: OnnxNode, read: Container[str]) -> None:
    for name in node.outputs:
        if name in read and name not in context.tensors:
            raise node.error(f"its output '{name}' is read, which is not supported")


def _read_initializers(graph: onnx.GraphProto, context: Context) -> None:
    for initializer in graph.initializer:
        try:
            data = numpy_helper.to_array(initializer)
        except Exception as error:
            raise ModelError(f"tensor '{initializer.name}' cannot be read: {one_line(error)}") from error
        context.tensors[initializer.name] = Tensor.constant(initializer.name, data)


def _read_inputs(
    graph: onnx.GraphProto, context: Context, shapes: dict[str, Sequence[int]], one_of_batch: bool
) -> list[str]:
    names = [value.name for value in graph.input if value.name not in context.tensors]
    for name in shapes:
        if name not in names:
            raise ModelError(f"a shape is given for '{name}', but the model's inputs are {names}")
    for value in graph.input:
        if value.name in names:
            tensor = _input_tensor(value, shapes.get(value.name))
            context.tensors[value.name] = replace(tensor, shape=(1, *tensor.shape[1:])) if one_of_batch else tensor
    return names


def _input_tensor(value: onnx.ValueInfoProto, given: Sequence[int] | None) -> Tensor:
    kind = value.type.tensor_type
    dtype = _dtype(kind.elem_type) if value.type.HasField("tensor_type") else ""
    if dtype not in DTYPES.values():
        raise ModelError(f"input '{value.name}' is {_kind(value.type)}; legal are tensors of "
                         f"{', '.join(DTYPES.values())}")
    if not kind.HasField("shape") and given is None:
        raise ModelError(f"input '{value.name}' has no shape: give it, for example --shape {value.name}=1,3,224,224")
    declared = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in kind.shape.dim]
    if given is None:
        shape = _static_shape(value, declared)
    else:
        shape = tuple(int(size) for size in given)
        if kind.HasField("shape") and (
            len(shape) != len(declared) or any(d not in (None, s) for d, s in zip(declared[1:], shape[1:], strict=True))
        ):
            raise ModelError(f"input '{value.name}' is {_described(value)}; the given shape {list(shape)} does not fit")
    if min(shape, default=1) < 1:
        raise ModelError(f"input '{value.name}' has shape {list(shape)}; all dimensions must be positive")
    if math.prod(shape) > MOST_ELEMENTS or len(shape) > MOST_DIMENSIONS:
        raise ModelError(f"input '{value.name}' has shape {list(shape)}; up to {MOST_ELEMENTS} values in "
                         f"{MOST_DIMENSIONS} dimensions are supported")
    return Tensor(value.name, shape, dtype)


def _dtype(element: int) -> str:
    """Return the NumPy name of an ONNX type, "" where it has none."""
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(element))
    except KeyError:
        return ""


def _kind(kind: onnx.TypeProto) -> str:
    if not kind.HasField("tensor_type"):
        return "no tensor"
    names = onnx.TensorProto.DataType
    element = kind.tensor_type.elem_type
    return names.Name(element) if element in names.values() else f"of the unknown type {element}"


def _static_shape(value: onnx.ValueInfoProto, declared: Sequence[int | None]) -> tuple[int, ...]:
    sizes = [declared[0] or 1, *declared[1:]] if declared else []
    static = tuple(size for size in sizes if size is not None)
    if len(static) == len(sizes):
        return static
    first = declared[0] if declared[0] is not None else 1
    example = ",".join([str(first), *("?" if size is None else str(size) for size in declared[1:])])
    raise ModelError(f"input '{value.name}' has a dynamic dimension, {_described(value)}: "
                     f"give its shape with --shape {value.name}={example}")


def _described(value: onnx.ValueInfoProto) -> str:
    sizes = [d.dim_param or str(d.dim_value or "?") for d in value.type.tensor_type.shape.dim]
    return f"[{', '.join(sizes)}]"


def _read_outputs(graph: onnx.GraphProto, context: Context) -> list[str]:
    names = [value.name for value in graph.output]
    if not names:
        raise ModelError("the model has no outputs; at least one is needed")
    for name in names:
        if names.count(name) > 1:
            raise ModelError(f"graph output '{name}' is listed {names.count(name)} times")
        if name in context.extra_outputs:
            raise ModelError(f"graph output '{name}' is {context.extra_outputs[name]}, which is not supported")
        if name not in context.tensors:
            raise ModelError(f"graph output '{name}' is written by no node")
        if context.tensors[name].is_constant:
            raise ModelError(f"graph output '{name}' is a constant")
    return names
