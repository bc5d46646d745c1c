"""Handlers of element-wise functions: each becomes a `function` with an expression (`compiler/expression.py`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from compiler.expression import Expression, X, call, to_text
from compiler.graph import Op, Tensor
from compiler.importer.context import Context, OnnxNode
from compiler.importer.handlers_affine import scale

Handler = Callable[[Context, OnnxNode], None]
SELU = {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}
"""Defaults of Selu: ONNX's float32 values."""


def emit_function(context: Context, node: OnnxNode, expression: Expression) -> None:
    """Emit a function of the node's first input."""
    context.emit(node, Op.FUNCTION, context.activation(node), attributes={"expression": to_text(expression)})


def _function(op_type: str, function: str, **parameters: float) -> Handler:
    """Return a handler of an operator that is a function; the parameters are attributes with their defaults."""

    def handler(context: Context, node: OnnxNode) -> None:
        values = [_finite(node, name, default) for name, default in parameters.items()]
        emit_function(context, node, call(function, X, *values))

    rules = "".join(f"\n    {name} is a finite number" for name in parameters)
    handler.__doc__ = f"{op_type}, a table." + (f"\n\nConstraints:{rules}" if rules else "")
    return handler


def _finite(node: OnnxNode, name: str, default: float) -> float:
    value = node.number(name, default)
    if not math.isfinite(value):
        raise node.error(f"{name} is {value}; only a finite number is supported")
    return value


def gelu(context: Context, node: OnnxNode) -> None:
    """Gelu, a table; both approximations, and what exporters write out for them.

    Constraints:
        approximate is none or tanh
    """
    approximate = node.text("approximate", "none")
    if approximate not in ("none", "tanh"):
        raise node.error(f"approximate '{approximate}' is not supported; none and tanh are")
    if approximate == "none":
        inner = call("erf", call("mul", X, math.sqrt(0.5)))
    else:
        cubic = call("add", X, call("mul", 0.044715, call("pow", X, 3.0)))
        inner = call("tanh", call("mul", math.sqrt(2 / math.pi), cubic))
    emit_function(context, node, call("mul", call("mul", 0.5, X), call("add", inner, 1.0)))


def mish(context: Context, node: OnnxNode) -> None:
    """Mish, a table; so is x * tanh(softplus(x)) written out."""
    emit_function(context, node, call("mul", X, call("tanh", call("softplus", X))))


def swish(context: Context, node: OnnxNode) -> None:
    """Swish, a table; so is x * sigmoid(x) written out.

    Constraints:
        alpha is a finite number
    """
    alpha = _finite(node, "alpha", 1.0)
    inner = X if alpha == 1 else call("mul", X, alpha)
    emit_function(context, node, call("mul", X, call("sigmoid", inner)))


def power(context: Context, node: OnnxNode) -> None:
    """Pow with a constant exponent, or of a constant base, a table.

    Constraints:
        the exponent or the base is a constant with one finite value
    """
    index = 0 if context.tensor(node, 0).is_constant else 1
    x, value = context.activation(node, 1 - index), context.number(node, index, ("base", "exponent")[index])
    rank = len(context.tensor(node, index).shape)
    if not math.isfinite(value) or rank > len(x.shape):
        raise node.error(f"'{node.inputs[index]}' is {value} in {rank} dimensions; only one finite value, in no more "
                         f"dimensions than the {len(x.shape)} of the input, is supported")
    operands: list[Expression] = [X, X]
    operands[index] = value
    expression = to_text(call("pow", *operands))
    context.emit(node, Op.FUNCTION, x, attributes={"expression": expression})


def prelu(context: Context, node: OnnxNode) -> None:
    """PRelu; with one slope a table, else x + (slope - 1) * min(x, 0).

    Constraints:
        the slopes are finite float32 constants that broadcast to the input
    """
    x, slope = context.activation(node), context.weight(node, 1, "slope")
    padded = (1,) * (len(x.shape) - slope.ndim) + slope.shape
    if len(padded) != len(x.shape) or any(s not in (1, n) for s, n in zip(padded, x.shape, strict=True)):
        raise node.error(f"slope {list(slope.shape)} does not broadcast to input {list(x.shape)}")
    if (slope == slope.flat[0]).all():
        emit_function(context, node, call("leaky_relu", X, float(slope.flat[0])))
        return

    def clipped(source: Tensor, **bound: float) -> Tensor:
        name = context.unique_tensor_name(f"{node.outputs[0]}_clipped")
        return context.emit_as(node, name, Op.CLIP, source, attributes=bound)

    def scaled(source: Tensor) -> Tensor:
        return scale(context, node, context.unique_tensor_name(f"{node.outputs[0]}_scaled"), source, slope - 1)

    if (slope <= 1).all():  # then (slope - 1) * min(x, 0) is max((slope - 1) * x, 0), and the scaling takes the clip in
        correction = clipped(scaled(x), min=0.0)
    elif (slope >= 1).all():
        correction = clipped(scaled(x), max=0.0)
    else:
        correction = scaled(clipped(x, max=0.0))
    context.emit(node, Op.ADD, x, second=correction)


FUNCTION_HANDLERS: Mapping[str, Handler] = {
    "Abs": _function("Abs", "abs"),
    "Acos": _function("Acos", "acos"),
    "Acosh": _function("Acosh", "acosh"),
    "Asin": _function("Asin", "asin"),
    "Asinh": _function("Asinh", "asinh"),
    "Atan": _function("Atan", "atan"),
    "Atanh": _function("Atanh", "atanh"),
    "Ceil": _function("Ceil", "ceil"),
    "Celu": _function("Celu", "celu", alpha=1.0),
    "Cos": _function("Cos", "cos"),
    "Cosh": _function("Cosh", "cosh"),
    "Elu": _function("Elu", "elu", alpha=1.0),
    "Erf": _function("Erf", "erf"),
    "Exp": _function("Exp", "exp"),
    "Floor": _function("Floor", "floor"),
    "Gelu": gelu,
    "HardSigmoid": _function("HardSigmoid", "hard_sigmoid", alpha=0.2, beta=0.5),
    "HardSwish": _function("HardSwish", "hard_swish"),
    "LeakyRelu": _function("LeakyRelu", "leaky_relu", alpha=0.01),
    "Log": _function("Log", "log"),
    "Mish": mish,
    "PRelu": prelu,
    "Pow": power,
    "Reciprocal": _function("Reciprocal", "reciprocal"),
    "Round": _function("Round", "round"),
    "Selu": _function("Selu", "selu", **SELU),
    "Shrink": _function("Shrink", "shrink", bias=0.0, lambd=0.5),
    "Sigmoid": _function("Sigmoid", "sigmoid"),
    "Sign": _function("Sign", "sign"),
    "Sin": _function("Sin", "sin"),
    "Sinh": _function("Sinh", "sinh"),
    "Softplus": _function("Softplus", "softplus"),
    "Softsign": _function("Softsign", "softsign"),
    "Sqrt": _function("Sqrt", "sqrt"),
    "Swish": swish,
    "Tan": _function("Tan", "tan"),
    "Tanh": _function("Tanh", "tanh"),
    "ThresholdedRelu": _function("ThresholdedRelu", "thresholded_relu", alpha=1.0),
}
