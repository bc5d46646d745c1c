"""Waivers and tables on a small module; the list of waivers that is committed; the page; the command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from machine.errors import ToolError
from rtl.coverage import __main__ as command
from rtl.coverage.points import Kind, Place, Point
from rtl.coverage.report import Coverage, Share, markdown
from rtl.coverage.waivers import Waiver, read_waivers, waived_places
from rtl.sources import ROOT, design_sources
from tests.rtl.coverage.counts import point, write

FILE = "unit/m.sv"
TEXTS = {FILE: ["always_comb begin", "  if (a) b = 1;", "  else b = 0;", "  default: b = 2;", "end"]}
BLOCK = Place(FILE, 1, 1, Kind.LINE, "block")
THEN, ELSE = Place(FILE, 2, 3, Kind.BRANCH, "if"), Place(FILE, 2, 4, Kind.BRANCH, "else")
DEFAULT = Place(FILE, 4, 3, Kind.LINE, "case")
POINTS = {
    BLOCK: Point(9, {1}),
    THEN: Point(4, {2}),
    ELSE: Point(0, {3}),
    DEFAULT: Point(0, {4}),
    Place(FILE, 5, 1, Kind.TOGGLE, "wide[3]:0->1"): Point(1),
    Place(FILE, 5, 1, Kind.TOGGLE, "wide[3]:1->0"): Point(0),
    Place(FILE, 5, 1, Kind.TOGGLE, "wide[4][0]:1->0"): Point(0),
}
WAIVER = Waiver(FILE, "default: b = 2;", "case", "Nothing asks for it.")


def test_shares() -> None:
    """Four lines, one of them waived; three arms; the waived ones are not among the reached."""
    module = Coverage(POINTS, {DEFAULT: WAIVER}, TEXTS).modules()[FILE]
    assert (module.lines, module.arms, module.toggles) == (Share(2, 4, 1), Share(1, 3, 1), Share(1, 3))
    assert str(module.arms) == "1/3 33.3%"
    assert (str(Share()), Share().percent) == ("-", 100.0)


def test_a_line_is_reached_by_any_of_its_points() -> None:
    points = {BLOCK: Point(1, {2}), THEN: Point(0, {2})}
    coverage = Coverage(points, {}, TEXTS)
    assert coverage.lines() == {(FILE, 2): (True, False)}
    assert coverage.missing() == [(FILE, 2, "if")]


def test_what_is_missing_is_named_and_what_is_waived_is_not() -> None:
    assert Coverage(POINTS, {DEFAULT: WAIVER}, TEXTS).missing() == [(FILE, 2, "else"), (FILE, 3, "line")]
    assert len(Coverage(POINTS, {}, TEXTS).missing()) == 4


def test_the_tables() -> None:
    text = markdown(Coverage(POINTS, {DEFAULT: WAIVER}, TEXTS))
    assert "| **all** | 2/4 50.0% | 1/3 33.3% | 1 lines, 1 branches | 1/3 33.3% |" in text
    assert "- `unit/m.sv:2` else: `if (a) b = 1;`" in text
    assert "- `unit/m.sv:4` case: `default: b = 2;`. Nothing asks for it." in text
    assert "| `unit/m.sv` | `wide` | 2 |" in text


@pytest.mark.parametrize(
    ("waiver", "message"),
    [
        (Waiver(FILE, "if (a) b = 1;", "if", "x"), "a test reaches it"),
        (Waiver(FILE, "default: b = 3;", "case", "x"), "no such arm"),
        (Waiver(FILE, "default: b = 2;", "else", "x"), "no such arm"),
        (Waiver("unit/n.sv", "default: b = 2;", "case", "x"), "no such arm"),
    ],
)
def test_a_stale_waiver_is_refused(waiver: Waiver, message: str) -> None:
    assert waived_places([WAIVER], POINTS, TEXTS) == {DEFAULT: WAIVER}
    with pytest.raises(ToolError, match=rf"is stale: {message}"):
        waived_places([WAIVER, waiver], POINTS, TEXTS)


@pytest.mark.parametrize(
    "text",
    [
        "waiver = [",
        '[[waiver]]\nfile = "a"\ntext = "b"\nwhat = "case"\n',
        '[[waiver]]\nfile = "a"\ntext = "b"\nwhat = "case"\nreason = ""\n',
        '[[waiver]]\nfile = "a"\ntext = "b"\nwhat = "case"\nreason = "c"\nline = "3"\n',
    ],
)
def test_a_damaged_list_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "waivers.toml").write_text(text)
    with pytest.raises(ToolError, match=r"waivers\.toml: "):
        read_waivers(tmp_path / "waivers.toml")


def test_every_committed_waiver_names_a_line_of_the_design() -> None:
    texts = {path.relative_to(ROOT).as_posix(): path.read_text() for path in design_sources()}
    for waiver in read_waivers():
        lines = [line.strip() for line in texts[waiver.file].splitlines()]
        assert waiver.text in lines, f"the waiver of {waiver.text!r} in {waiver.file} is stale"


def test_the_committed_page_says_that_enough_is_reached() -> None:
    table = command.PAGE.read_text().partition(command.BEGIN)[2].partition(command.END)[0]
    shares = re.search(r"\| \*\*all\*\* \| \S+ (\S+)% \| \S+ (\S+)% \|", table)
    assert shares and all(float(share) >= command.NEEDED_PERCENT for share in shares.groups())


def test_the_command_writes_the_page_and_demands_what_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "read_waivers", list)
    source = ROOT / "control" / "tokens.sv"
    good = point(source, 1, 1, "v_branch", "if", 1, "1")
    write(tmp_path / "a.dat", good, point(ROOT / "testbench" / "axi_memory.sv", 1, 1, "v_line", "block", 0, "1"))
    page = tmp_path / "page.md"
    page.write_text(f"before\n{command.BEGIN}old\n{command.END}after\n")
    arguments = ["--data", str(tmp_path), "--page", str(page)]
    assert command.main(arguments) == 0
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text
    assert "lines 1/1 100.0%, branches 1/1 100.0%" in capsys.readouterr().out
    write(tmp_path / "b.dat", point(source, 2, 1, "v_branch", "else", 0))
    assert command.main(arguments) == 1
    assert capsys.readouterr().err == "error: less than 95.0% of the branches are reached\n"


def test_the_command_s_errors_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text("no marks\n")
    arguments = ["--data", str(tmp_path), "--page", str(page)]
    assert command.main(arguments) == 1
    assert re.fullmatch(r"error: .* holds no counts \(\*\.dat\)\n", capsys.readouterr().err)
    write(tmp_path / "a.dat", point(ROOT / "control" / "tokens.sv", 9999, 1, "v_branch", "if", 1))
    assert command.main(arguments) == 1
    assert "counts of other sources" in capsys.readouterr().err
