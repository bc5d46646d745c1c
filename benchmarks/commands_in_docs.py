"""What commands print, in the pages that show it: `python -m benchmarks.commands_in_docs [--check]`.

A page marks the place of a command's output with `<!-- output: tpukit ... -->` and `<!-- end of output -->`; what lies
between is what the command prints when it is run from the project's root.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import sys
from pathlib import Path

from machine.errors import ToolError
from runtime.cli.main import main as tpukit

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("docs/kernels.md",)
_MARK = re.compile(r"(<!-- output: tpukit (.*?) -->\n)(.*?)(<!-- end of output -->)", re.DOTALL)


def printed(arguments: str) -> str:
    """Return what a command prints.

    Raises:
        ToolError: it fails.
    """
    output, before = io.StringIO(), Path.cwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(output):
            code = tpukit(shlex.split(arguments))
    finally:
        os.chdir(before)
    if code:
        raise ToolError(f"tpukit {arguments} ended with exit code {code}")
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def updated(page: str) -> str:
    """Return a page with what its commands print now."""
    return _MARK.sub(lambda match: f"{match[1]}```\n$ tpukit {match[2]}\n{printed(match[2])}\n```\n{match[4]}", page)


def main() -> int:
    """Write the outputs, or with `--check` report the pages that differ (exit code 1)."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    wrong = []
    for name in PAGES:
        path = ROOT / name
        page = path.read_text()
        made = updated(page)
        if page == made:
            continue
        wrong.append(name)
        if not check:
            path.write_text(made)
    if check and wrong:
        print(f"not what the commands print, run python -m benchmarks.commands_in_docs: {', '.join(wrong)}",
              file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
