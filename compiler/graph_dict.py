"""Nodes and tensors as JSON-able dicts, and back.

What comes back may have been damaged, so every value's type is checked: a wrong one is a `TypeError` or `ValueError`,
a missing one a `KeyError`, and `Graph.from_dict` makes a `ModelError` of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt

from compiler.graph_types import AttributeValue, Node, Op, Quantization, Tensor


def node_to_dict(node: Node) -> dict[str, Any]:
    """Describe a node."""
    attributes = {key: list(v) if isinstance(v, tuple) else v for key, v in sorted(node.attributes.items())}
    return {
        "name": node.name,
        "op": str(node.op),
        "inputs": list(node.inputs),
        "outputs": list(node.outputs),
        "attributes": attributes,
    }


def node_from_dict(entry: Mapping[str, Any]) -> Node:
    """Return the node that `node_to_dict` described."""
    attributes = {text(key): _attribute(value) for key, value in entry["attributes"].items()}
    return Node(text(entry["name"]), Op(entry["op"]), texts(entry["inputs"]), texts(entry["outputs"]), attributes)


def tensor_to_dict(tensor: Tensor) -> dict[str, Any]:
    """Describe a tensor; a constant's data goes another way."""
    affine = tensor.quantization
    described = None if affine is None else [list(affine.scale), affine.zero_point, affine.axis]
    return {
        "name": tensor.name,
        "shape": list(tensor.shape),
        "dtype": tensor.dtype,
        "quantization": described,
        "constant": tensor.is_constant,
    }


def tensor_from_dict(entry: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]]) -> Tensor:
    """Return the tensor that `tensor_to_dict` described, with its data from `arrays` where it is a constant."""
    name = text(entry["name"])
    affine = None if entry["quantization"] is None else _quantization(*entry["quantization"])
    data = arrays[name] if entry["constant"] else None
    return Tensor(name, tuple(integer(v) for v in entry["shape"]), text(entry["dtype"]), affine, data)


def _quantization(scales: object, zero_point: object, axis: object) -> Quantization:
    if not isinstance(scales, list) or not all(isinstance(scale, float) for scale in scales):
        raise TypeError(f"scales must be a list of numbers, got {scales!r}")
    return Quantization(tuple(scales), integer(zero_point), None if axis is None else integer(axis))


def _attribute(value: object) -> AttributeValue:
    if isinstance(value, bool) or not isinstance(value, int | float | str | list):
        raise TypeError(f"an attribute cannot be {value!r}")
    if not isinstance(value, list):
        return value
    if any(isinstance(v, bool) or not isinstance(v, int | float) for v in value):
        raise TypeError(f"an attribute cannot be {value!r}")
    return tuple(value)


def integer(value: object) -> int:
    """Return the value, which must be an integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"expected an integer, got {value!r}")
    return value


def text(value: object) -> str:
    """Return the value, which must be text."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {value!r}")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Return the values of a list, all of which must be text."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list of text, got {value!r}")
    return tuple(text(v) for v in value)
