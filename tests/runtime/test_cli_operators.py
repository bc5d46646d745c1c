"""`tpukit operators`, and the page that it makes."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

from compiler.importer.operators import LIMITS, RULES, Where, markdown, operators, supported
from compiler.importer.registry import HANDLERS, HOST, REMOVED
from runtime.cli.main import main

PAGE = Path(__file__).parents[2] / "docs" / "operators.md"


def test_the_page_is_what_the_handlers_say():
    assert PAGE.read_text() == markdown(), "run 'make generate'"


def test_every_operator_of_onnx_is_somewhere():
    names = [entry.name for entry in operators()]
    known = {schema.name for schema in onnx.defs.get_all_schemas() if schema.domain == ""}
    assert names == sorted(set(names)) and known.issubset(names)
    assert {entry.name for entry in operators() if entry.where is Where.ACCELERATOR} == set(HANDLERS) - HOST - REMOVED
    assert (HOST | REMOVED).issubset(HANDLERS)


def test_every_supported_operator_is_described():
    for entry in supported():
        assert entry.summary.endswith("."), entry.name
        assert all(rule == rule.strip(" .") for rule in entry.constraints), entry.name


def test_text(capsys):
    assert main(["operators"]) == 0
    text = capsys.readouterr().out
    assert "Concat" in text and "every input is computed at run time" in text
    assert "host only, as ONNX Runtime executes them: AffineGrid, And" in text
    assert "StringSplit: refused: texts are not supported" in text


def test_help_says_what_becomes_of_the_rest(capsys):
    assert main(["operators", "--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert " ".join(RULES.split()) in text
    assert all(limit in text for limit in LIMITS)


def test_one_operator(capsys):
    assert main(["operators", "pad", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in found] == ["Pad"]
    assert found[0]["where"] == "accelerator" and "the batch is kept" in found[0]["constraints"]


def test_markdown(capsys):
    assert main(["operators", "--markdown"]) == 0
    assert capsys.readouterr().out == markdown()


@pytest.mark.parametrize("name", ["Nothing", ""])
def test_unknown_operators(capsys, name):
    assert main(["operators", name]) == 1
    assert f"no operator of the standard ONNX domain is called '{name}'" in capsys.readouterr().err
