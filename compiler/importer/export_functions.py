"""Writing `function` nodes as ONNX operators: one for each call of the expression, equal calls once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compiler.expression import Call, Expression, Variable, parse
from compiler.graph import Graph, Node

OPERATORS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "abs": ("Abs", ()),
    "acos": ("Acos", ()),
    "acosh": ("Acosh", ()),
    "add": ("Add", ()),
    "asin": ("Asin", ()),
    "asinh": ("Asinh", ()),
    "atan": ("Atan", ()),
    "atanh": ("Atanh", ()),
    "ceil": ("Ceil", ()),
    "celu": ("Celu", ("alpha",)),
    "clip": ("Clip", ()),
    "cos": ("Cos", ()),
    "cosh": ("Cosh", ()),
    "div": ("Div", ()),
    "elu": ("Elu", ("alpha",)),
    "erf": ("Erf", ()),
    "exp": ("Exp", ()),
    "floor": ("Floor", ()),
    "hard_sigmoid": ("HardSigmoid", ("alpha", "beta")),
    "hard_swish": ("HardSwish", ()),
    "leaky_relu": ("LeakyRelu", ("alpha",)),
    "log": ("Log", ()),
    "mul": ("Mul", ()),
    "pow": ("Pow", ()),
    "reciprocal": ("Reciprocal", ()),
    "round": ("Round", ()),
    "selu": ("Selu", ("alpha", "gamma")),
    "shrink": ("Shrink", ("bias", "lambd")),
    "sigmoid": ("Sigmoid", ()),
    "sign": ("Sign", ()),
    "sin": ("Sin", ()),
    "sinh": ("Sinh", ()),
    "softplus": ("Softplus", ()),
    "softsign": ("Softsign", ()),
    "sqrt": ("Sqrt", ()),
    "sub": ("Sub", ()),
    "tan": ("Tan", ()),
    "tanh": ("Tanh", ()),
    "thresholded_relu": ("ThresholdedRelu", ("alpha",)),
}
"""The ONNX operator of each function, and the attributes that its last operands are."""


def write_function(graph: Graph, node: Node, extra: list[onnx.TensorProto]) -> list[onnx.NodeProto]:
    """Return the ONNX nodes of a `function` node."""
    writer = _Writer(node, extra)
    writer.write(parse(node.text("expression")), node.output)
    return writer.nodes


@dataclass
class _Writer:
    """The ONNX nodes of one expression under construction."""

    node: Node
    extra: list[onnx.TensorProto]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    known: dict[Expression, str] = field(default_factory=dict)

    def write(self, expression: Expression, output: str | None = None) -> str:
        """Write an expression and return the name of its tensor."""
        if isinstance(expression, Variable) and output is None:
            return self.node.inputs[0]
        if expression in self.known and output is None:
            return self.known[expression]
        name = output or f"{self.node.output}__{len(self.known)}"
        self.known[expression] = name
        if isinstance(expression, float):
            self.extra.append(numpy_helper.from_array(np.array(expression, np.float32), name))
        elif isinstance(expression, Call):
            self._call(expression, name)
        else:
            self._add("Identity", [self.node.inputs[0]], name, {})
        return name

    def _call(self, expression: Call, name: str) -> None:
        op_type, names = OPERATORS[expression.function]
        operands = expression.operands[: len(expression.operands) - len(names)]
        attributes = dict(zip(names, expression.operands[len(operands) :], strict=True))
        self._add(op_type, [self.write(operand) for operand in operands], name, attributes)

    def _add(self, op_type: str, inputs: list[str], output: str, attributes: Mapping[str, Any]) -> None:
        name = self.node.name if output == self.node.output else f"{self.node.name}__{len(self.nodes)}"
        self.nodes.append(helper.make_node(op_type, inputs, [output], name, **attributes))
