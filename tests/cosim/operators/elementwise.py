"""Co-simulated forms of the operators that work element by element."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from compiler.importer.handlers_functions import FUNCTION_HANDLERS
from tests.compiler.backend.operator_forms import BROADCAST, floats, numbers
from tests.cosim.operators.case import LARGE, SMALL, STANDARD, STREAMED, OperatorCase, alone, behind_convolution

FULL = (12, 8, 9)


def _binary(op: str, machines: tuple[str, ...]) -> Iterator[OperatorCase]:
    """Add, Sub or Mul: every form of broadcasting, from either side, of tensors and constants, alone and fused."""
    full, channels = (1, *FULL), (1, 12, 1, 1)
    for form, shape in BROADCAST.items():
        constant = {"k": floats(*shape)}
        yield alone(op, f"operands, {form}", {"x": full, "z": (1, *shape)}, machines=machines)
        if shape != FULL:
            yield alone(op, f"operands, {form} first", {"x": (1, *shape), "z": full}, machines=machines)
        yield alone(op, f"constant, {form}", full, constant, machines=machines)
        yield alone(op, f"constant, {form} first", full, constant, inputs=["k", "x"], machines=machines)
        yield behind_convolution(op, f"fused, {form}", 12, FULL[1:], constant, machines=machines)
    yield alone(op, "both operands", {"x": channels, "z": (1, 1, 8, 9)})
    yield alone(op, "with itself", full, inputs=["x", "x"])
    yield alone(op, "vectors", {"x": (1, 21), "z": (1, 21)})
    yield alone(op, "vectors, constant", (1, 21), {"k": floats(21)})
    yield alone(op, "five axes", {"x": (1, 2, 3, 4, 5), "z": (1, 2, 1, 4, 1)})
    yield alone(op, "batch of two", {"x": full, "z": channels}, batch=2)
    yield alone(op, "more than the scratchpad", {"x": LARGE, "z": LARGE})
    yield alone(op, "streamed", {"x": STREAMED, "z": STREAMED}, machines=("edge8",))


BINARY = (
    *_binary("Add", SMALL), *_binary("Sub", ("nano4",)), *_binary("Mul", SMALL),
    alone("Div", "by a constant", (1, *FULL), {"k": np.abs(floats(12, 1, 1)) + 0.5}),
    alone("Div", "by a map", (1, *FULL), {"k": np.abs(floats(8, 9)) + 0.5}),
    alone("Div", "of a constant", (1, *FULL), {"k": floats(12, 1, 1)}, inputs=["k", "x"], limits=(0.5, 3.0)),
    alone("Neg", "alone", (1, *FULL)),
    behind_convolution("Neg", "folded"),
    alone("Sum", "three operands and a constant", {"x": (1, *FULL), "z": (1, 12, 1, 1)}, {"k": floats(8, 9)},
          inputs=["x", "k", "z", "x"]),
)
CLIPS = (
    alone("Relu", "alone", (1, *FULL)),
    behind_convolution("Relu", "fused"),
    alone("Clip", "both bounds", (1, *FULL), {"low": np.float32(0), "high": np.float32(2)}),
    alone("Clip", "one bound", (1, *FULL), {"high": np.float32(1)}, inputs=["x", "", "high"]),
    behind_convolution("Clip", "fused", constants={"low": np.float32(0), "high": np.float32(6)}),
    alone("Max", "bound", (1, *FULL), {"k": numbers(-0.5)}),
    alone("Min", "bounds", (1, *FULL), {"k": numbers(0.5), "l": np.float32(2)}, inputs=["k", "x", "l"]),
)

_RANGES = {
    "Acos": (-0.9, 0.9), "Acosh": (1.1, 3.0), "Asin": (-0.9, 0.9), "Atanh": (-0.9, 0.9), "Log": (0.1, 3.0),
    "Reciprocal": (0.2, 3.0), "Sqrt": (0.0, 3.0), "Tan": (-1.0, 1.0),
}
"""Values of a function's operand, where it is not defined for all, or near a pole."""
_OPERANDS_OF = {"PRelu": numbers(0.25), "Pow": np.float32(2)}
"""Second operand of a function that has one."""
_OPSETS = {"Swish": 24, "Gelu": 20}
FUNCTIONS = tuple(
    alone(name, "alone", (1, 6, 5, 7), {"k": _OPERANDS_OF[name]} if name in _OPERANDS_OF else {},
          limits=_RANGES.get(name, STANDARD), opset=_OPSETS.get(name, 19), machines=("nano4",))
    for name in sorted(FUNCTION_HANDLERS)
)
TABLES = (
    behind_convolution("Sigmoid", "fused"),
    behind_convolution("HardSwish", "fused, batch of two", batch=2),
    behind_convolution("Gelu", "fused", approximate="tanh", opset=20),
    behind_convolution("LeakyRelu", "fused", 24, (30, 28), alpha=0.1, machines=("edge16",)),
    alone("Tanh", "more than the scratchpad", LARGE),
    alone("Elu", "vectors", (1, 21), alpha=0.5),
    alone("Erf", "sequences", (1, 6, 30)),
    alone("Exp", "streamed", STREAMED, machines=("edge8",)),
    alone("Pow", "of a constant base", (1, 6, 5, 7), {"k": np.float32(2)}, inputs=["k", "x"]),
    alone("PRelu", "slopes below 1", (1, *FULL), {"k": np.linspace(0, 0.5, 12, dtype=np.float32)[:, None, None]}),
    alone("PRelu", "slopes above 1", (1, *FULL), {"k": np.linspace(1, 2, 12, dtype=np.float32)[:, None, None]}),
    alone("PRelu", "slopes around 1", (1, *FULL), {"k": np.linspace(0, 2, 12, dtype=np.float32)[:, None, None]}),
    alone("PRelu", "slopes for each position", (1, *FULL), {"k": np.abs(floats(8, 9))}),
    behind_convolution("PRelu", "behind a convolution",
                       constants={"k": np.linspace(0, 0.5, 10, dtype=np.float32)[:, None, None]}),
)
CASES: tuple[OperatorCase, ...] = (*BINARY, *CLIPS, *FUNCTIONS, *TABLES)
