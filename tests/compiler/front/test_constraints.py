"""What breaks a constraint of the element-wise operators' pages is refused with an error that names node and operator.

Cases are named after the constraints, as `tpukit operators` prints them; a constraint without a case fails.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
from onnx.helper import make_node

from compiler.importer.handlers_functions import FUNCTION_HANDLERS
from compiler.importer.operators import supported

EIGHT = np.ones(8, np.float32)
OPERATORS = {"Add", "Clip", "Div", "LRN", "Max", "Min", "Mul", "Neg", "Relu", "Sub", "Sum", *FUNCTION_HANDLERS}
ONE_RUN_TIME = "one input is computed at run time, every other is a constant with one value"

# operator -> constraint -> (inputs, constants, attributes, what the error says)
CASES = {
    "Clip": {"the bounds are constants of one value, and none is NaN": [
        (["x", "z"], {}, {}, "min 'z' is computed at run time"),
        (["x", "a"], {"a": EIGHT}, {}, r"min .a. is float32 of shape \[8\]; only one number"),
        (["x", "", "a"], {"a": np.float32(np.nan)}, {}, "max is NaN"),
    ]},
    "Div": {
        "one operand is a constant": [(["x", "z"], {}, {}, "divisor 'z' is computed at run time")],
        "a constant divisor holds no 0": [
            (["x", "a"], {"a": np.array([1, 0, 1], np.float32)[:, None, None]}, {}, "the divisor holds 0"),
            (["x", "a"], {"a": np.float32(1e-45)}, {}, "inverse is not finite"),
        ],
    },
    "Gelu": {"approximate is none or tanh": [(["x"], {}, {"approximate": "cubic"}, "none and tanh are")]},
    "LRN": {
        "the input has at least three dimensions": [(["flat"], {}, {"size": 3}, "fewer than three dimensions")],
        "size is at least 1, alpha at least 0 and bias above 0": [
            (["x"], {}, {"size": 0}, "size 0"), (["x"], {}, {"size": 3, "alpha": -1.0}, "alpha -1.0"),
            (["x"], {}, {"size": 3, "bias": 0.0}, "bias 0.0"),
        ],
    },
    "Max": {ONE_RUN_TIME: [
        (["x", "z"], {}, {}, "2 inputs are computed at run time"), (["x", "a"], {"a": EIGHT}, {}, "only one value"),
    ]},
    "Min": {ONE_RUN_TIME: [
        (["x", "z"], {}, {}, "2 inputs are computed at run time"), (["a", "x"], {"a": EIGHT}, {}, "only one value"),
    ]},
    "PRelu": {"the slopes are finite float32 constants that broadcast to the input": [
        (["x", "z"], {}, {}, "slope 'z' is computed at run time"),
        (["x", "a"], {"a": np.float32(np.inf)}, {}, "NaN or infinity"),
        (["x", "a"], {"a": np.ones(5, np.float32)}, {}, "does not broadcast to input"),
    ]},
    "Pow": {"the exponent or the base is a constant with one finite value": [
        (["x", "z"], {}, {}, "exponent 'z' is computed at run time"),
        (["x", "a"], {"a": EIGHT}, {}, "only one number"),
        (["a", "x"], {"a": np.float32(np.inf)}, {}, "only one finite value"),
    ]},
}
NUMBERS = {
    "Celu": ["alpha"], "Elu": ["alpha"], "HardSigmoid": ["alpha", "beta"], "LeakyRelu": ["alpha"],
    "Selu": ["alpha", "gamma"], "Shrink": ["bias", "lambd"], "Swish": ["alpha"], "ThresholdedRelu": ["alpha"],
}
for operator, names in NUMBERS.items():
    CASES[operator] = {
        f"{name} is a finite number": [(["x"], {}, {name: value}, f"{name} is {value}") for value in (np.inf, np.nan)]
        for name in names
    }
FLAT = [(operator, rule, case) for operator, rules in CASES.items() for rule, cases in rules.items() for case in cases]


@pytest.mark.parametrize(("operator", "case"), [(o, c) for o, _, c in FLAT], ids=[f"{o}: {r}" for o, r, _ in FLAT])
def test_refused(make_model, refusal, operator, case):
    inputs, constants, attributes, reason = case
    node = make_node(operator, inputs, ["y"], name="n", **attributes)
    model = make_model([node], constants=constants, opset=24, more_inputs={"z": (1, 3, 8, 8), "flat": (1, 6)})
    assert re.fullmatch(rf"node 'n' \({operator}\): .*{reason}.*", refusal(model))


def test_every_constraint_has_a_case():
    found = {entry.name: set(entry.constraints) for entry in supported() if entry.name in OPERATORS}
    expected = {operator: set(CASES.get(operator, {})) for operator in OPERATORS}
    assert found == expected
