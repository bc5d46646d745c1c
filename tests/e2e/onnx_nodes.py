"""The `onnx` package's own tests of single operators, tried on the machine; run as a module it prints the counts.

Each is tried in two forms: as it stands, and, where it has several inputs, with all but the first as constants, which
is how most operators stand in a network (weights, axes, scales).
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.test_case import TestCase

from machine.config import Machine, load_machine
from machine.errors import TpukitError
from runtime.compile import compile_program
from runtime.session import Backend, Session

SHARE_OF_RANGE = 0.03
"""Largest error of an output over its range: int8 has 1/255, several times over where tensors in between are int8."""
FAR_BY_NATURE = {
    "test_ceil": (0.21, "a value beside a step may be rounded across it"),
    "test_floor": (0.21, "a value beside a step may be rounded across it"),
    "test_tan": (0.74, "a value beside a pole"),
    "test_logsoftmax_large_number_expanded": (0.88, "values up to 10,000 in 256 steps, then their exponentials"),
    "test_logsoftmax_large_number_expanded_ver18": (0.88, "values up to 10,000 in 256 steps, then their exponentials"),
    "test_resize_downsample_scales_linear_align_corners": (0.28, "ONNX Runtime, which tpukit follows, differs"),
    "test_resize_downsample_scales_cubic_align_corners": (0.08, "ONNX Runtime, which tpukit follows, differs"),
}
"""Tests that int8 cannot reach, or that two implementations read differently: the error that they may have, and why."""


class Outcome(StrEnum):
    """What became of a test."""

    RIGHT = "compiled and right"
    WRONG = "compiled and wrong"
    REFUSED = "refused by name"


@dataclass(frozen=True)
class Result:
    """One test in one form: its name, what became of it, and the refusal or difference."""

    name: str
    outcome: Outcome
    detail: str = ""


@dataclass(frozen=True)
class Form:
    """A test as a model, run-time inputs and expected outputs by name."""

    name: str
    model: onnx.ModelProto
    inputs: dict[str, np.ndarray]
    expected: dict[str, Any]


def forms(case: TestCase) -> Iterator[Form]:
    """Return a test as it stands and, where it has several inputs, with all but the first as constants.

    Tests of sequences and maps have no form: a program's inputs are tensors.
    """
    values, expected = case.data_sets[0]
    graph = case.model.graph
    if not values or not all(isinstance(value, np.ndarray) for value in values):
        return
    outputs = dict(zip((output.name for output in graph.output), expected, strict=True))
    inputs = dict(zip((entry.name for entry in graph.input), values, strict=False))
    yield Form(case.name, case.model, inputs, outputs)
    if len(inputs) < 2:
        return
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    first = next(iter(inputs))
    model.graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in inputs.items() if name != first
    )
    kept = [entry for entry in case.model.graph.input if entry.name == first]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    yield Form(case.name, model, {first: inputs[first]}, outputs)


def attempt(machine: Machine, form: Form) -> Result:
    """Compile and run one form; anything that is raised but a `TpukitError` is a defect and is let through."""
    try:
        program = compile_program(form.model.SerializeToString(), machine, form.inputs)
    except TpukitError as error:
        return Result(form.name, Outcome.REFUSED, str(error))
    session = Session(program)
    simulated = session.run(form.inputs, with_time=False)
    reference = session.run(form.inputs, Backend.REFERENCE)
    for name, integers in simulated.integers.items():
        if not np.array_equal(integers, reference.integers[name]):
            return Result(form.name, Outcome.WRONG, f"{name} differs from the reference backend")
    for name, wanted in form.expected.items():
        error = _error(simulated.outputs[name], np.asarray(wanted))
        if error > FAR_BY_NATURE.get(form.name, (SHARE_OF_RANGE, ""))[0]:
            return Result(form.name, Outcome.WRONG, f"{name} is off by {error:.3f} of its range")
    return Result(form.name, Outcome.RIGHT)


def _error(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the largest difference over the range of what is wanted, infinity for another shape."""
    if found.shape != wanted.shape:
        return float("inf")
    span = max(float(np.ptp(wanted)), float(np.abs(wanted).max()), float(np.finfo(np.float32).tiny))
    return float(np.abs(found.astype(np.float64) - wanted).max()) / span


def results(machine: Machine) -> list[Result]:
    """Try every test in every form."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package's generators divide by zero on purpose
        from onnx.backend.test.loader import load_model_tests

        cases = load_model_tests(kind="node")
        return [attempt(machine, form) for case in cases for form in forms(case)]


def main() -> None:
    """Print the counts, and the operators of the refused tests."""
    found = results(load_machine("nano4"))
    for outcome, count in Counter(result.outcome for result in found).most_common():
        print(f"{count:6} {outcome}")
    reasons = Counter(result.detail for result in found if result.outcome is Outcome.REFUSED)
    for reason, count in reasons.most_common():
        print(f"{count:6} {reason}")


if __name__ == "__main__":
    main()
