"""The operator tests of the `onnx` package: right on the accelerator, equal on the host, or refused by name.

Never a crash, never a wrong answer.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import onnx
import onnxruntime
import pytest

from machine.config import load_machine
from tests.e2e.onnx_nodes import FAR_BY_NATURE, VERSIONS_ARE, Outcome, Result, markdown, results

LEAST = {Outcome.RIGHT: 250, Outcome.HOST: 1000}
"""Fewer than with onnx 1.23.2 (the page has its counts): other versions have other tests."""
PAGE = Path(__file__).resolve().parents[2] / "docs/onnx-node-tests.md"


@pytest.fixture(scope="module")
def found() -> list[Result]:
    return results(load_machine("nano4"))


@pytest.mark.slow
def test_no_wrong_answer(found: list[Result]) -> None:
    print(Counter(result.outcome for result in found))
    assert [result for result in found if result.outcome is Outcome.WRONG] == []


@pytest.mark.slow
def test_most_of_what_is_supported_is_right(found: list[Result]) -> None:
    counts = Counter(result.outcome for result in found)
    assert all(counts[outcome] >= least for outcome, least in LEAST.items()), counts


@pytest.mark.slow
def test_the_page_says_what_was_found(found: list[Result]) -> None:
    page = PAGE.read_text()
    versions = f"{VERSIONS_ARE} onnx {onnx.__version__} and onnxruntime {onnxruntime.__version__}."
    if versions not in page:
        pytest.skip(f"{PAGE.name} was made with other versions than onnx {onnx.__version__}")
    assert _without_roundings(markdown(found)) == _without_roundings(page)


def _without_roundings(page: str) -> list[str]:
    """Leave out what depends on the processor: how many answers of the host are equal only but for roundings."""
    counts = [f"| {outcome} | " for outcome in (Outcome.HOST, Outcome.ROUNDED)]
    return [line for line in page.splitlines() if not line.startswith(tuple(counts))]


@pytest.mark.slow
def test_refusals_are_one_line_with_a_reason(found: list[Result]) -> None:
    for result in found:
        if result.outcome is Outcome.REFUSED:
            assert len(result.detail) > 10 and "\n" not in result.detail, result


@pytest.mark.slow
def test_exceptions_are_still_there(found: list[Result]) -> None:
    assert set(FAR_BY_NATURE) <= {result.name for result in found if result.outcome is Outcome.RIGHT}
