"""The `onnx` package's own tests of single operators, tried on the machine; run as a module it prints the counts.

Each is tried in two forms: as it stands, and, where it has several inputs, with all but the first as constants, which
is how most operators stand in a network (weights, axes, scales).
"""

from __future__ import annotations

import re
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnx.backend.test.case.test_case import TestCase

from compiler.graph import Op
from machine.config import Machine, load_machine
from machine.errors import DataError, ModelError, TpukitError
from runtime.compile import compile_program
from runtime.session import Backend, RunResult, Session

SHARE_OF_RANGE = 0.03
"""Largest error of an output over its range: int8 has 1/255, several times over where tensors in between are int8."""
ROUNDINGS = 64
"""Largest error of what the host computes in several nodes, in roundings of its type: ONNX Runtime, given the whole
model, may join them and round less often. A single node gives the same bits."""
FAR_BY_NATURE = {
    "test_attention_4d_softcap_neginf_mask_poison_expanded": (1.0, "a huge value in a masked row sets a scale"),
    "test_ceil": (0.21, "a value beside a step may be rounded across it"),
    "test_floor": (0.21, "a value beside a step may be rounded across it"),
    "test_tan": (0.74, "a value beside a pole"),
    "test_logsoftmax_large_number_expanded": (0.88, "values up to 10,000 in 256 steps, then their exponentials"),
    "test_logsoftmax_large_number_expanded_ver18": (0.88, "values up to 10,000 in 256 steps, then their exponentials"),
}
"""Tests that int8 cannot reach, or that two implementations read differently: the error that they may have, and why."""


VERSIONS_ARE = "The versions are"


class Outcome(StrEnum):
    """What became of a test."""

    RIGHT = "compiled and right"
    HOST = "on the host and equal to ONNX Runtime"
    ROUNDED = "on the host and equal to ONNX Runtime but for roundings"
    EXPECTED = "on the host and as the test expects, which ONNX Runtime cannot run whole"
    REFUSED = "refused by name"
    WRONG = "wrong"


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

    What is no array (sequences, optionals) is left out of the inputs: such a model must be refused before they matter.
    """
    values, expected = case.data_sets[0]
    graph = case.model.graph
    outputs = dict(zip((output.name for output in graph.output), expected, strict=True))
    given = dict(zip((entry.name for entry in graph.input), values, strict=False))
    inputs = {name: np.asarray(value) for name, value in given.items() if isinstance(value, np.ndarray | np.generic)}
    yield Form(case.name, case.model, inputs, outputs)
    if len(inputs) < 2 or len(inputs) < len(given):
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
    inputs = {name: np.atleast_1d(value) for name, value in form.inputs.items()}
    try:
        program = compile_program(form.model.SerializeToString(), machine, inputs)
    except TpukitError as error:
        return Result(form.name, Outcome.REFUSED, str(error))
    try:
        return _outcome(form, Session(program), inputs)
    except DataError as error:  # the host's own limits: a kernel that ONNX Runtime has, but not for these values
        return Result(form.name, Outcome.REFUSED, str(error))


def _outcome(form: Form, session: Session, inputs: dict[str, np.ndarray]) -> Result:
    simulated = session.run(inputs, with_time=False)
    if not session.program.segments:
        return _on_the_host(form, session, inputs, simulated)
    reference = session.run(inputs, Backend.REFERENCE)
    for name, integers in simulated.integers.items():
        if not np.array_equal(integers, reference.integers[name]):
            return Result(form.name, Outcome.WRONG, f"{name} differs from the reference backend")
    wanted, _ = _float_answer(form, session, inputs)
    for name, exact in wanted.items():
        error = _error(simulated.outputs[name], exact)
        if error > FAR_BY_NATURE.get(form.name, (SHARE_OF_RANGE, ""))[0]:
            return Result(form.name, Outcome.WRONG, f"{name} is off by {error:.3f} of its range")
    return Result(form.name, Outcome.RIGHT)


def _float_answer(form: Form, session: Session, inputs: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], bool]:
    """Return what ONNX Runtime gives for the whole model and True; what the test expects where it has no kernel."""
    try:
        return session.run(inputs, Backend.CPU).outputs, True
    except ModelError:
        return {name: np.atleast_1d(np.asarray(value)) for name, value in form.expected.items()}, False


def _on_the_host(form: Form, session: Session, inputs: dict[str, np.ndarray], simulated: RunResult) -> Result:
    """Compare what the host computed with the float answer."""
    wanted, by_runtime = _float_answer(form, session, inputs)
    outcome = Outcome.HOST if by_runtime else Outcome.EXPECTED
    for name, exact in wanted.items():
        found = simulated.outputs[name]
        if (found.shape, found.dtype) != (exact.shape, exact.dtype) or not _near(found, exact):
            return Result(form.name, Outcome.WRONG, f"{name}, on the host, is not what ONNX Runtime gives")
        if by_runtime and not np.array_equal(found, exact, equal_nan=exact.dtype.kind == "f"):
            outcome = Outcome.ROUNDED
    if outcome is Outcome.ROUNDED and [node.op for node in session.graph.nodes()] == [Op.ONNX]:
        return Result(form.name, Outcome.WRONG, "a single operator on the host is not bit for bit what it is alone")
    return Result(form.name, outcome)


def _near(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether numbers are equal; floats but for a few roundings of the largest."""
    if wanted.dtype.kind != "f":
        return np.array_equal(found, wanted)
    room = ROUNDINGS * float(np.finfo(wanted.dtype).eps)
    finite = wanted[np.isfinite(wanted)]
    return np.allclose(found, wanted, rtol=room, atol=room * float(np.abs(finite).max(initial=0)), equal_nan=True)


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


