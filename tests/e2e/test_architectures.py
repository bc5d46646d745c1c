"""The architectures of the `onnx` package: bytes of the reference, cycles of tests/golden/architectures.json.

Those that take a few seconds are compiled and run here; the others by `python -m benchmarks.architectures`, which
compares the same.
"""

from __future__ import annotations

import json

import pytest

from benchmarks.architectures import GOLDEN, GOLDEN_MACHINE, measure, problems
from benchmarks.light_models import ARCHITECTURES

MEASURED = ("squeezenet", "shufflenet", "inception_v1", "inception_v2", "alexnet")
LEAST_SQNR_DB = 20
"""A wrong import leaves no signal, less than 5 dB; int8 leaves more than 25."""


def golden() -> dict[str, int]:
    cycles: dict[str, int] = json.loads(GOLDEN.read_text())
    return cycles


def test_every_architecture_has_golden_cycles() -> None:
    assert sorted(golden()) == sorted(ARCHITECTURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", MEASURED)
def test_bytes_are_the_references_and_cycles_the_golden_ones(name: str) -> None:
    row = measure(name, GOLDEN_MACHINE)
    assert problems([row], golden()) == []
    assert row.values_compared == 1000
    assert row.sqnr_db > LEAST_SQNR_DB
    assert set(row.operators["host"]) == {"dequantize", "quantize", "softmax"}
