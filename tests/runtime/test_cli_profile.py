"""`tpukit profile`: tables, JSON and CSV that add up, and what it refuses."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

from machine.isa import Opcode, make
from machine.program import Program
from runtime.cli.files import separate_files
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
    for name, cycles in lost.items():
        assert re.search(rf"│ {name} .*% │ +{cycles:,} │", every)
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
    assert "\x1b" not in done.text and "\u202e" not in done.text
    text = cli("profile", file).text
    assert "\x1b" not in text and "\u202e" not in text and "[red]" in text


def test_refuses(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    cli("profile", tmp_path / "none.tpu").refuses("cannot read")
    cli("profile", tiny.file, "--csv", tmp_path / "none" / "x.csv").refuses("the folder")
    cli("profile", tiny.file, "--machine", "edge16").refuses("was compiled for nano4, asked to run on edge16")
    cli("profile", tiny.file, "--csv", "-", "--json").refuses("of --json, --csv - and --html - only one can write")
    cli("profile", tiny.file, "--top", -1).refuses("--top", code=2)


def test_no_output_is_written_over_another_or_over_an_input(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    one, program = tmp_path / "one", tiny.file.read_bytes()
    cli("profile", tiny.file, "--csv", one, "--html", tmp_path / "." / "one").refuses("another output of this command")
    cli("profile", tiny.file, "--csv", tiny.file).refuses("it is an input of this command too")
    assert not one.exists() and tiny.file.read_bytes() == program
    separate_files(["/dev/null", "/dev/null", "-"], "-")


def test_a_program_that_halts_with_an_error_has_no_profile(cli: Cli, tiny: Tiny, tmp_path: Path) -> None:
    file = tmp_path / "deadlock.tpu"
    waiting = make(Opcode.STORE, wait=1, words=1, window_bytes=4)
    Program.kernel(tiny.program.machine, [waiting, make(Opcode.HALT)], tiny.program.image[:256], 4096).save(file)
    cli("profile", file).refuses("halted with")


def test_a_built_in_network_is_profiled_by_name(cli: Cli) -> None:
    report = cli("profile", "digits", "--machine", "nano4", "--batch", 2, "--json").json
    assert (report["machine"], report["source"], report["batch"]) == ("nano4", "digits", 2)
    assert report["what_if"][0]["saved_cycles"] > 0 and report["verdict"].startswith("Limited by ")
    best = report["what_if"][0]
    assert best["cycles"] == report["total"]["cycles"] - best["saved_cycles"]
    assert report["verdict"] in cli("profile", "digits", "--machine", "nano4", "--batch", 2).text
    assert cli("profile", "digits").text.splitlines()[-1].count("; ") >= 2


def test_without_what_if(cli: Cli, tiny: Tiny) -> None:
    report = cli("profile", tiny.file, "--no-what-if", "--json").json
    assert (report["what_if"], report["verdict"]) == ([], None)
    assert "imit" not in cli("profile", tiny.file, "--no-what-if").text


def test_a_model_is_compiled(cli: Cli, tiny: Tiny) -> None:
    given = cli("profile", tiny.model, "--machine", "nano4", "--calibration", tiny.calibration, "--json")
    assert given.stderr == "" and given.json["layers"] == cli("profile", tiny.file, "--json").json["layers"]
    made_up = cli("profile", tiny.model, "--no-what-if", "--json")
    assert made_up.json["machine"] == "edge16" and "calibrated with random samples" in made_up.stderr


def test_an_html_report_says_what_would_help(cli: Cli, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    done = cli("profile", "digits", "--html", page)
    assert done.code == 0 and "twice the array" in page.read_text()
    assert cli("profile", "digits", "--html", "-").text == page.read_text()
    cli("profile", "digits", "--html", tmp_path / "none" / "report.html").refuses("does not exist")
    cli("profile", "digits", "--html", "-", "--csv", "-").refuses("only one can write to standard output")


def test_networks_that_are_none(cli: Cli, tiny: Tiny) -> None:
    cli("profile", "resnet").refuses("no network 'resnet'; legal are digits, mobilenet_v2, resnet50, the path of")
    cli("profile", tiny.file, "--machine", "edge8").refuses("was compiled for nano4, asked to run on edge8")
    cli("profile", tiny.file, "--batch", 2).refuses("is compiled already")
    cli("profile", "-", "--batch", 2).refuses("standard input is a program, compiled already")
