"""Why the accelerator does not take a node: the reason that the importer keeps, or gives up with."""

from __future__ import annotations

import onnx

from compiler.front import import_model
from compiler.graph import Op
from machine.errors import ModelError


def refusal(model: onnx.ModelProto) -> str:
    """Return why the accelerator does not take the first node of a model that it does not take, node named."""
    try:
        graph = import_model(model)
    except ModelError as error:
        return str(error)
    node = next(node for node in graph.nodes() if node.op is Op.ONNX)
    return f"node '{node.name}' ({node.text('op_type')}): {node.text('reason')}"
