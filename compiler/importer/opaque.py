"""`Op.ONNX`: an ONNX operator that has no form in this graph, kept as the model wrote it and run by ONNX Runtime.

Attributes of such a node:

- `op_type`, `domain`, `opset`: the operator, its domain ("" is ONNX's own) and the version of its domain;
- `definition`: the serialised `NodeProto` in base64. Its inputs and outputs are the positions ("0", "1", ...) of the
  graph's tensors in the node's `inputs` and `outputs`, or "" where an optional one is omitted;
- `reason`: why the operator has no form of its own.

Inputs and outputs are of any number, type and rank; shapes do not depend on values.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import onnx

from compiler.graph import REASON, AttributeValue, Node, Op
from machine.text import one_line


def opaque_node(
    proto: onnx.NodeProto, name: str, opset: int, inputs: Sequence[str], outputs: Sequence[str], reason: str
) -> Node:
    """Return an ONNX node as an `Op.ONNX` node; `inputs` and `outputs` are graph tensors, "" where omitted.

    Tensors keep their order; one that is read twice is listed twice.
    """
    definition = onnx.NodeProto()
    definition.CopyFrom(proto)
    given, written = ([tensor for tensor in names if tensor] for names in (inputs, outputs))
    for field, names in ((definition.input, inputs), (definition.output, outputs)):
        positions = iter(range(len(names)))
        del field[:]
        field.extend(str(next(positions)) if tensor else "" for tensor in names)
    definition.ClearField("name")
    definition.ClearField("doc_string")
    attributes: dict[str, AttributeValue] = {
        "op_type": proto.op_type,
        "domain": "" if proto.domain == "ai.onnx" else proto.domain,
        "opset": opset,
        "definition": base64.b64encode(definition.SerializeToString(deterministic=True)).decode("ascii"),
        REASON: reason,
    }
    return Node(name, Op.ONNX, tuple(given), tuple(written), attributes)


def onnx_node(node: Node) -> onnx.NodeProto:
    """Return an `Op.ONNX` node as an ONNX node with the names of the graph's tensors.

    Raises:
        ModelError: its definition is damaged.
    """
    proto = onnx.NodeProto()
    try:
        proto.ParseFromString(base64.b64decode(node.text("definition"), validate=True))
        for field, names in ((proto.input, node.inputs), (proto.output, node.outputs)):
            chosen = [names[int(position)] if position else "" for position in field]
            del field[:]
            field.extend(chosen)
    except Exception as error:  # protobuf has no public base class of its errors
        raise node.error(f"its definition is damaged ({one_line(error)})") from error
    proto.name = node.name
    return proto