HOST_REASON = "nor can the host execute it: "
SHORTER = (
    (r"^node '.*?' \([^)]*\): ", ""),
    (r"^ONNX Runtime (does not take it|cannot run).*", "ONNX Runtime has no kernel for it, its types or its values"),
    (r"^(input|has an output of type|its output).* legal are tensors of .*", "no tensor, or of a type not in NumPy"),
    (r"^input .* has a dynamic dimension.*", "an input of unknown shape: --shape gives it"),
    (r"^calibration (data|input).*", "inputs that cannot calibrate: infinite, NaN, or not all arrays"),
    (r"'[^']*'", "'...'"), (r"\[[^\]]*\]", "[...]"), (r"\b\d+\b", "N"),
)
"""How refusals are made shorter, so that equal reasons are counted together; the first that fits a part replaces it."""


def reason(detail: str) -> str:
    """Return why a test was refused, without names and numbers: the host's reason where there are two."""
    text = detail.rpartition(HOST_REASON)[2]
    for pattern, shorter in SHORTER:
        text = re.sub(pattern, shorter, text)
    return text


def markdown(found: list[Result]) -> str:
    """Return the page `docs/onnx-node-tests.md`."""
    counts = Counter(result.outcome for result in found)
    refused = [result for result in found if result.outcome is Outcome.REFUSED]
    lines = [
        "# The operator tests of the onnx package",
        "",
        "Generated by `python -m tests.e2e.onnx_nodes --markdown`; do not edit. "
        f"{VERSIONS_ARE} onnx {onnx.__version__} and onnxruntime {onnxruntime.__version__}.",
        "",
        "Every one of the package's own tests of single operators (and of functions written out as operators) is",
        "compiled for `nano4` and run on the simulator, as it stands and, where it has several inputs, with all but",
        "the first as constants. What has a part on the accelerator must equal the reference backend in every byte,",
        f"and lie within {SHARE_OF_RANGE:.0%} of the output's range of what ONNX Runtime gives for the whole model.",
        "What is wholly on the host must be what ONNX Runtime gives: bit for bit where it is one operator, else but",
        f"for a few roundings (at most {ROUNDINGS} of the largest value), since ONNX Runtime may join operators.",
        "Where it has no kernel for one of them, the test's own answer counts. Anything else must be refused by name.",
        "",
        "| outcome | forms |",
        "|---|---:|",
        *(f"| {outcome} | {counts[outcome]:,} |" for outcome in Outcome),
        "",
        "Looser than the rest are, by name:",
        "",
        *(f"- `{name}`, up to {room:.0%} of the range: {why}" for name, (room, why) in FAR_BY_NATURE.items()),
        "",
        "## Why forms are refused",
        "",
        "| forms | reason | for example |",
        "|---:|---|---|",
    ]
    reasons = Counter(reason(result.detail) for result in refused)
    for text, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])):
        example = next(result.name for result in refused if reason(result.detail) == text)
        lines.append(f"| {count} | {text.replace('|', chr(92) + '|')} | `{example}` |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the counts and the reasons of the refused tests, or the page."""
    found = results(load_machine("nano4"))
    if "--markdown" in sys.argv[1:]:
        print(markdown(found), end="")
        return
    for outcome, count in Counter(result.outcome for result in found).most_common():
        print(f"{count:6} {outcome}")
    reasons = Counter(reason(result.detail) for result in found if result.outcome is Outcome.REFUSED)
    for text, count in reasons.most_common():
        print(f"{count:6} {text}")


if __name__ == "__main__":
    main()
