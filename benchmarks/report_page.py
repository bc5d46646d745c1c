"""How large the report of a network is, and how soon a browser has it: when it answers, when all of it is drawn.

`python -m benchmarks.report_page [NAME ...] [--json FILE]`, on Debian's Chromium driven by playwright (in the extra
`dev`). Every opening begins with an empty cache in a context of its own; the median of several is shown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from runtime.cli.output import print_table
from runtime.networks import BUILT_IN, open_network
from runtime.profile import profile_program
from runtime.report import write_report

OPENINGS = 5
BROWSER = "chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]
COLUMNS = ["network", "report (bytes)", "answers (ms)", "all drawn (ms)", "zoom of the timeline (ms)"]
ZOOM = """() => new Promise((done) => {
    const start = performance.now();
    document.getElementById("timeline-view").dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
})"""


@dataclass(frozen=True)
class Row:
    """The report of one network; times in milliseconds, the first two from the beginning of the navigation."""

    network: str
    size_bytes: int
    answers_ms: float
    drawn_ms: float
    zoom_ms: float


@contextmanager
def opened_browser() -> Iterator[Any]:
    """Start Chromium.

    Raises:
        SystemExit: there is none.
    """
    from playwright.sync_api import sync_playwright

    path = shutil.which(BROWSER)
    if path is None:
        raise SystemExit(f"{BROWSER} is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def measure(browser: Any, name: str, openings: int) -> Row:
    """Write a network's report and open it some times."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        write_report(profile_program(open_network(name)), path)
        times = [_open(browser, path) for _ in range(openings)]
        size = path.stat().st_size
    answers, drawn, zoom = (statistics.median(each) for each in zip(*times, strict=True))
    return Row(name, size, answers, drawn, zoom)


def _open(browser: Any, path: Path) -> tuple[float, float, float]:
    context = browser.new_context(viewport={"width": 1400, "height": 900}, offline=True)
    page = context.new_page()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    answers = float(page.evaluate("() => window.tpukitReadyMs"))
    drawn = float(page.evaluate("() => Number(document.documentElement.dataset.ready)"))
    zoom = float(page.evaluate(ZOOM))
    context.close()
    return answers, drawn, zoom


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report_page", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(BUILT_IN), metavar="NAME", help=f"of {', '.join(BUILT_IN)}")
    parser.add_argument("--openings", type=int, default=OPENINGS, help="how often each is opened")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    with opened_browser() as browser:
        rows = [measure(browser, name, options.openings) for name in options.names]
    cells = [
        (row.network, f"{row.size_bytes:,}", f"{row.answers_ms:,.0f}", f"{row.drawn_ms:,.0f}", f"{row.zoom_ms:,.0f}")
        for row in rows
    ]
    print_table("reports in a browser", COLUMNS, cells)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
