"""What the lists of co-simulated operators are made of: a network of one operator in one form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper

from tests.compiler.backend.from_onnx import model_of
from tests.compiler.backend.operator_forms import floats

SMALL = ("nano4", "edge8x4")
"""Machines on which a small tensor is several blocks of channels, and several tiles where it does not fit at once."""
LARGE = (1, 20, 26, 24)
"""A tensor of more bytes than the scratchpads of `SMALL`."""
STREAMED = (1, 20, 56, 52)
"""A tensor of more bytes than edge8's scratchpad."""
CALIBRATION_SAMPLES, SEED = 4, 11
STANDARD = (-3.0, 3.0)

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OperatorCase:
    """An operator in one form.

    Attributes:
        operator: the ONNX operator that it is there for.
        form: which of its forms.
        model: a network of it, alone or behind a convolution.
        machines: those on which it is compared.
        batch: samples that the program takes at once.
        limits: least and greatest value of the inputs.
    """

    operator: str
    form: str
    model: onnx.ModelProto
    machines: tuple[str, ...] = SMALL
    batch: int = 1
    limits: tuple[float, float] = STANDARD

    def samples(self) -> dict[str, FloatArray]:
        """Return evenly distributed values for every input: float32[CALIBRATION_SAMPLES, ...] by name."""
        random = np.random.default_rng(SEED)
        return {
            entry.name: random.uniform(
                *self.limits, (CALIBRATION_SAMPLES, *(dim.dim_value for dim in entry.type.tensor_type.shape.dim[1:]))
            ).astype(np.float32)
            for entry in self.model.graph.input
        }


def alone(
    operator: str, form: str, shape: Sequence[int] | Mapping[str, Sequence[int]],
    constants: Mapping[str, Any] | None = None, *, inputs: Sequence[str] | None = None, opset: int = 19,
    machines: tuple[str, ...] = SMALL, batch: int = 1, limits: tuple[float, float] = STANDARD, **attributes: Any,
) -> OperatorCase:
    """Return an operator alone; it reads the model's inputs, then its constants, where nothing else is said."""
    given = inputs if inputs is not None else [*(shape if isinstance(shape, Mapping) else "x"), *(constants or {})]
    node = helper.make_node(operator, given, ["y"], "n", **attributes)
    return OperatorCase(operator, form, model_of(node, shape, constants, opset), machines, batch, limits)


def behind_convolution(
    operator: str, form: str, channels: int = 10, image: tuple[int, int] = (9, 8),
    constants: Mapping[str, Any] | None = None, *, inputs: Sequence[str] | None = None, opset: int = 19,
    machines: tuple[str, ...] = SMALL, batch: int = 1, **attributes: Any,
) -> OperatorCase:
    """Return an operator that reads `c`, what a 3x3 convolution of five channels makes, and its constants."""
    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["c"], "c", pads=[1] * 4),
        helper.make_node(operator, inputs or ["c", *(constants or {})], ["y"], "n", **attributes),
    ]
    weights = {"kernel": 0.15 * floats(channels, 5, 3, 3), **(constants or {})}
    return OperatorCase(operator, form, model_of(nodes, (1, 5, *image), weights, opset), machines, batch)
