"""The comparison's page: it needs nothing else, shows every figure, and obeys no name."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from runtime.compare import Answer, Comparison, LeftOut, Row, Spread
from runtime.compare.page import comparison_page
from runtime.compare.table import cells, notes
from runtime.report.page import plotting_library
from tests.runtime.helpers import Cli, Tiny

HOSTILE = "</script><img src=x onerror='window.hacked = 1'>%{x}&lt;\u202e"


class Tags(HTMLParser):
    """The names of all tags, and of attributes that make a browser fetch something."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        self.fetched += [name for name, _ in attrs if name in ("src", "href", "data", "srcset")]


def comparison() -> Comparison:
    """A comparison whose texts are what somebody else may have written."""
    sim = Row(
        "sim", HOSTILE, "int8", HOSTILE, 1, Spread.exact(2e-3), Spread(1e-4, 1e-4, 2e-4, 9), 10_000, 1e9,
        (Answer(HOSTILE, 0.5, 30.0, 0.75),), 1, 2_000_000, 0.5,
    )
    single = replace(
        sim, backend="cpu", number="float32", latency=Spread(5e-3, 4e-3, 9e-3, 40), host=None, cycles=None,
        peak_macs_per_second=None, answers=(Answer(HOSTILE, 0.0, float("inf"), 1.0),), simulation_seconds=None,
    )
    rows = [replace(row, batch=batch) for row in (sim, single, replace(single, number="int8")) for batch in (1, 8)]
    return Comparison(HOSTILE, "edge16", tuple(rows), (LeftOut("gpu", None, None, HOSTILE),))


def test_nothing_is_fetched_and_no_name_is_obeyed() -> None:
    pytest.importorskip("plotly")
    page = comparison_page(comparison())
    assert page == comparison_page(comparison())
    tags = Tags()
    tags.feed(page)
    assert not tags.fetched and "img" not in tags.names and tags.names.count("script") == 3
    assert "\u202e" not in page.replace(plotting_library(), "")
    embedded = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert embedded is not None
    data = json.loads(embedded[1])
    assert [row["snr_db"] for row in data["rows"]] == [30.0, 30.0, *[None] * 4]
    assert data["cells"] == [cells(row) for row in comparison().rows] and data["lines"] == notes(comparison())


def test_in_a_browser(chromium: Any, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    path = tmp_path / "page.html"
    path.write_text(comparison_page(comparison()), encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1100, "height": 900}, color_scheme="dark")
    page, complaints, requests = context.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached", timeout=60_000)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.locator("#rows tbody tr").count() == 6
    assert page.locator("#rows tbody tr").first.locator("td").all_inner_texts() == cells(comparison().rows[0])
    assert page.locator("#devices li").all_inner_texts()[-1].startswith("gpu left out: </script><img")
    drawn = "document.getElementById('plot').data.map((trace) => [trace.name, ...trace.y])"
    assert page.evaluate(drawn) == [["sim int8", 2, 2], ["cpu float32", 5, 5], ["cpu int8", 5, 5]]
    page.locator("#measure").focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate(drawn)[1] == ["cpu float32", 200, 1600]
    page.locator("#measure").select_option(label="Share of the peak (%)")
    assert page.evaluate(drawn) == [["sim int8", 0.5, 0.5], ["cpu float32", None, None], ["cpu int8", None, None]]
    page.locator("#theme").click()
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate("window.hacked") is None
    assert complaints == [] and len(requests) == 1
    context.close()


def test_command(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    pytest.importorskip("plotly")
    options = ("compare", tiny.model, "-i", tiny.input, "--machine", "nano4", "--seconds", "0", "--backends", "cpu")
    assert cli(*options, "--html", tmp_path / "page.html", "--json").json["rows"]
    assert "tiny.onnx, on nano4 and others" in (tmp_path / "page.html").read_text(encoding="utf-8")
    cli(*options, "--html", tmp_path / "none" / "page.html").refuses("does not exist")
    cli(*options, "--html", "-").refuses("--html needs a file")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["page.html"]
