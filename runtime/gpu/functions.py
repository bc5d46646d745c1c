"""Functions of one real value (`compiler.expression`) on PyTorch tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from compiler.expression import Call, Expression, Variable


def _elu(x: Tensor, alpha: Tensor) -> Tensor:
    return torch.where(x < 0, alpha * torch.expm1(x.clamp(max=0)), x)


def _celu(x: Tensor, alpha: Tensor) -> Tensor:
    return x.clamp(min=0) + (alpha * torch.expm1(x.clamp(max=0) / alpha)).clamp(max=0)


def _clip(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return torch.minimum(torch.maximum(x, low), high)


def _shrink(x: Tensor, bias: Tensor, threshold: Tensor) -> Tensor:
    return torch.where(x < -threshold, x + bias, torch.where(x > threshold, x - bias, torch.zeros_like(x)))


def _softplus(x: Tensor) -> Tensor:
    return torch.logaddexp(torch.zeros_like(x), x)


FUNCTIONS: Mapping[str, Callable[..., Tensor]] = {
    "abs": torch.abs,
    "acos": torch.acos,
    "acosh": torch.acosh,
    "add": torch.add,
    "asin": torch.asin,
    "asinh": torch.asinh,
    "atan": torch.atan,
    "atanh": torch.atanh,
    "ceil": torch.ceil,
    "celu": _celu,
    "clip": _clip,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "div": torch.div,
    "elu": _elu,
    "erf": torch.erf,
    "exp": torch.exp,
    "floor": torch.floor,
    "hard_sigmoid": lambda x, alpha, beta: (alpha * x + beta).clamp(0, 1),
    "hard_swish": lambda x: x * (x / 6 + 0.5).clamp(0, 1),
    "leaky_relu": lambda x, alpha: torch.where(x < 0, alpha * x, x),
    "log": torch.log,
    "mul": torch.mul,
    "pow": torch.pow,
    "reciprocal": torch.reciprocal,
    "round": torch.round,
    "selu": lambda x, alpha, gamma: gamma * _elu(x, alpha),
    "shrink": _shrink,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "softplus": _softplus,
    "softsign": lambda x: x / (1 + x.abs()),
    "sqrt": torch.sqrt,
    "sub": torch.sub,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "thresholded_relu": lambda x, alpha: torch.where(x > alpha, x, torch.zeros_like(x)),
}
"""The same names as `compiler.expression.FUNCTIONS`."""


def evaluate(expression: Expression, x: Tensor) -> Tensor:
    """Return a function's values in the type of `x`."""
    match expression:
        case Variable():
            return x
        case Call(function, operands):
            return FUNCTIONS[function](*(evaluate(operand, x) for operand in operands))
        case value:
            return x.new_full((), value)
