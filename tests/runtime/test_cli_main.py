"""The command line as a process: version, help, usage errors, Ctrl-C, termination, broken pipes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tpukit
from runtime.cli.output import print_json
from tests.runtime.helpers import Cli, Tiny

COMMANDS = ("demo", "compile", "run", "cosim", "asm", "disasm", "inspect", "machine")
MORE_THAN_A_PIPE_HOLDS = 1 << 21
TPUKIT = (sys.executable, "-m", "tpukit")


def test_version(cli: Cli) -> None:
    assert cli("--version").text == f"tpukit {tpukit.__version__}\n"


def test_help_lists_the_commands(cli: Cli) -> None:
    text = cli("--help").text
    assert all(f" {command} " in text for command in COMMANDS)
    assert cli().text == text
    assert cli("-h").text == text


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(cli: Cli, command: str) -> None:
    done = cli(command, "--help")
    assert done.code == 0 and f"tpukit {command}" in done.text and done.stderr == ""
    if command != "machine":
        assert "--json" in done.text


@pytest.mark.parametrize(("arguments", "message"), [
    (["fly"], "No such command 'fly' (see 'tpukit --help')"),
    (["run"], "Missing argument 'OUT.tpu' (see 'tpukit run --help')"),
    (["run", "x.tpu", "--fast"], "No such option: --fast (see 'tpukit run --help')"),
    (["compile", "m.onnx", "-o", "x"], "Missing option '--calibration' (see 'tpukit compile --help')"),
    (["asm", "m.s"], "Missing option '--output' / '-o' (see 'tpukit asm --help')"),
    (["machine"], "Missing command (see 'tpukit machine --help')"),
    (["inspect", "a", "b"], "unexpected extra argument"),
])
def test_usage_errors_are_one_line_and_exit_with_2(cli: Cli, arguments: list[str], message: str) -> None:
    cli(*arguments).refuses(message, code=2)


def test_numbers_that_json_does_not_know_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("nan"), "b": [1.5, float("-inf"), (float("inf"),)], 3: None})
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [1.5, None, [None]], "3": None}


def test_an_interrupt_anywhere_is_one_line_and_130(
    cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("runtime.timing.simulate_time", interrupted)
    done = cli("run", tiny.file, "--input", tiny.input, "-o", tmp_path / "y.npz")
    assert (done.code, done.stdout, done.stderr) == (130, b"", "tpukit: interrupted\n")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_and_a_lack_of_memory_are_one_line(
    cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("run", tiny.file, "--input", tiny.input, "-o", "/dev/full").refuses("No space left on device")

    def too_much(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("runtime.timing.simulate_time", too_much)
    cli("run", tiny.file, "--time-only").refuses("not enough memory")


@pytest.mark.parametrize("debug", ["0", "1"])
def test_a_bug_is_one_line_and_70(
    cli: Cli, tiny: Tiny, monkeypatch: pytest.MonkeyPatch, debug: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("some\nthing")

    monkeypatch.setattr("runtime.timing.simulate_time", fail)
    monkeypatch.setenv("TPUKIT_DEBUG", debug)
    done = cli("run", tiny.file, "--time-only")
    *trace, last = done.stderr.splitlines()
    assert (done.code, done.stdout) == (70, b"")
    assert last == r"tpukit: error: internal error: KeyError: 'some\nthing' (TPUKIT_DEBUG=1 shows the traceback)"
    assert (trace[:1] == ["Traceback (most recent call last):"]) if debug == "1" else trace == []


def test_as_a_module() -> None:
    done = subprocess.run([*TPUKIT, "--version"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"tpukit {tpukit.__version__}\n", "")


def test_a_failure_as_a_process(tmp_path: Path) -> None:
    done = subprocess.run([*TPUKIT, "inspect", str(tmp_path / "no.tpu")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"tpukit: error: cannot read program '{tmp_path / 'no.tpu'}': No such file or directory\n"


def test_a_reader_that_goes_away(tiny: Tiny, tmp_path: Path) -> None:
    for arguments in (["disasm", str(tiny.file)], ["machine", "list"]):
        reader, writer = os.pipe()
        os.close(reader)
        process = subprocess.Popen([*TPUKIT, *arguments], stdout=writer, stderr=subprocess.PIPE, text=True)
        os.close(writer)
        _, errors = process.communicate()
        assert (process.returncode, errors) == (1, "")


@pytest.mark.parametrize(("number", "code", "said"), [
    (signal.SIGINT, 130, "tpukit: interrupted\n"), (signal.SIGTERM, 143, ""), (signal.SIGHUP, 129, ""),
])
def test_signals_while_it_waits(number: int, code: int, said: str) -> None:
    # A test run that was started in the background has SIGINT ignored, and its children inherit that.
    process = subprocess.Popen([*TPUKIT, "disasm", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, bufsize=0,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    assert process.stdin is not None
    process.stdin.write(bytes(MORE_THAN_A_PIPE_HOLDS))  # done only when the process reads
    process.send_signal(number)
    output, errors = process.communicate()
    assert (process.returncode, output, errors.decode()) == (code, b"", said)
