"""Runs the tests of the RTL on builds that count, and writes what they reach and what not into a page.

```
python -m rtl.coverage                    # run the tests, write docs/rtl-coverage.md
python -m rtl.coverage --data FOLDER      # only read the counts of earlier runs
```
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from machine.errors import ToolError, TpukitError
from machine.program import write_atomically
from rtl.coverage.collect import SUFFIX, VARIABLE
from rtl.coverage.points import merge
from rtl.coverage.report import Coverage, markdown
from rtl.coverage.waivers import read_waivers, waived_places
from rtl.sources import ROOT, board_sources

REPOSITORY = ROOT.parent
PAGE = REPOSITORY / "docs" / "rtl-coverage.md"
BEGIN, END = "<!-- coverage -->\n", "<!-- end of coverage -->\n"
TESTS = ("tests/rtl", "tests/cosim/test_hand_written.py", "tests/cosim/test_fuzz.py")
NOT_THESE = "not icarus and not synthesis and not lint and not waves and not edge16"
"""The other tools count nothing; a larger array has more of the same processing elements, and takes long to build."""
NEEDED_PERCENT = 95.0


def run_tests(folder: Path, workers: int) -> None:
    """Run the tests of the RTL, each build counting into files of `folder`.

    Raises:
        ToolError: a test failed.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "-k", NOT_THESE, *TESTS]
    command += ["--ignore", "tests/rtl/coverage"]
    result = subprocess.run(command, cwd=REPOSITORY, env={**os.environ, VARIABLE: str(folder)}, check=False)
    if result.returncode:
        raise ToolError(f"the tests failed (exit code {result.returncode}); coverage is of tests that pass")


def read_coverage(folder: Path) -> Coverage:
    """Merge the counts of a folder and judge them by the list of waivers.

    Raises:
        ToolError: no counts are there, a file is damaged, a point lies beyond its source's end, or a waiver is stale.
    """
    paths = sorted(folder.glob(f"*{SUFFIX}"))
    if not paths:
        raise ToolError(f"{folder} holds no counts (*{SUFFIX})")
    sources = {path.relative_to(ROOT).as_posix(): path.read_text().splitlines() for path in board_sources()}
    points = {place: point for place, point in merge(paths, ROOT).items() if place.file in sources}
    for place in points:
        if place.line > len(sources[place.file]):
            raise ToolError(f"{folder} has counts of other sources: {place.file} has no line {place.line}")
    return Coverage(points, waived_places(read_waivers(), points, sources), sources)


def write_page(page: Path, tables: str) -> None:
    """Put the tables between the marks of the page.

    Raises:
        ToolError: the marks are not there.
        ProgramError: the page cannot be written.
    """
    before, begin, rest = page.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ToolError(f"{page} lacks the marks {BEGIN.strip()!r} and {END.strip()!r}")
    write_atomically(page, f"{before}{begin}{tables}{end}{after}".encode())


def main(arguments: list[str] | None = None) -> int:
    """Count, print the shares, write the page, and return the exit code: 1 where less than is needed is reached."""
    parser = argparse.ArgumentParser(prog="python -m rtl.coverage", description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with counts of earlier runs; no test is run")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="tests at a time")
    parser.add_argument("--page", type=Path, default=PAGE, help="page whose tables are written")
    options = parser.parse_args(arguments)
    try:
        if options.data is not None:
            coverage = read_coverage(options.data)
        else:
            with tempfile.TemporaryDirectory(prefix="tpukit_coverage_") as name:
                run_tests(Path(name), options.workers)
                coverage = read_coverage(Path(name))
        write_page(options.page, markdown(coverage))
    except TpukitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    total = coverage.total()
    print(f"lines {total.lines}, branches {total.arms}, toggles {total.toggles}")
    needed = (("lines", total.lines), ("branches", total.arms))
    short = [name for name, share in needed if share.percent < NEEDED_PERCENT]
    if short:
        print(f"error: less than {NEEDED_PERCENT}% of the {' and the '.join(short)} are reached", file=sys.stderr)
    return int(bool(short))


if __name__ == "__main__":
    sys.exit(main())
