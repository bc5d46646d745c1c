"""Exact products of int8 matrices: by the device's own int8 product, else in floating point within a proven bound."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as functional
from torch import Tensor

from runtime.gpu.device import has_int8_product

Product = Callable[[Tensor], Tensor]
"""int8[m, k] -> integers[m, n], equal to the exact sums modulo 2**32."""
OPERAND_LIMIT = 128
"""Largest magnitude of an int8 value."""
SINGLE_BOUND = 1 << 24
INT32_BOUND = 1 << 31
MOST_FLOATS = 1 << 26
"""Values of an operand that are held in floating point at one time."""
GRANULE, FEWEST_ROWS = 8, 32
"""What `torch._int_mm` asks of a CUDA device: k and n multiples of 8, more than 16 rows."""


def product_with(weight: Tensor) -> Product:
    """Return the product with a weight, int8[n, k], on the weight's device.

    Raises:
        OverflowError: k is so large that no exact product is known.
    """
    if has_int8_product(weight.device) and _bound(weight) < INT32_BOUND:
        return int8_product(weight)
    return float_product(weight)


def int8_product(weight: Tensor) -> Product:
    """Multiply in int8 with int32 sums, operands made up with zeros to what the device asks for.

    No sum can leave int32 (the caller has looked at the bound), so that it does not matter how the device overflows.
    """
    n, k = weight.shape
    wide = _multiple(k)
    matrix = functional.pad(weight, (0, wide - k, 0, _multiple(n) - n)).t()

    def multiply(x: Tensor) -> Tensor:
        m = len(x)
        padded = functional.pad(x, (0, wide - k, 0, max(0, FEWEST_ROWS - m)))
        return torch._int_mm(padded.contiguous(), matrix)[:m, :n]

    return multiply


def float_product(weight: Tensor) -> Product:
    """Multiply in single or double precision.

    Any partial sum, in any order, is an integer of at most 128 times the largest sum of a row's magnitudes: below 2**24
    single precision represents all of them, below 2**53 double precision does. A global setting that lets PyTorch round
    operands of single precision (TF32, bfloat16) rules it out.

    Raises:
        OverflowError: the bound of double precision is passed.
    """
    bound = _bound(weight)
    if bound >= 1 << 53:
        raise OverflowError(f"a sum of {weight.shape[1]} products is not exact in double precision")
    single = bound < SINGLE_BOUND and torch.get_float32_matmul_precision() == "highest"
    dtype = torch.float32 if single else torch.float64
    matrix = weight.to(dtype).t()
    rows = max(1, MOST_FLOATS // max(1, weight.shape[1]))

    def multiply(x: Tensor) -> Tensor:
        return torch.cat([(part.to(dtype) @ matrix).to(torch.int64) for part in torch.split(x, rows)])

    return multiply


def _bound(weight: Tensor) -> int:
    """Return what no partial sum of a product with the weight passes."""
    return OPERAND_LIMIT * int(weight.to(torch.int64).abs().sum(dim=1).max())


def _multiple(size: int) -> int:
    return -(-size // GRANULE) * GRANULE
