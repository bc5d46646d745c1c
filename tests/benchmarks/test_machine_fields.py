"""What a field costs and brings: the bits are the Verilog's, and the page has the figures that are kept."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks import machine_fields
from machine.config import load_machine
from rtl.synthesis import Synthesis


def test_bits_of_the_smallest_machine() -> None:
    """By hand, from the widths in docs/isa.md and the arrays in rtl/."""
    bits = machine_fields.memory_bits(load_machine("nano4"))
    assert bits["weight FIFO"] == 64 * 4 * 4 * 8
    assert bits["parameters"] == 32 * 3 * (4 + 4) * 32  # entries x sections x (lanes + lanes of the record) x bits
    assert bits["queues"] == 8 * (339 + 72 + 287 + 475 + 319)
    assert bits["fetch buffer"] == 16 * 512
    assert bits["store buffers"] == 4 * 256 * 8
    assert (bits["scratchpad"], bits["accumulators"], bits["load buffer"]) == (1 << 16, 1 << 14, 1 << 13)
    assert bits["tables"] == 4096


def test_the_page_has_the_figures() -> None:
    figures, page = json.loads(machine_fields.FIGURES.read_text()), machine_fields.PAGE.read_text()
    assert set(figures) == set(machine_fields.TABLES)
    assert machine_fields.with_tables(page, figures) == page
    changes = [{}, *machine_fields.CHANGES]
    assert [row["changed"] for row in figures["networks"]] == changes
    assert all(set(row["cycles"]) == set(machine_fields.TITLES) for row in figures["networks"])
    assert [row["changed"] for row in figures["synthesis"]] == [{}, *machine_fields.SYNTHESIS_CHANGES]


def test_tables_show_differences() -> None:
    rows = [
        {"changed": changed, "memory_bits": bits, "multipliers": macs, "cycles": {"digits": 1000, "resnet50": last}}
        for changed, bits, macs, last in (({}, 2048, 256, 3000), ({"rows": 32}, 3072, 512, 1500))
    ]
    assert machine_fields.networks_table(rows).splitlines()[2:] == [
        "| none (`edge16`) | 2 | 256 | 1,000 | 3,000 |", "| `rows` 16 to 32 | +1 | +256 | 0 | -50.0% |",
    ]
    cells = [
        {"changed": {}, "cells": {"LUTs": 9000, "RAMs": 4}},
        {"changed": {"rows": 8}, "cells": {"LUTs": 8000, "RAMs": 4}},
    ]
    assert machine_fields.synthesis_table(cells).splitlines()[2:] == [
        "| none (`nano4`) | 9,000 | 4 |", "| `rows` 4 to 8 | -1,000 | 0 |",
    ]


def test_the_command_keeps_what_it_measures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    figures, page = tmp_path / "figures.json", tmp_path / "page.md"
    figures.write_text("{}")
    marks = [f"<!-- {part} -->\nold\n<!-- end of {part} -->\n" for part in ("networks", "synthesis")]
    page.write_text("before\n" + "after\n".join(marks))
    monkeypatch.setattr(machine_fields, "FIGURES", figures)
    monkeypatch.setattr(machine_fields, "PAGE", page)
    monkeypatch.setattr(machine_fields, "CHANGES", ({"queue_depth": 4},))
    monkeypatch.setattr(machine_fields, "synthesise", lambda machine: Synthesis(machine, "tpu", {"LUT4": 10}))
    machine_fields.main(["--networks", "digits", "--page"])
    machine_fields.main(["--synthesis", "--page"])
    kept = json.loads(figures.read_text())
    assert [row["changed"] for row in kept["networks"]] == [{}, {"queue_depth": 4}]
    assert kept["synthesis"][0]["cells"]["look-up tables"] == 10
    text = page.read_text()
    assert "old" not in text and text.startswith("before\n") and "\nafter\n" in text
    assert f"| none (`edge16`) | 2,776 | 256 | {kept['networks'][0]['cycles']['digits']:,} |" in text
    assert "| `queue_depth` 8 to 4 |" in capsys.readouterr().out


def test_the_figures_of_digits_are_still_true() -> None:
    kept = json.loads(machine_fields.FIGURES.read_text())["networks"]
    for row, before in zip(machine_fields.measure(["digits"]), kept, strict=True):
        assert row.cycles["digits"] == before["cycles"]["digits"], before["changed"]
        assert {**asdict(row), "cycles": {}} == {**before, "cycles": {}}
