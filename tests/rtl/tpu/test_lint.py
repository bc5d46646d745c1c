"""The Verilog is clean in both lints, for every machine whose equality is claimed; and the lint can fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine.config import load_machine
from rtl import lint
from rtl.lint import icarus_messages, linted_machines, verilator_messages
from rtl.sources import TESTBENCH, bench_sources


def test_verilator_lint_of_the_smallest() -> None:
    assert verilator_messages(load_machine("nano4")) == ""
    assert verilator_messages(load_machine("edge8x4"), with_testbench=False) == ""


@pytest.mark.slow
def test_verilator_lint_of_every_machine() -> None:
    messages = {machine.name: verilator_messages(machine) for machine in linted_machines()}
    assert {"nano4", "edge8", "edge16", "edge32", "edge4x8", "edge8x4"} <= set(messages)
    assert not any(messages.values()), messages


def test_icarus_accepts_it() -> None:
    assert icarus_messages("testbench_clock", [*bench_sources(), TESTBENCH / "testbench_clock.sv"]) == ""


def test_a_warning_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = tmp_path / "testbench.sv"
    bad.write_text("module testbench; wire [3:0] a = 5'd1; endmodule\n")
    monkeypatch.setattr(lint, "bench_sources", lambda: [bad])
    monkeypatch.setattr(lint, "bench_parameters", lambda machine, size: {})
    assert "WIDTH" in verilator_messages(load_machine("nano4"))
