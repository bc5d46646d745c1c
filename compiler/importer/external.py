"""Weights that lie in files beside the model: read only from its own folder, and only as many bytes as a tensor has."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import onnx
from onnx import AttributeProto, TensorProto, helper

from machine.errors import ModelError

PACKED_BITS: Mapping[int, int] = {
    TensorProto.UINT4: 4, TensorProto.INT4: 4, TensorProto.FLOAT4E2M1: 4, TensorProto.UINT2: 2, TensorProto.INT2: 2,
}
"""Element types of which a byte holds several."""


def read_external(model: onnx.ModelProto, folder: Path) -> None:
    """Read the external tensors of a model from files in its folder, in place.

    Raises:
        ModelError: one lies outside the folder, is missing, or holds another number of bytes (tensor named).
    """
    for tensor in external_tensors(model):
        tensor.raw_data = _read(tensor, folder.resolve())
        tensor.data_location = TensorProto.DEFAULT
        tensor.ClearField("external_data")


def refuse_external(model: onnx.ModelProto) -> None:
    """Refuse a model without a folder that needs one.

    Raises:
        ModelError: a tensor has external data.
    """
    for tensor in external_tensors(model):
        raise ModelError(f"tensor '{tensor.name}' has external data; give the model as a path")


def external_tensors(model: onnx.ModelProto) -> Iterator[TensorProto]:
    """Return the tensors of the model whose values lie in other files, wherever in it they are."""
    graphs, nodes = [model.graph], [node for function in model.functions for node in function.node]
    while graphs or nodes:
        if not nodes:
            graph = graphs.pop()
            nodes += graph.node
            sparse = [part for entry in graph.sparse_initializer for part in (entry.values, entry.indices)]
            yield from (t for t in (*graph.initializer, *sparse) if t.data_location == TensorProto.EXTERNAL)
            continue
        for attribute in nodes.pop().attribute:
            yield from (t for t in _tensors(attribute) if t.data_location == TensorProto.EXTERNAL)
            graphs += [*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])]


def _tensors(attribute: AttributeProto) -> list[TensorProto]:
    sparse = [*attribute.sparse_tensors, *([attribute.sparse_tensor] if attribute.HasField("sparse_tensor") else [])]
    parts = [part for entry in sparse for part in (entry.values, entry.indices)]
    return [*attribute.tensors, *([attribute.t] if attribute.HasField("t") else []), *parts]


def _read(tensor: TensorProto, folder: Path) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    try:
        target = (folder / location).resolve()
        offset, length = int(entries.get("offset") or 0), int(entries.get("length") or _bytes_of(tensor))
    except (RuntimeError, OSError):
        raise ModelError(f"tensor '{tensor.name}': external data '{location}' is a link to itself") from None
    except (TypeError, ValueError):  # text that is not UTF-8, a zero byte in the path, no number
        raise ModelError(f"tensor '{tensor.name}': its external data is not a file's name and two numbers") from None
    if not target.is_relative_to(folder):
        raise ModelError(f"tensor '{tensor.name}': external data '{location}' lies outside the model's folder")
    if not target.is_file():
        raise ModelError(f"tensor '{tensor.name}': external data file '{location}' does not exist")
    if length != _bytes_of(tensor) or offset < 0 or offset + length > target.stat().st_size:
        raise ModelError(f"tensor '{tensor.name}' needs {_bytes_of(tensor)} bytes; its external data is {length} at "
                         f"{offset} of the {target.stat().st_size} bytes of '{location}'")
    try:
        with target.open("rb") as file:
            file.seek(offset)
            return bytes(file.read(length))
    except OSError as error:
        raise ModelError(f"tensor '{tensor.name}': cannot read external data '{location}': {error.strerror}") from None


def _bytes_of(tensor: TensorProto) -> int:
    """Return the bytes that the tensor's values take in a file.

    Raises:
        ModelError: no such type, or one without a fixed size.
    """
    bits = PACKED_BITS.get(tensor.data_type, 0)
    if not bits:
        try:
            kind = helper.tensor_dtype_to_np_dtype(tensor.data_type)
        except KeyError:
            raise ModelError(f"tensor '{tensor.name}' has the unknown type {tensor.data_type}") from None
        if kind.hasobject:
            raise ModelError(f"tensor '{tensor.name}' is text, which cannot be external data")
        bits = 8 * kind.itemsize
    return int(-(-math.prod(tensor.dims) * bits // 8))
