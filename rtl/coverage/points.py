"""The points that Verilator counts: read from the files of all runs, and merged over runs, instances and parameters.

A file is what `VerilatedCov::write` (Verilator 5.48, `verilated_cov.cpp`) writes: a head line, then one line a point,
`C '<fields>' <count>`; a field is byte 1, its key, byte 2, its value. Of the keys, `f` is the path of the source, `l`
and `n` its line and column, `page` the kind and module, `o` what the point is, and `S` the lines that run with it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from machine.errors import ToolError

HEAD = "# SystemC::Coverage-3"
BLOCK = "block"


class Kind(StrEnum):
    """Verilator's kinds of points, named as its pages are."""

    LINE = "v_line"
    BRANCH = "v_branch"
    TOGGLE = "v_toggle"
    USER = "v_user"


@dataclass(frozen=True, order=True)
class Place:
    """What tells a point from others, whatever instance, parameters or run it was counted in.

    Attributes:
        file: path of the source below the folder of the design, with slashes.
        line: its line, from 1.
        column: its column, from 1.
        kind: its kind.
        what: Verilator's word for it: `block`; the arms `if`, `else`, `elsif`, `case`, `cond_then`, `cond_else`; or
            the bit and direction of a toggle.
    """

    file: str
    line: int
    column: int
    kind: Kind
    what: str

    @property
    def is_arm(self) -> bool:
        """Say whether it is one arm of a decision: Verilator files those of `case` and `else if` under its lines."""
        return self.kind is Kind.BRANCH or (self.kind is Kind.LINE and self.what != BLOCK)


@dataclass
class Point:
    """How often something was reached, all runs together, and the lines of its file that run with it."""

    count: int = 0
    lines: set[int] = field(default_factory=set)


Points = dict[Place, Point]


def read_points(path: Path, root: Path) -> Iterator[tuple[Place, int, set[int]]]:
    """Yield place, count and lines of each point of a run's file that lies in a source below `root`.

    Raises:
        ToolError: the file is not what Verilator writes (line named).
    """
    with path.open(encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        if file.readline().rstrip("\n") != HEAD:
            raise ToolError(f"{path}: the first line is not {HEAD!r}, so these are no counts of Verilator's")
        for number, text in enumerate(file, start=2):
            try:
                point = _parse(text, root)
            except (ValueError, KeyError):
                raise ToolError(f"{path}, line {number}: not a point of Verilator's coverage") from None
            if point is not None:
                yield point


def _parse(text: str, root: Path) -> tuple[Place, int, set[int]] | None:
    head, quoted = text[:3], text[3:]
    body, count = quoted.rsplit("' ", 1)
    if head != "C '" or not body.startswith("\x01"):
        raise ValueError
    fields = dict(part.split("\x02", 1) for part in body[1:].split("\x01"))
    kind = Kind(fields["page"].partition("/")[0])
    line, column = int(fields["l"]), int(fields["n"])
    source = Path(fields["f"])
    if not source.is_relative_to(root):
        return None
    place = Place(source.relative_to(root).as_posix(), line, column, kind, fields["o"])
    return place, int(count), _lines(fields.get("S", ""))


def _lines(text: str) -> set[int]:
    """Return the lines of a list such as `12,14-16`."""
    lines: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        lines.update(range(int(first), int(last or first) + 1))
    return lines


def merge(paths: Iterable[Path], root: Path) -> Points:
    """Add up the counts of the same places over files; a place is reached when any run of any build reached it.

    Raises:
        ToolError: a file is not what Verilator writes.
    """
    merged: Points = defaultdict(Point)
    for path in paths:
        for place, count, lines in read_points(path, root):
            point = merged[place]
            point.count += count
            point.lines |= lines
    return dict(merged)
