"""A comparison as one self-contained page that opens offline: bars by batch, and all figures."""

from __future__ import annotations

from importlib import resources

from machine.text import printable
from runtime.cli.output import finite
from runtime.compare.result import Comparison
from runtime.compare.table import COLUMNS, LEFT_COLUMNS, cells, notes
from runtime.report.page import self_contained


def comparison_page(result: Comparison) -> str:
    """Return the page; the same comparison gives the same text.

    Raises:
        ToolError: plotly is not installed.
    """
    assets = resources.files("runtime.compare") / "assets"
    template, style, script = (
        (assets / f"compare.{ending}").read_text(encoding="utf-8") for ending in ("html", "css", "js")
    )
    title = f"{printable(result.source)}, on {result.machine} and others"
    data = finite(result.to_dict()) | {
        "columns": COLUMNS, "left": LEFT_COLUMNS, "cells": [cells(row) for row in result.rows], "lines": notes(result),
    }
    return self_contained(template, title, style, script, data)
