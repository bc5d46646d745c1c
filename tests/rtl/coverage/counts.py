"""Counts as Verilator writes them, made by hand."""

from __future__ import annotations

from pathlib import Path

HEAD = "# SystemC::Coverage-3\n"


def point(
    source: Path | str, line: int, column: int, page: str, what: str, count: int, lines: str = "", top: str = "top"
) -> str:
    """Return the line of one point."""
    fields = {"f": str(source), "l": str(line), "n": str(column), "t": "any", "page": f"{page}/m", "o": what}
    if lines:
        fields["S"] = lines
    fields["h"] = top
    text = "".join(f"\x01{key}\x02{value}" for key, value in fields.items())
    return f"C '{text}' {count}\n"


def write(path: Path, *points: str) -> Path:
    """Write a file of counts."""
    path.write_text(HEAD + "".join(points))
    return path
