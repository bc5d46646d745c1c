"""One run of `tpukit profile`: terminal, JSON, CSV, report, trace, TensorBoard and the hardware say the same totals."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from machine.config import load_machine
from machine.isa import Engine
from rtl.run import RtlResult, run_program
from runtime.demo import compile_digits
from runtime.profile import CAUSES
from runtime.profile.traffic import KINDS, READ_KINDS, RESULTS
from runtime.result import counter_table
from runtime.session import Session
from tests.runtime.helpers import Cli
from tests.runtime.traces.test_chrome import CHARGED, cycles_by_name, hardware_state
from tests.runtime.traces.test_tensorboard import read, values
from tests.runtime.traces.trace_events import read_trace, tracks

Totals = dict[str, int]


def from_json(report: dict[str, Any]) -> Totals:
    total = report["total"]
    return {"cycles": total["cycles"], "macs": total["macs"], **total["causes"], **total["traffic_bytes"]}


def from_csv(path: Path) -> Totals:
    rows = list(csv.DictReader(path.read_text().splitlines()))
    columns = {"cycles": "cycles", "macs": "macs", **{cause: f"{cause}_cycles" for cause in CAUSES},
               **{kind: f"{kind}_bytes" for kind in KINDS}}
    return {name: sum(int(row[column]) for row in rows) for name, column in columns.items()}


def from_report(path: Path) -> Totals:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(), re.DOTALL)
    total = json.loads(text)["total"]
    return {
        "cycles": total["total_cycles"], "macs": total["macs"],
        **dict(zip(CAUSES, total["cycles"], strict=True)), **dict(zip(KINDS, total["traffic"], strict=True)),
    }


def from_tensorboard(folder: Path) -> Totals:
    (file,) = folder.iterdir()
    events = read(file)
    tags = {"cycles": "total/cycles", "macs": "total/macs", **{cause: f"total/causes/{cause}" for cause in CAUSES},
            **{kind: f"total/traffic_bytes/{kind}" for kind in KINDS}}
    return {name: values(events, tag)[0] for name, tag in tags.items()}


def from_trace(path: Path) -> tuple[Totals, dict[str, dict[str, int]]]:
    """Return the totals, added up from slices and their arguments, and the counters, added up from slices of states."""
    _, events = read_trace(path)
    found = tracks(events)
    charged = [event for event in found[CHARGED] if event["cat"] != "block"]
    totals = {"cycles": sum(event["dur"] for event in charged)}
    counters = {}
    for engine in Engine:
        name = engine.name.lower()
        sums: Counter[str] = Counter()
        for state, cycles in cycles_by_name(found[f"{name}: states"]).items():
            sums[hardware_state(state)] += cycles
        counters[name] = dict(sums)
    return totals, counters


def from_terminal(text: str) -> Totals:
    """Return what the table of causes and the last line but the verdict say."""
    causes = dict.fromkeys(CAUSES, 0)
    table = text[text.index("where the cycles went") :]
    for name, cycles in re.findall(r"│ (\w+) +│ +([\d,]+) │", table):
        causes[name] = int(cycles.replace(",", ""))
    pattern = r"([\d,]+) cycles \(.*?([\d,]+) MACs,.*?([\d,]+) bytes\s+read, ([\d,]+) written"
    figures = re.search(pattern, text, re.DOTALL)
    assert figures
    cycles, macs, read_bytes, written = (int(each.replace(",", "")) for each in figures.groups())
    return {"cycles": cycles, "macs": macs, "read": read_bytes, "results": written, **causes}


def on_rtl(session: Session) -> RtlResult:
    program, (segment,) = session.program, session.program.segments
    return run_program(
        program.machine, session.blank_image(), segment.program_address, len(segment.instructions),
        program.memory_bytes,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nano4", "edge8"])
def test_all_say_the_same(cli: Cli, name: str, tmp_path: Path) -> None:
    program = compile_digits(load_machine(name))
    file, report, trace, layers, board = (
        tmp_path / each for each in ("digits.tpu", "report.html", "trace.json", "layers.csv", "board")
    )
    program.save(file)
    outputs = ("--html", report, "--trace", trace, "--csv", layers, "--tensorboard", board, "--no-what-if")
    printed = cli("profile", file, *outputs, "--json").json
    totals = from_json(printed)
    assert totals["cycles"] == sum(totals[cause] for cause in CAUSES) > 0
    assert from_csv(layers) == totals
    assert from_report(report) == totals
    assert from_tensorboard(board) == totals
    in_text = from_terminal(cli("profile", file, "--no-what-if").text)
    assert in_text.pop("read") == sum(totals[kind] for kind in READ_KINDS)
    assert in_text == {key: value for key, value in totals.items() if key not in READ_KINDS}

    hardware = on_rtl(Session(program))
    assert hardware.cycles == totals["cycles"]
    assert counter_table(hardware.counters) == printed["counters"]
    assert hardware.read_beats * program.machine.bus_bytes == sum(totals[kind] for kind in READ_KINDS)
    assert hardware.write_beats * program.machine.bus_bytes == totals[RESULTS]
    assert totals["useful"] + totals["underused"] == hardware.counters[Engine.MATRIX].tolist()[1]
    from_slices, counters = from_trace(trace)
    assert from_slices["cycles"] == totals["cycles"]
    for engine, states in counter_table(hardware.counters).items():
        assert counters[engine] == {state: cycles for state, cycles in states.items() if cycles}
