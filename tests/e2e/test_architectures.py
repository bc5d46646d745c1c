"""The architectures of the `onnx` package: bytes of the reference, cycles of tests/golden/architectures.json.

All are compiled and run here but VGG-19 and ZFNet, whose large dense layers take gigabytes of memory and most of the
time: `python -m benchmarks.architectures` compares the same for them too.
"""

from __future__ import annotations

import json

import pytest

from benchmarks.architectures import GOLDEN, GOLDEN_MACHINE, measure, problems
from benchmarks.light_models import ARCHITECTURES

LARGE = ("vgg19", "zfnet512")
LEAST_SQNR_DB = 20
"""A wrong import leaves no signal, less than 5 dB; int8 leaves more than 25."""


def golden() -> dict[str, int]:
    cycles: dict[str, int] = json.loads(GOLDEN.read_text())
    return cycles


def test_every_architecture_has_golden_cycles() -> None:
    assert sorted(golden()) == sorted(ARCHITECTURES)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name not in LARGE])
def test_bytes_are_the_references_and_cycles_the_golden_ones(name: str) -> None:
    row = measure(name, GOLDEN_MACHINE)
    assert problems([row], golden()) == []
    assert row.values_compared == 1000
    assert row.sqnr_db > LEAST_SQNR_DB
    assert set(row.operators["host"]) <= {"dequantize", "quantize", "softmax"}
