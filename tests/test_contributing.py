"""CONTRIBUTING.md and README.md are true: paths, links, targets and modules exist, for every instruction."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

from machine.isa import ENGINE_OF, Opcode

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


def test_make_targets_and_modules_exist() -> None:
    text = "\n".join((ROOT / name).read_text() for name in ("CONTRIBUTING.md", "README.md"))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+(?:-[a-z]+)*)\b(?= *(?:&&|#|`|$))", text, re.MULTILINE))
    assert {"test", "test-fast", "generate"} <= named <= targets
    modules = set(re.findall(r"python3? -m ([\w.]+)", text))
    assert modules and all(importlib.util.find_spec(module) for module in modules)


@pytest.mark.parametrize("opcode", sorted(ENGINE_OF), ids=lambda opcode: opcode.name.lower())
def test_the_guide_holds_for_every_instruction(opcode: Opcode) -> None:
    """What "How to add an instruction" says of the vector unit is so for the unit of each instruction."""
    guide = (ROOT / "CONTRIBUTING.md").read_text().partition("## How to add an instruction")[2]
    places = [path for path in named_paths(guide) if "vector" in path]
    assert len(places) >= 5
    for place in places:
        assert (ROOT / place.replace("vector", opcode.name.lower())).exists(), place


def test_readme_links_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 20
    assert [link for link in links if not (ROOT / link).exists()] == []
