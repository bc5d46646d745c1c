"""The walkthrough's figures are those of this version, and what it does about the profile helps."""

from __future__ import annotations

import re

import pytest

from benchmarks.walkthrough import PAGE, figures, fill


@pytest.mark.slow
def test_the_pages_figures_are_those_of_this_version() -> None:
    parts, page = figures(), PAGE.read_text()
    assert fill(page, parts) == page, "run python -m benchmarks.walkthrough, and read whether the page is still true"
    assert "the array's columns, which are also the vector engine's lanes" in parts["verdict"]
    assert "(as promised)" in parts["promise"]
    speedups = [float(number) for number in re.findall(r"(\d\.\d\d) times as fast", parts["promise"])]
    assert speedups[0] > 1.4 > 1.2 > speedups[1]


def test_every_part_has_one_place() -> None:
    page = "a\n<!-- begin x -->\nold\nolder\n<!-- end -->\nb\n<!-- begin y -->\n<!-- end -->\n"
    filled = fill(page, {"x": "1", "y": r"\g<0>"})
    assert filled == "a\n<!-- begin x -->\n1\n<!-- end -->\nb\n<!-- begin y -->\n\\g<0>\n<!-- end -->\n"
    assert fill(filled, {"x": "1", "y": r"\g<0>"}) == filled
    for parts in ({"x": "1"}, {"x": "1", "y": "2", "z": "3"}):
        with pytest.raises(ValueError, match="the page has places for"):
            fill(page, parts)
