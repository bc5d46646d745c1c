"""Networks with gates, tables and broadcasting, from ONNX to the simulator: the reference's bytes, near float."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import onnx
import pytest

from machine.config import load_machine
from runtime.check import check_program
from runtime.compile import compile_program
from runtime.session import Session
from tests.e2e.gated import gated_model, product_model, samples

LEAST_DECIBELS = 25.0


@pytest.mark.parametrize("name", ["nano4", "edge4x8", "edge16"])
@pytest.mark.parametrize("make", [product_model, gated_model])
def test_from_onnx_to_bytes(make: Callable[[], onnx.ModelProto], name: str) -> None:
    session = Session(compile_program(make().SerializeToString(), load_machine(name), samples(64)))
    result = check_program(session, samples(16, seed=2))
    assert result.equal
    (output,) = result.outputs
    assert output.ratio.decibels is not None and output.ratio.decibels > LEAST_DECIBELS


def test_every_operator_is_on_the_accelerator() -> None:
    program = compile_program(gated_model().SerializeToString(), load_machine("nano4"), samples(64))
    found = Counter(node.operator for node in program.nodes if node.placement != "host")
    assert found["conv2d+table"] == 5, "hard swish, gelu, the power of LRN, and two gates"
    assert found["table"] == 2, "tanh behind a residual, and the squares of LRN"
    assert found["mul"] == 3, "two gates, and the product of LRN"
    assert found["conv2d+sub"] == 1
