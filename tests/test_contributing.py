"""CONTRIBUTING.md: every path it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def named_paths(text: str) -> list[str]:
    """Return what stands in backticks and reads as a path: no space in it, and a slash or a file's ending."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    quoted = re.findall(r"`([^`\s]+)`", prose)
    return sorted({name for name in quoted if "/" in name or re.search(r"\w\.(md|py|toml|svh?|s)$", name)})


@pytest.mark.parametrize("path", named_paths((ROOT / "CONTRIBUTING.md").read_text()))
def test_path_exists(path: str) -> None:
    assert (ROOT / path).exists(), f"CONTRIBUTING.md names {path}, which does not exist"


def test_paths_are_told_from_commands_and_names() -> None:
    text = "`make test` reads `pyproject.toml`, `docs/units/` and `Instruction`.\n```\n`not/this`\n```\n"
    assert named_paths(text) == ["docs/units/", "pyproject.toml"]
