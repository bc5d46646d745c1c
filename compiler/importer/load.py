"""Reading an ONNX model and refusing what is not one: every failure is a `ModelError` of one line."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import onnx

from compiler.importer.external import read_external, refuse_external
from compiler.importer.node_order import in_order
from machine.errors import ModelError
from machine.files import read_file
from machine.text import one_line

MINIMUM_OPSET = 7
MOST_BYTES = (1 << 31) - 1
"""Bytes of a model file: what a protobuf message can hold."""
MOST_NODES = 50_000
"""Nodes of a model; those of the field have hundreds to a few thousand."""
STANDARD = ("", "ai.onnx")
"""Both names of the domain of ONNX's own operators."""
ModelSource = str | PathLike[str] | bytes | onnx.ModelProto


def load(source: ModelSource) -> onnx.ModelProto:
    """Return the checked model of a path, of a file's bytes, or of a model already in memory.

    Raises:
        ModelError: unreadable, not ONNX, external data outside the model's folder, an opset that is not supported, or
            refused by the ONNX checker.
    """
    if isinstance(source, onnx.ModelProto):
        model = source
        refuse_external(model)
    elif isinstance(source, bytes):
        model = _parse(source, "the given bytes")
        refuse_external(model)
    else:
        model = _load_path(Path(source))
    opset(model)
    if len(model.graph.node) > MOST_NODES:
        raise ModelError(f"the model has {len(model.graph.node)} nodes; up to {MOST_NODES} are supported")
    _refuse_damaged_text(model.graph)
    _refuse_tensors_without_size(model.graph)
    _refuse_unknown_operators(model.graph)
    model = in_order(model)
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise ModelError(f"the ONNX checker refuses the model: {one_line(error)}") from error
    return model


def opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operator set that the model uses.

    Raises:
        ModelError: there is none or more than one, or it is not supported.
    """
    versions = sorted({entry.version for entry in model.opset_import if entry.domain in STANDARD})
    newest = onnx.defs.onnx_opset_version()
    if len(versions) != 1:
        found = f"versions {versions}" if versions else "no version"
        raise ModelError(f"the model imports {found} of the standard ONNX operator set; it needs one")
    if not MINIMUM_OPSET <= versions[0] <= newest:
        raise ModelError(f"the model uses ONNX opset {versions[0]}; supported are {MINIMUM_OPSET} to {newest}")
    return int(versions[0])


def versions(model: onnx.ModelProto) -> dict[str, int]:
    """Return the version of each domain of operators that the model imports; that of the standard one is ""."""
    return {"" if entry.domain in STANDARD else entry.domain: entry.version for entry in model.opset_import}


def _load_path(path: Path) -> onnx.ModelProto:
    try:
        content = read_file(path, MOST_BYTES)
    except (OSError, ValueError) as error:  # a ValueError is a path with a zero byte
        raise ModelError(f"cannot read model '{path}': {getattr(error, 'strerror', None) or error}") from error
    model = _parse(content, f"'{path}'")
    read_external(model, path.resolve().parent)
    return model


def _parse(content: bytes, what: str) -> onnx.ModelProto:
    model = onnx.ModelProto()
    try:
        model.ParseFromString(content)
    except Exception as error:
        raise ModelError(f"{what} is not an ONNX model") from error
    if not model.opset_import or not model.HasField("graph"):
        raise ModelError(f"{what} is not an ONNX model")
    return model


def _refuse_damaged_text(graph: onnx.GraphProto) -> None:
    """Protobuf gives text that is not UTF-8 as bytes; nothing after this expects it."""
    texts: list[object] = [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    dims = [dim for value in graph.input for dim in value.type.tensor_type.shape.dim]
    texts += [dim.dim_param for dim in dims]
    for node in graph.node:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output, *(a.name for a in node.attribute)]
    for text in texts:
        if not isinstance(text, str):
            raise ModelError(f"the model holds a name that is not UTF-8 text: {text!r}")


def _refuse_tensors_without_size(graph: onnx.GraphProto) -> None:
    for tensor in graph.initializer:
        if min(tensor.dims, default=1) < 0:
            raise ModelError(f"tensor '{tensor.name}' has shape {list(tensor.dims)}; sizes are at least 0")


def _refuse_unknown_operators(graph: onnx.GraphProto) -> None:
    for index, node in enumerate(graph.node):
        name = node.name or f"{node.op_type}_{index}"
        if node.domain in STANDARD and not onnx.defs.has(node.op_type):
            raise ModelError(f"node '{name}' ({node.op_type}): not an operator of the standard ONNX domain")
    for sparse in graph.sparse_initializer:
        raise ModelError(f"tensor '{sparse.values.name}': sparse initializers are not supported")
