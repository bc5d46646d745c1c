"""Plant small errors in the events kernel, one at a time, and see whether the random programs notice them.

`python -m tests.accel_sim.events.mutants [--count N] [--seed S] [NAME ...]` copies the simulator, changes one place of
one module (of those named, `load` for `accel_sim/events/load.py`): a comparison with or without equality, a constant of
one in a sum or difference, a least for a greatest, a call whose result is not used left out. Then the kernel, as plain
Python, runs the programs of `test_random_programs.py` until the models differ. Printed is every change that none of
them notices.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import accel_sim.events
from machine.progress import steps

ROOT = Path(accel_sim.events.__file__).parents[2]
MODULES = ("control", "counts", "dram", "holds", "kernel", "load", "matrix", "memory", "store", "vector", "weights")
CPU_SECONDS = 200
"""A kernel that has not finished by then does not end: one that is right takes a third of it."""
COMPARISONS: dict[type[ast.cmpop], str] = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">"}

NOTICE = f"""
import resource
resource.setrlimit(resource.RLIMIT_CPU, ({CPU_SECONDS}, {CPU_SECONDS}))
from tests.accel_sim.events.test_random_programs import test_random_machines
for part in range(6):
    test_random_machines(part)
"""
"""What a process with a changed kernel executes; it fails where the change is noticed."""


@dataclass(frozen=True)
class Change:
    """Text that replaces what stands between two places of a module's text."""

    module: str
    line: int
    first: int
    end: int
    text: str

    def apply(self, source: str) -> str:
        """Return the changed text."""
        return source[: self.first] + self.text + source[self.end :]

    def describe(self, source: str) -> str:
        """Return where it is, and the line as it is and as it would be."""
        old = source.splitlines()[self.line - 1].strip()
        new = self.apply(source).splitlines()[self.line - 1].strip()
        return f"{self.module}.py:{self.line}: {old}  ->  {new}"


def changes(module: str) -> Iterator[Change]:
    """Yield every change of a module."""
    source = (ROOT / f"accel_sim/events/{module}.py").read_text()
    starts = [0]
    for text in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(text))

    def change(node: ast.expr | ast.stmt, text: str) -> Change:
        assert node.end_lineno is not None and node.end_col_offset is not None
        first, end = starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
        return Change(module, node.lineno, first, end, text)

    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef) and node.decorator_list]
    for node in (node for function in functions for node in ast.walk(function)):
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]) if type(operator) in COMPARISONS:
                yield change(node, f"{ast.unparse(left)} {COMPARISONS[type(operator)]} {ast.unparse(right)}")
            case ast.BinOp(op=ast.Add() | ast.Sub(), right=ast.Constant(value=1) as one):
                yield change(one, "0")
                yield change(one, "2")
            case ast.Call(func=ast.Name(id="min" | "max" as name) as called):
                yield change(called, "min" if name == "max" else "max")
            case ast.Expr(value=ast.Call()):
                yield change(node, "pass")


def is_noticed(change: Change, source: str) -> bool:
    """Return whether any program notices a change: the models differ, or the kernel fails or does not end."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "accel_sim", copy / "accel_sim")  # with the stepper's machine code
        for room in ("machine", "compiler", "rtl", "runtime", "tests"):
            (copy / room).symlink_to(ROOT / room)
        (copy / f"accel_sim/events/{change.module}.py").write_text(change.apply(source))
        for path in (copy / "accel_sim/events").glob("*.py"):
            path.write_text(path.read_text().replace("accel_sim.timing.jit", "tests.accel_sim.events.plain"))
        done = subprocess.run(
            [sys.executable, "-c", NOTICE], cwd=folder, env=os.environ | {"PYTHONPATH": folder}, capture_output=True,
            check=False,
        )
        return done.returncode != 0


def main() -> None:
    """Try some or all changes, and print those that are not noticed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=MODULES, metavar="NAME", help=", ".join(MODULES))
    parser.add_argument("--count", type=int, help="try so many, chosen at random, instead of all")
    parser.add_argument("--seed", type=int, default=0, help="of the choice")
    options = parser.parse_args()
    found = [change for name in options.names for change in changes(name)]
    if options.count is not None:
        found = Random(options.seed).sample(found, min(options.count, len(found)))
    if is_noticed(Change("kernel", 1, 0, 0, ""), (ROOT / "accel_sim/events/kernel.py").read_text()):
        raise SystemExit("the unchanged kernel is noticed: nothing can be said")
    missed = 0
    for change in steps("changing the kernel", found, len(found)):
        source = (ROOT / f"accel_sim/events/{change.module}.py").read_text()
        if not is_noticed(change, source):
            missed += 1
            print(f"not noticed: {change.describe(source)}", flush=True)
    print(f"{len(found)} changes, {missed} not noticed")


if __name__ == "__main__":
    main()
