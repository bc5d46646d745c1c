"""The page: template, style, scripts, plotting library and data in one HTML text that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from machine.errors import ToolError

SCRIPTS = (
    "base.js", "theme.js", "selection.js", "summary.js", "graph_layout.js", "graph.js", "history.js", "timeline.js",
    "occupancy.js", "roofline.js", "losses.js", "table.js", "main.js",
)
"""The page's own scripts in the order in which they are read, one text in the page."""


def plotting_library() -> str:
    """Return the text of plotly.js, which the package plotly brings along.

    Raises:
        ToolError: plotly is not installed.
    """
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise ToolError("the HTML report needs plotly, which is not installed; pip install 'tpukit[report]'")
    return (Path(found.origin).parent / "package_data" / "plotly.min.js").read_text(encoding="utf-8")


def report_page(data: Mapping[str, Any]) -> str:
    """Return the page that shows the data; the same data gives the same text.

    Its content security policy names its own scripts by their hashes and allows no connection, so that nothing else
    runs and nothing is fetched, whatever names are in the data.

    Raises:
        ToolError: plotly is not installed.
    """
    assets = resources.files("runtime.report") / "assets"
    return self_contained(
        (assets / "report.html").read_text(encoding="utf-8"),
        f"{data['source'] or 'kernel'} on {data['machine']['name']}",
        (assets / "report.css").read_text(encoding="utf-8"),
        "\n".join((assets / name).read_text(encoding="utf-8") for name in SCRIPTS),
        data,
    )


def self_contained(template: str, title: str, style: str, script: str, data: Mapping[str, Any]) -> str:
    """Return a template with everything that it needs: plotly.js, its own style and script, and the data as JSON.

    Raises:
        ToolError: plotly is not installed.
    """
    library = plotting_library()
    script = f'"use strict";\n(() => {{\n{script}\n}})();\n'
    policy = (
        f"default-src 'none'; script-src {_hash(library)} {_hash(script)}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "POLICY": html.escape(policy), "TITLE": html.escape(title), "STYLE": style, "DATA": embedded_json(data),
        "LIBRARY": library, "SCRIPT": script,
    }
    pieces = template.split("@@")
    return "".join(parts[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def embedded_json(value: Any) -> str:
    """Return a value as JSON that no HTML parser and no script takes for anything else, in ASCII."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
