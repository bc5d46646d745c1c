"""The files of counts: what is read, what is merged, and that damage is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine.errors import ToolError
from rtl.coverage.points import Kind, Place, merge
from tests.rtl.coverage.counts import HEAD, point, write

ROOT = Path("/design")
SOURCE = ROOT / "unit" / "m.sv"


def test_a_place_is_reached_when_any_run_of_any_build_reached_it(tmp_path: Path) -> None:
    narrow = write(
        tmp_path / "a.dat",
        point(SOURCE, 5, 3, "v_branch", "if", 0, "5,9"),
        point(SOURCE, 5, 4, "v_branch", "else", 2),
        point(SOURCE, 9, 3, "v_toggle", "a[0]:0->1", 1),
    )
    wide = write(
        tmp_path / "b.dat",
        point(SOURCE, 5, 3, "v_branch", "if", 7, "5,7-8", top="other"),
        point(SOURCE, 5, 4, "v_branch", "else", 0),
        point(SOURCE, 9, 3, "v_toggle", "a[1]:0->1", 0),
    )
    points = merge([narrow, wide], ROOT)
    arm = points[Place("unit/m.sv", 5, 3, Kind.BRANCH, "if")]
    assert (arm.count, arm.lines) == (7, {5, 7, 8, 9})
    assert points[Place("unit/m.sv", 5, 4, Kind.BRANCH, "else")].count == 2
    toggles = {place.what: found.count for place, found in points.items() if place.kind is Kind.TOGGLE}
    assert toggles == {"a[0]:0->1": 1, "a[1]:0->1": 0}
    assert len(points) == 4


def test_instances_of_one_file_are_merged(tmp_path: Path) -> None:
    points = [point(SOURCE, 5, 3, "v_line", "block", count, "5", top) for count, top in ((0, "x"), (3, "y"), (4, "z"))]
    assert [found.count for found in merge([write(tmp_path / "a.dat", *points)], ROOT).values()] == [7]


def test_other_sources_are_not_counted(tmp_path: Path) -> None:
    bench = point("/elsewhere/bench.sv", 1, 1, "v_line", "block", 3, "1")
    assert merge([write(tmp_path / "a.dat", bench)], ROOT) == {}


@pytest.mark.parametrize(
    ("page", "what", "arm"),
    [("v_line", "block", False), ("v_line", "elsif", True), ("v_line", "case", True), ("v_branch", "else", True),
     ("v_branch", "cond_then", True), ("v_toggle", "a:0->1", False), ("v_user", "cover", False)],
)  # fmt: skip
def test_arms(page: str, what: str, arm: bool) -> None:
    assert Place("m.sv", 1, 1, Kind(page), what).is_arm is arm


@pytest.mark.parametrize(
    "text",
    [
        "garbage\n",
        "C 'f' 3\n",
        point(SOURCE, 1, 1, "v_other", "block", 3),
        point(SOURCE, 1, 1, "v_line", "block", 3, "a-b"),
        point(SOURCE, 1, 1, "v_line", "block", 3).replace("' 3", "' x"),
        point(SOURCE, 1, 1, "v_line", "block", 3).replace("\x01l\x02", "\x01q\x02"),
        point(SOURCE, 1, 1, "v_line", "block", 3)[:30],
    ],
)
def test_a_damaged_line_is_refused_by_its_number(text: str, tmp_path: Path) -> None:
    good = point(SOURCE, 1, 1, "v_line", "block", 3)
    with pytest.raises(ToolError, match=r"bad\.dat, line 3: not a point of Verilator's coverage$"):
        merge([write(tmp_path / "bad.dat", good, text)], ROOT)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.dat").write_text("hello\n" + HEAD)
    with pytest.raises(ToolError, match="no counts of Verilator's"):
        merge([tmp_path / "bad.dat"], ROOT)
