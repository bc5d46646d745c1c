"""Reading an ONNX model and refusing what is not one: every failure is a `ModelError` of one line."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from pathlib import Path

import onnx

from machine.errors import ModelError

MINIMUM_OPSET = 7
ModelSource = str | PathLike[str] | bytes | onnx.ModelProto


def load(source: ModelSource) -> onnx.ModelProto:
    """Return the checked model of a path, of a file's bytes, or of a model already in memory.

    Raises:
        ModelError: unreadable, not ONNX, external data outside the model's folder, an opset that is not supported, or
            refused by the ONNX checker.
    """
    if isinstance(source, onnx.ModelProto):
        model = source
        _refuse_external(model)
    elif isinstance(source, bytes):
        model = _parse(source, "the given bytes")
        _refuse_external(model)
    else:
        model = _load_path(Path(source))
    opset(model)
    _refuse_damaged_text(model.graph)
    _refuse_unknown_operators(model.graph)
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise ModelError(f"the ONNX checker refuses the model: {one_line(error)}") from error
    return model


def opset(model: onnx.ModelProto) -> int:
    """Return the version of the standard operator set that the model uses.

    Raises:
        ModelError: there is none, or it is not supported.
    """
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    newest = onnx.defs.onnx_opset_version()
    if not versions:
        raise ModelError("the model imports no version of the standard ONNX operator set")
    if not MINIMUM_OPSET <= versions[0] <= newest:
        raise ModelError(f"the model uses ONNX opset {versions[0]}; supported are {MINIMUM_OPSET} to {newest}")
    return int(versions[0])


def one_line(error: BaseException) -> str:
    """Return an error's text on one line, shortened."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 300 else text[:297] + "..."


def _load_path(path: Path) -> onnx.ModelProto:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"cannot read model '{path}': {error.strerror}") from error
    model = _parse(content, f"'{path}'")
    folder = path.resolve().parent
    for tensor in _external(model):
        location = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
        target = (folder / location).resolve()
        if not target.is_relative_to(folder):
            raise ModelError(f"tensor '{tensor.name}': external data '{location}' lies outside the model's folder")
        if not target.is_file():
            raise ModelError(f"tensor '{tensor.name}': external data file '{location}' does not exist")
    try:
        onnx.load_external_data_for_model(model, str(folder))
    except Exception as error:
        raise ModelError(f"cannot read the external data of '{path}': {one_line(error)}") from error
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


def _external(model: onnx.ModelProto) -> Iterable[onnx.TensorProto]:
    held = [a.t for node in model.graph.node for a in node.attribute if a.type == onnx.AttributeProto.TENSOR]
    return [t for t in (*model.graph.initializer, *held) if t.data_location == onnx.TensorProto.EXTERNAL]


def _refuse_external(model: onnx.ModelProto) -> None:
    for tensor in _external(model):
        raise ModelError(f"tensor '{tensor.name}' has external data; give the model as a path")


def _refuse_damaged_text(graph: onnx.GraphProto) -> None:
    """Protobuf gives text that is not UTF-8 as bytes; nothing after this expects it."""
    texts: list[object] = [value.name for value in (*graph.input, *graph.output, *graph.initializer)]
    for node in graph.node:
        texts += [node.name, node.op_type, node.domain, *node.input, *node.output, *(a.name for a in node.attribute)]
    for text in texts:
        if not isinstance(text, str):
            raise ModelError(f"the model holds a name that is not UTF-8 text: {text!r}")


def _refuse_unknown_operators(graph: onnx.GraphProto) -> None:
    for index, node in enumerate(graph.node):
        name = node.name or f"{node.op_type}_{index}"
        if node.domain not in ("", "ai.onnx"):
            raise ModelError(f"node '{name}' ({node.domain}.{node.op_type}): "
                             "operators outside the standard ONNX domain are not supported")
        if not onnx.defs.has(node.op_type):
            raise ModelError(f"node '{name}' ({node.op_type}): not an operator of the standard ONNX domain")
    for sparse in graph.sparse_initializer:
        raise ModelError(f"tensor '{sparse.values.name}': sparse initializers are not supported")
