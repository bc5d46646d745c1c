"""Profiles to make traces of, and Perfetto's own trace processor to open them with."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from machine.config import load_machine
from machine.program import Program
from runtime.compile import compile_program
from runtime.profile import NetworkProfile, profile_program
from tests.runtime.test_placed_reports import KEPT, SAMPLES, convolutions
from tests.runtime.traces import fetch_trace_processor
from tests.runtime.traces.perfetto_session import Session, open_session

SERVER = Path(__file__).parent / "trace_processor.mjs"
FETCH = "python tests/runtime/traces/fetch_trace_processor.py fetches it"


@pytest.fixture(scope="session")
def digits(digits_program: Program) -> NetworkProfile:
    """One segment, depthwise layers, blocks."""
    return profile_program(digits_program)


@pytest.fixture(scope="session")
def segments() -> NetworkProfile:
    """A program whose second node is on the host: two segments."""
    model = convolutions()
    model.graph.node[0].name, model.graph.node[1].name = "two", "one"
    program = compile_program(model.SerializeToString(), load_machine("edge8"), SAMPLES, placement=KEPT)
    assert len(program.segments) == 2
    return profile_program(program)


@pytest.fixture
def perfetto(tmp_path: Path) -> Callable[[Path], AbstractContextManager[Session]]:
    """Open a trace in Perfetto's trace processor, for SQL."""
    node = shutil.which("node")
    if node is None or not fetch_trace_processor.is_there():
        pytest.skip(f"no node, or no WebAssembly of Perfetto's trace processor here: {FETCH}")

    @contextmanager
    def opened(trace: Path) -> Iterator[Session]:
        socket = tmp_path / "perfetto.sock"
        command = [node, str(SERVER), str(fetch_trace_processor.folder()), str(socket)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            try:
                assert server.stdout is not None and server.stdout.readline() == "ready\n"
                with open_session(socket, trace) as session:
                    yield session
            finally:
                server.kill()

    return opened
