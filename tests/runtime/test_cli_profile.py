"""`tpukit profile`: tables, JSON and CSV that add up, and what it refuses."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

from machine.isa import Opcode, make
from machine.program import Program
from runtime.profile import CAUSES
from tests.runtime.helpers import COPY, Cli, Tiny

HOSTILE = "[red]\x1b[31m\n=HYPERLINK(0)\u202e"


def test_json_adds_up(cli: Cli, tiny: Tiny) -> None:
    report = cli("profile", tiny.file, "--json").json
    run = cli("run", tiny.file, "--time-only", "--json").json
    assert report["total"]["cycles"] == run["cycles"] and report["counters"] == run["counters"]
    parts = [*report["layers"], report["tail"]]
    for cause in CAUSES:
        assert sum(part["causes"][cause] for part in parts) == report["total"]["causes"][cause]
    assert sum(part["cycles"] for part in parts) == sum(report["total"]["causes"].values()) == run["cycles"]
    assert report["total"]["utilization"] == run["utilization"]
    assert report["seconds"] == run["cycles"] / report["clock_hz"]


def test_text(cli: Cli, tiny: Tiny) -> None:
    done = cli("profile", tiny.file)
    report = cli("profile", tiny.file, "--json").json
    assert (done.code, done.stderr) == (0, "")
    cycles = report["total"]["cycles"]
    assert f"tiny.onnx on nano4: {cycles:,} cycles" in done.text
    assert re.search(rf"\(total\) .*{cycles:,}.*100\.0%", done.text)
    for cause, taken in report["total"]["causes"].items():
        assert bool(taken) == bool(re.search(rf"│ {cause} +│ +{taken:,} ", done.text))


def test_the_worst_come_first_and_top_cuts_the_table(cli: Cli, digits_program: Program, tmp_path: Path) -> None:
    file = tmp_path / "digits.tpu"
    digits_program.save(file)
    layers = [layer for layer in cli("profile", file, "--json").json["layers"] if layer["placement"] == "accelerator"]
    lost = {layer["name"]: layer["cycles"] - layer["causes"]["useful"] for layer in layers}
    worst_first = sorted(lost, key=lambda name: -lost[name])
    first, *others = worst_first
    tables = cli("profile", file, "--top", 1).text
    assert f"│ {first} " in tables and f"({len(others)} more)" in tables
    assert all(f"│ {name} " not in tables for name in others)
    every = cli("profile", file, "--top", 0).text
    places = [every.index(f"│ {name} ") for name in worst_first]
    assert places == sorted(places) and "more)" not in every


def test_csv(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    target = tmp_path / "layers.csv"
    assert cli("profile", tiny.file, "--csv", target).code == 0
    rows = list(csv.DictReader(io.StringIO(target.read_text())))
    assert sum(int(row["cycles"]) for row in rows) == cli("run", tiny.file, "--time-only", "--json").json["cycles"]
    printed = cli("profile", tiny.file, "--csv", "-")
    assert printed.text == target.read_text()


def test_kernels(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "copy.tpu"
    assert cli("asm", COPY, "-o", file).code == 0
    report = cli("profile", file, "--json").json
    run = cli("run", file, "--json").json
    (section,) = report["layers"]
    assert (section["name"], section["operator"], report["blocks"]) == ("kernel", "section", [])
    assert section["cycles"] + report["tail"]["cycles"] == report["total"]["cycles"] == run["cycles"]


def test_hostile_names_are_inert(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    nodes = tuple(replace(node, name=HOSTILE) for node in tiny.program.nodes)
    file = tmp_path / "hostile.tpu"
    replace(tiny.program, nodes=nodes).save(file)
    done = cli("profile", file, "--csv", "-")
    assert done.code == 0 and all(row["layer"].startswith("[red]") or row["layer"] == "(tail)"
                                  for row in csv.DictReader(io.StringIO(done.text)))
    text = cli("profile", file).text
    assert "\x1b" not in text and "\u202e" not in text and "[red]" in text


def test_refuses(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    cli("profile", tmp_path / "none.tpu").refuses("cannot read")
    cli("profile", tiny.file, "--csv", tmp_path / "none" / "x.csv").refuses("the folder")
    cli("profile", tiny.file, "--machine", "edge16").refuses("was compiled for nano4, asked to run on edge16")
    cli("profile", tiny.file, "--csv", "-", "--json").refuses("would both write to standard output")
    cli("profile", tiny.file, "--top", -1).refuses("--top", code=2)


def test_a_program_that_halts_with_an_error_has_no_profile(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    file = tmp_path / "deadlock.tpu"
    waiting = make(Opcode.STORE, wait=1, words=1, window_bytes=4)
    Program.kernel(tiny.program.machine, [waiting, make(Opcode.HALT)], tiny.program.image[:256], 4096).save(file)
    cli("profile", file).refuses("halted with")
