"""Runs the tools: children never outlive the caller's interrupt, and a failure is one clear error."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from machine.errors import ToolError

WATCH_SECONDS = 0.5
"""How often whoever watches a tool is asked."""


def run_tool(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    watch: Callable[[], None] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a tool to its end and return it with what it wrote, standard output and error together.

    Whatever interrupts the wait (Ctrl-C included) kills the tool and all that it started, and goes on when they are
    gone: they write no more files into folders that the caller then removes. `watch` is called every half second.

    Raises:
        ToolError: the tool is not there.
    """
    texts = [str(part) for part in command]
    try:
        process = subprocess.Popen(
            texts,
            cwd=cwd,
            env=None if environment is None else {**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
    except OSError as error:
        raise ToolError(f"cannot run {texts[0]}: {error.strerror or error}") from None
    try:
        output = _output(process, watch)
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        # All of them hold the pipe, so its end is the end of the last one.
        process.communicate()
        raise
    return subprocess.CompletedProcess(texts, process.returncode, output, "")


def _output(process: subprocess.Popen[str], watch: Callable[[], None] | None) -> str:
    while watch is not None:
        try:
            return process.communicate(timeout=WATCH_SECONDS)[0]
        except subprocess.TimeoutExpired:
            watch()
    return process.communicate()[0]


def check_tool(
    command: Sequence[str | Path],
    what: str,
    *,
    cwd: Path | None = None,
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    watch: Callable[[], None] | None = None,
) -> str:
    """Run a tool and return what it wrote; `what` names the step in the error. The log keeps the output of a failure.

    `watch` is called every half second.

    Raises:
        ToolError: the tool is not there, or failed; the last error line of its output is in the message.
    """
    result = run_tool(command, cwd=cwd, environment=environment, watch=watch)
    if result.returncode == 0:
        return result.stdout
    lines = [line for line in result.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    reason = (errors or lines or [f"exit code {result.returncode}"])[0].strip()
    where = ""
    if log is not None:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(result.stdout)
        where = f" (all of its output is in {log})"
    raise ToolError(f"{what} failed: {reason}{where}")
