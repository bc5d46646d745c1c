"""Several processes give what one gives; what ends a campaign early leaves no process and says what was compared."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from machine.config import load_machine
from machine.errors import ToolError
from runtime.fuzz import campaign as campaign_module
from runtime.fuzz.campaign import run_campaign
from runtime.fuzz.cases import Draws
from runtime.fuzz.checks import FuzzBackend
from runtime.fuzz.workers import in_order
from tests.runtime.helpers import Cli

NANO = load_machine("nano4")
DRAWS = Draws(5, False, NANO)


def slow_double(number: int) -> int:
    time.sleep(0.2 if number == 0 else 0.0)
    return 2 * number


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.slow
def test_results_come_in_order_and_no_process_is_left() -> None:
    before = set(multiprocessing.active_children())
    assert list(in_order(slow_double, range(30), 2)) == [2 * number for number in range(30)]
    results = in_order(slow_double, range(10_000), 2)
    assert next(results) == 0
    results.close()
    assert set(multiprocessing.active_children()) == before


@pytest.mark.slow
def test_a_campaign_in_two_processes_is_the_same() -> None:
    one, two = (run_campaign(DRAWS, 150, FuzzBackend.EVENTS, jobs) for jobs in (1, 2))
    assert (one.programs, one.cycles, one.coverage.counts) == (two.programs, two.cycles, two.coverage.counts)


def test_what_was_compared_before_an_interrupt_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(function: object, parts: list[range], jobs: int) -> Iterator[object]:
        yield campaign_module._compare(DRAWS, FuzzBackend.EVENTS, parts[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(campaign_module, "in_order", interrupted)
    done = cli("fuzz", "--machine", "nano4", "--seed", 5, "--count", 1000)
    assert (done.code, done.stderr) == (130, "tpukit: interrupted\n")
    assert done.text.splitlines()[-1].startswith("interrupted, until then equal: 64 programs, ")
    assert "load.wait_memory" in done.text
    report = json.loads(cli("fuzz", "--machine", "nano4", "--seed", 5, "--count", 1000, "--json").stdout)
    assert (report["programs"], report["interrupted"]) == (64, True)


def test_a_process_that_dies_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign_module, "in_order", lambda function, parts, jobs: in_order(die, parts, jobs))
    with pytest.raises(ToolError, match="a process died at a program of fuzz seed 5 soon after 0"):
        run_campaign(DRAWS, 1000, FuzzBackend.EVENTS, 2)


SAYS_WHEN_IT_COMPARES = """
import pathlib, sys
from runtime.cli.main import main
from runtime.fuzz.campaign import Campaign
merge = Campaign.merge
Campaign.merge = lambda *arguments: (merge(*arguments), pathlib.Path("begun").touch())
sys.exit(main())
"""


@pytest.mark.slow
def test_ctrl_c(tmp_path: Path) -> None:
    """The real signal, to the whole group as a terminal sends it, with two processes at work."""
    options = ["fuzz", "--count", "1000000", "--jobs", "2", "--machine", "nano4"]
    process = subprocess.Popen(
        [sys.executable, "-c", SAYS_WHEN_IT_COMPARES, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path.cwd())},
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "tpukit: interrupted\n")
    assert "interrupted, until then equal: " in output
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:  # Python's own helper of processes ends last
            os.killpg(process.pid, 0)
            time.sleep(0.05)
