"""What the quantizer is asked to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from machine.errors import DataError

DEFAULT_PERCENT = 99.99


class Method(StrEnum):
    """How an activation's range follows from its values over the calibration data (`docs/quantization.md`)."""

    MIN_MAX = "min-max"
    PERCENTILE = "percentile"
    MSE = "mse"
    ENTROPY = "entropy"


@dataclass(frozen=True, slots=True)
class QuantizationOptions:
    """The choices of a quantization.

    Attributes:
        method: how ranges are chosen.
        percent: for `Method.PERCENTILE`, how many in a hundred values lie within the range at least.
        equalize: balance the channels of consecutive layers first; the float function stays the same.
        bias_correction: take the mean error that rounded weights make off each layer's bias.

    Raises:
        DataError: the percentage is not above 50 and at most 100.
    """

    method: Method = Method.MIN_MAX
    percent: float = DEFAULT_PERCENT
    equalize: bool = False
    bias_correction: bool = False

    def __post_init__(self) -> None:
        """Check the percentage."""
        if not 50 < self.percent <= 100:
            raise DataError(f"the percentile must be above 50 and at most 100, got {self.percent:g}")


DEFAULT_OPTIONS = QuantizationOptions()
