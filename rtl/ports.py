"""The ports tables of the unit pages and the board's, written from the Verilog: `python -m rtl.ports [--check]`.

A page marks the place of a module's table with `<!-- ports: MODULE -->` and `<!-- end of ports -->`; what lies between
is made from the port declarations of `rtl/UNIT/MODULE.sv` (or `.v`) and the comments behind them.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from machine.errors import ToolError

ROOT = Path(__file__).resolve().parent.parent
PAGES = (*sorted((ROOT / "docs/units").glob("*.md")), ROOT / "docs/board.md")
_PORT = re.compile(r"\s*(input|output)\s+(?:logic|wire)\s*(\[[^\]]*\])?\s*(\w+)\s*,?\s*(?://\s*(.*))?$")
_MARK = re.compile(r"(<!-- ports: (\w+) -->\n)(.*?)(<!-- end of ports -->)", re.DOTALL)


def ports_of(source: str) -> list[tuple[str, str, str]]:
    """Return (name, width, meaning) of each port in a module's header, in order."""
    header = source[source.index("\nmodule ") :]
    header = header[: header.index("\n);")]
    found = (_PORT.match(line) for line in header.splitlines())
    return [(match[3], _width(match[2]), match[4] or "") for match in found if match]


def _width(bounds: str | None) -> str:
    """Turn `[ N-1:0]` into `N`, and a single bit into `1`."""
    if bounds is None:
        return "1"
    high = re.sub(r"\s+|tpukit_isa::", "", bounds)[1:].rpartition(":")[0]
    return high.removesuffix("-1") if high.endswith("-1") else str(int(high) + 1)


def source_of(module: str) -> Path:
    """Return the file of a module.

    Raises:
        ToolError: there is no such module.
    """
    paths = [path for path in sorted((ROOT / "rtl").glob(f"*/{module}.*")) if path.suffix in (".sv", ".v")]
    if not paths:
        raise ToolError(f"no module {module!r} in rtl/")
    return paths[0]


def ports_table(module: str) -> str:
    """Return the Markdown table of one module's ports.

    Raises:
        ToolError: there is no such module.
    """
    path = source_of(module)
    rows = [f"| `{name}` | {width} | {meaning} |" for name, width, meaning in ports_of(path.read_text())]
    folder = path.relative_to(ROOT)
    return "\n".join([f"`{folder}`", "", "| port | bits | meaning |", "|---|---|---|", *rows, ""])


def updated(page: str) -> str:
    """Return a page with its ports tables made anew."""
    return _MARK.sub(lambda match: f"{match[1]}{ports_table(match[2])}{match[4]}", page)


def main() -> int:
    """Write the tables, or with `--check` report the pages that differ (exit code 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    arguments = parser.parse_args()
    stale = [path for path in PAGES if updated(path.read_text()) != path.read_text()]
    if not arguments.check:
        for path in stale:
            path.write_text(updated(path.read_text()))
    elif stale:
        print(f"ports differ: {', '.join(path.name for path in stale)}; run python -m rtl.ports", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
