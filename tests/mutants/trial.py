"""Plants an error in a copy of the tree and runs tests there.

The working tree is never changed. Every trial has a copy of its own with its own builds and caches, so an error cannot
get into the cache of another; a copy begins with the machine code of the unchanged tree, which Numba and the stamp of
`accel_sim.timing.jit` refuse where any text of a model differs. A changed events kernel runs as plain Python against
the compiled stepper, a changed stepper is compiled. What a trial starts ends with it.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from tests.mutants.mutant import ROOT, Mutant

LIMIT_SECONDS = 900
"""A run of tests that has not ended by then is taken as one that never ends."""
INTERPRETED = "accel_sim/events"
"""The model that runs as plain Python; the stepper, which looks at every cycle, would be too slow."""
ROOMS_TO_COPY = (
    "accel_sim", "benchmarks", "compiler", "docs", "examples", "machine", "rtl", "runtime", "tests", "tpukit",
    "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "README.md", "pyproject.toml",
)  # fmt: skip
PYTEST = (
    sys.executable, "-m", "pytest", "-x", "-rfE", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist",
)  # fmt: skip
FAILED = 1
"""Pytest's exit code where tests ran and one failed."""


class TrialError(Exception):
    """The tests say nothing: they do not pass on the unchanged tree, or did not run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a trial found.

    Attributes:
        name: the planted error.
        caught_by: the test that failed first; "" where none did.
        how: "test", "lint" where the lint of Verilog refused the change, "time" where the test did not end.
        seconds: from the planting to the failure, or to the end of all tests.
    """

    name: str
    caught_by: str
    how: str
    seconds: float


@dataclass
class Trials:
    """A folder for copies, which tests are known to pass without any error, and the tests that run at present."""

    folder: Path
    passed: set[tuple[str, tuple[str, ...]]] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    stopped: bool = False
    code: Lock = field(default_factory=Lock)

    def run(self, mutant: Mutant) -> Outcome:
        """Plant an error and run its tests, then those of its room if nothing has noticed.

        Raises:
            StaleMutantError: the error does not fit the tree.
            TrialError: the tests do not pass without the error, or cannot run.
        """
        mutant.check()
        model = _model_of(mutant)
        seconds = 0.0
        for tests in (mutant.tests, mutant.room):
            with self._copied_tree() as copy:
                path = copy / mutant.file
                path.write_text(mutant.changed(path.read_text()))
                shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)
                _interpret(copy, model)
                start = time.monotonic()
                caught_by, how = self.run_tests(copy, tests)
                seconds += time.monotonic() - start
            if caught_by:
                self._pass_without(model, tests if how == "time" else (caught_by,))
                return Outcome(mutant.name, caught_by, how, seconds)
        return Outcome(mutant.name, "", "", seconds)

    def _pass_without(self, model: str, tests: tuple[str, ...]) -> None:
        """Check that tests pass on the unchanged tree, once for each way in which they run."""
        if (model, tests) in self.passed:
            return
        with self._copied_tree() as copy:
            _interpret(copy, model)
            caught_by, _ = self.run_tests(copy, tests)
            if caught_by:
                raise TrialError(f"without any error planted, {caught_by} fails")
            with self.code:
                copy_machine_code(copy, self.folder / "code")
        self.passed.add((model, tests))

    @contextmanager
    def _copied_tree(self) -> Iterator[Path]:
        """Yield a copy of the tree with the machine code that the unchanged copies have made."""
        with copied_tree(self.folder) as copy:
            with self.code:
                copy_machine_code(self.folder / "code", copy)
            yield copy

    def stop(self) -> None:
        """End all tests that run, and let no others begin."""
        self.stopped = True
        for group in tuple(self.running):
            _kill(group)

    def run_tests(self, copy: Path, tests: tuple[str, ...]) -> tuple[str, str]:
        """Run tests in a copy up to the first failure; return that test and how it failed, or twice nothing.

        Raises:
            TrialError: no test ran, or `stop` was called.
        """
        with subprocess.Popen(
            [*PYTEST, *tests], cwd=copy, env=self._environment(copy), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", start_new_session=True,
        ) as process:
            self.running.add(process.pid)
            try:
                if self.stopped:
                    raise TrialError("the run was stopped")
                text, _ = process.communicate(timeout=LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                return f"{' '.join(tests)} (no end within {LIMIT_SECONDS} s)", "time"
            finally:
                _kill(process.pid)
                self.running.discard(process.pid)
        if process.returncode == 0:
            return "", ""
        failed = re.search(r"^(?:FAILED|ERROR) (tests/.+?)(?: - .*)?$", text, re.MULTILINE)
        if process.returncode != FAILED or failed is None:
            raise TrialError(f"{' '.join(tests)} did not run:\n{text[-2000:]}")
        return failed.group(1), "lint" if "AssertionError: lint of" in text else "test"

    def _environment(self, copy: Path) -> dict[str, str]:
        """Return the environment of a copy's tests; only the objects of Verilator's own library are shared."""
        library = self.folder / "library"
        library.mkdir(exist_ok=True)
        return os.environ | {
            "PYTHONPATH": str(copy),
            "TPUKIT_CACHE": str(copy / "cache"),
            "OBJCACHE": f"{sys.executable} {ROOT / 'rtl' / 'object_cache.py'} {library}",
            "TMPDIR": str(copy),
        }


def copy_machine_code(tree: Path, other: Path) -> None:
    """Copy Numba's files from one tree to another; they hold for files of the same text and time."""
    for path in tree.glob("accel_sim/**/__pycache__/*.nb?"):
        target = other / path.relative_to(tree)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)


def _kill(group: int) -> None:
    """End a group of processes, if it is still there."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _model_of(mutant: Mutant) -> str:
    """Return the model of time that an error is in and that is to run as plain Python, "" for none."""
    return INTERPRETED if mutant.file.startswith(f"{INTERPRETED}/") else ""


def _interpret(copy: Path, model: str) -> None:
    """Let a model of time run as plain Python."""
    if not model:
        return
    for path in (copy / model).glob("*.py"):
        path.write_text(path.read_text().replace("accel_sim.timing.jit", "tests.accel_sim.events.plain"))
    shutil.rmtree(copy / model / "__pycache__", ignore_errors=True)


@contextmanager
def copied_tree(folder: Path) -> Iterator[Path]:
    """Yield a copy of the tree, without builds, that is deleted afterwards."""
    with tempfile.TemporaryDirectory(dir=folder, prefix="tree_", ignore_cleanup_errors=True) as name:
        copy = Path(name)
        for room in ROOMS_TO_COPY:
            source = ROOT / room
            if source.is_dir():
                shutil.copytree(source, copy / room, symlinks=True)
            elif source.exists():
                shutil.copy2(source, copy / room)
        yield copy
