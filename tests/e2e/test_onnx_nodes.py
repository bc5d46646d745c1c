"""The operator tests of the `onnx` package: compiled and right, or refused by name; never a crash or a wrong answer."""

from __future__ import annotations

from collections import Counter

import pytest

from machine.config import load_machine
from tests.e2e.onnx_nodes import FAR_BY_NATURE, Outcome, Result, results

LEAST_RIGHT = 200
"""Forms that were right when this was written: 229, with onnx 1.23.2; other versions have other tests."""


@pytest.fixture(scope="module")
def found() -> list[Result]:
    return results(load_machine("nano4"))


@pytest.mark.slow
def test_no_wrong_answer(found: list[Result]) -> None:
    print(Counter(result.outcome for result in found))
    assert [result for result in found if result.outcome is Outcome.WRONG] == []


@pytest.mark.slow
def test_most_of_what_is_supported_is_right(found: list[Result]) -> None:
    assert sum(result.outcome is Outcome.RIGHT for result in found) >= LEAST_RIGHT


@pytest.mark.slow
def test_refusals_are_one_line_with_a_reason(found: list[Result]) -> None:
    for result in found:
        if result.outcome is Outcome.REFUSED:
            assert len(result.detail) > 10 and "\n" not in result.detail, result


@pytest.mark.slow
def test_exceptions_are_still_there(found: list[Result]) -> None:
    assert set(FAR_BY_NATURE) <= {result.name for result in found if result.outcome is Outcome.RIGHT}
