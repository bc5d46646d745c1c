"""The command line called in process, small programs for it to work on, and a browser for the pages that it writes."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from machine.config import load_machine
from machine.program import Program
from runtime.cli.main import main
from runtime.compile import compile_program
from runtime.demo import compile_digits
from tests.runtime.helpers import Cli, Outcome, Tiny, samples, tiny_model

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Return a function that calls `tpukit` with arguments, in process."""

    def call(*arguments: object, stdin: bytes = b"") -> Outcome:
        out, err = io.BytesIO(), io.BytesIO()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
            patch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="utf-8"))
            patch.setattr(sys, "stderr", io.TextIOWrapper(err, encoding="utf-8", write_through=True))
            code = main([str(argument) for argument in arguments])
            sys.stdout.flush()
            return Outcome(code, out.getvalue(), err.getvalue().decode())

    return call


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("tiny")
    program = compile_program(tiny_model(), load_machine("nano4"), {"x": samples(8)}, source="tiny.onnx")
    made = Tiny(folder, program)
    made.model.write_bytes(tiny_model())
    np.savez(made.calibration, x=samples(8))
    np.savez(made.input, x=samples(5, seed=3))
    program.save(made.file)
    return made


@pytest.fixture(scope="session")
def digits_program() -> Program:
    """The embedded network, compiled for edge8."""
    return compile_digits(load_machine("edge8"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless browser; skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()
