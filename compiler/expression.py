"""Functions of one real value, as text such as `mul(x, sigmoid(x))`: what an element-wise operator computes.

An expression is the variable `x`, a number, or the call of a function in `FUNCTIONS`. It is evaluated over float64
arrays (for tables of 256 entries) and written as ONNX operators (`compiler/importer/export_functions.py`).
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from machine.errors import ModelError

Float64Array = npt.NDArray[np.float64]
MOST_CALLS = 64
"""Calls of an expression; longer ones are not made."""
MOST_CHARACTERS = 8192


@dataclass(frozen=True, slots=True)
class Variable:
    """The value that the function is of."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `FUNCTIONS` with its operands."""

    function: str
    operands: tuple[Expression, ...]


Expression = Variable | Call | float
X = Variable()


@dataclass(frozen=True, slots=True)
class Function:
    """What a function computes over float64 arrays, its number of operands, and whether its values have bounds."""

    evaluate: Callable[..., Float64Array]
    operands: int = 1
    bounded: bool = False


def _elu(x: Float64Array, alpha: float) -> Float64Array:
    return np.where(x < 0, alpha * np.expm1(np.minimum(x, 0)), x)


def _selu(x: Float64Array, alpha: float, gamma: float) -> Float64Array:
    return gamma * _elu(x, alpha)


def _celu(x: Float64Array, alpha: float) -> Float64Array:
    return np.maximum(x, 0) + np.minimum(0, alpha * np.expm1(np.minimum(x, 0) / alpha))


def _sigmoid(x: Float64Array) -> Float64Array:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _erf(x: Float64Array) -> Float64Array:
    return np.array([math.erf(value) for value in np.ravel(x)]).reshape(np.shape(x))


def _leaky_relu(x: Float64Array, alpha: float) -> Float64Array:
    return np.where(x < 0, alpha * x, x)


def _shrink(x: Float64Array, bias: float, threshold: float) -> Float64Array:
    return np.where(x < -threshold, x + bias, np.where(x > threshold, x - bias, 0.0))


FUNCTIONS: Mapping[str, Function] = {
    "abs": Function(np.abs),
    "acos": Function(np.arccos),
    "acosh": Function(np.arccosh),
    "add": Function(np.add, 2),
    "asin": Function(np.arcsin),
    "asinh": Function(np.arcsinh),
    "atan": Function(np.arctan, bounded=True),
    "atanh": Function(np.arctanh),
    "ceil": Function(np.ceil),
    "celu": Function(_celu, 2),
    "clip": Function(np.clip, 3, bounded=True),
    "cos": Function(np.cos, bounded=True),
    "cosh": Function(np.cosh),
    "div": Function(np.divide, 2),
    "elu": Function(_elu, 2),
    "erf": Function(_erf, bounded=True),
    "exp": Function(np.exp),
    "floor": Function(np.floor),
    "hard_sigmoid": Function(lambda x, alpha, beta: np.clip(alpha * x + beta, 0, 1), 3, bounded=True),
    "hard_swish": Function(lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "leaky_relu": Function(_leaky_relu, 2),
    "log": Function(np.log),
    "mul": Function(np.multiply, 2),
    "pow": Function(np.power, 2),
    "reciprocal": Function(np.reciprocal),
    "round": Function(np.rint),
    "selu": Function(_selu, 3),
    "shrink": Function(_shrink, 3),
    "sigmoid": Function(_sigmoid, bounded=True),
    "sign": Function(np.sign, bounded=True),
    "sin": Function(np.sin, bounded=True),
    "sinh": Function(np.sinh),
    "softplus": Function(lambda x: np.logaddexp(0, x)),
    "softsign": Function(lambda x: x / (1 + np.abs(x)), bounded=True),
    "sqrt": Function(np.sqrt),
    "sub": Function(np.subtract, 2),
    "tan": Function(np.tan),
    "tanh": Function(np.tanh, bounded=True),
    "thresholded_relu": Function(lambda x, alpha: np.where(x > alpha, x, 0.0), 2),
}


def parse(text: str) -> Expression:
    """Return the expression that a text stands for.

    Raises:
        ModelError: the text is not an expression, or is too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise ModelError(f"an expression of {len(text)} characters; legal are {MOST_CHARACTERS}")
    try:
        return _convert(ast.parse(text, mode="eval").body)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ModelError(f"'{text[:80]}' is not an expression: {error}") from error


def _convert(node: ast.expr) -> Expression:
    match node:
        case ast.Name(id="x"):
            return X
        case ast.Name(id="inf"):
            return math.inf
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            number = _convert(operand)
            if isinstance(number, float):
                return -number
        case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
            if name not in FUNCTIONS:
                raise ValueError(f"unknown function '{name}'")
            if len(args) != FUNCTIONS[name].operands:
                raise ValueError(f"{name} has {FUNCTIONS[name].operands} operands, not {len(args)}")
            return Call(name, tuple(_convert(arg) for arg in args))
    raise ValueError("it may hold x, numbers and calls of functions only")


def call(function: str, *operands: Expression) -> Call:
    """Return the call of a function."""
    return Call(function, operands)


def to_text(expression: Expression) -> str:
    """Return an expression as `parse` reads it."""
    match expression:
        case Variable():
            return "x"
        case Call(function, operands):
            return f"{function}({', '.join(to_text(operand) for operand in operands)})"
        case value:
            return repr(value)


def calls(expression: Expression) -> int:
    """Return the number of calls in an expression."""
    return 1 + sum(calls(operand) for operand in expression.operands) if isinstance(expression, Call) else 0


def substitute(expression: Expression, inner: Expression) -> Expression:
    """Return the expression of which the variable is itself an expression."""
    match expression:
        case Variable():
            return inner
        case Call(function, operands):
            return Call(function, tuple(substitute(operand, inner) for operand in operands))
        case value:
            return value


def evaluate(expression: Expression, x: Float64Array) -> Float64Array:
    """Return a function's values; where it has none they are NaN, beyond its ends infinite."""
    match expression:
        case Variable():
            return x
        case Call(function, operands):
            with np.errstate(all="ignore"):
                values = FUNCTIONS[function].evaluate(*(evaluate(operand, x) for operand in operands))
            return np.asarray(values, np.float64)
        case value:
            return np.full(x.shape, value)


def is_bounded(expression: Expression) -> bool:
    """Whether the outermost function has bounds whatever its operand."""
    return isinstance(expression, Call) and FUNCTIONS[expression.function].bounded
