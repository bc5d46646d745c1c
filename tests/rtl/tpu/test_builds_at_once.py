"""Real builds in an empty cache: two at once, and one that is interrupted."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from rtl.build import CACHE_VARIABLE, EXECUTABLE

ROOT = Path(__file__).resolve().parents[3]
BUILD = "from machine.config import load_machine; from rtl.build import build; print(build(load_machine('nano4')))"
WAIT_SECONDS = 300


def start(cache: Path, *command: str) -> subprocess.Popen[str]:
    """Start Python with a cache and a folder for temporary files of its own."""
    (cache / "tmp").mkdir(parents=True, exist_ok=True)
    # Other tests of this process may have set where compiled files are kept.
    others = {name: value for name, value in os.environ.items() if name != "OBJCACHE"}
    return subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**others, CACHE_VARIABLE: str(cache), "TMPDIR": str(cache / "tmp"), "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def names(folder: Path) -> list[str]:
    """Return what is in a folder, hidden files left out: an interpreter's surroundings may write such."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


@pytest.mark.slow
def test_two_builds_of_one_machine_make_one(tmp_path: Path) -> None:
    processes = [start(tmp_path, "-c", BUILD) for _ in range(2)]
    ended = [process.communicate(timeout=WAIT_SECONDS) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    (path,) = {output.strip() for output, _ in ended}
    folder = Path(path).parent
    own_library = [] if shutil.which("ccache") else ["library"]
    assert names(tmp_path / "rtl") == sorted([folder.name, f"{folder.name}.lock", *own_library])
    assert names(folder) == [EXECUTABLE] and names(tmp_path / "tmp") == []
    assert all(name.startswith("verilated") for own in own_library for name in names(tmp_path / "rtl" / own))


def processes_of(folder: Path) -> list[int]:
    """Return the processes that have a folder in their command."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:  # it has just ended
            continue
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_build_leaves_nothing(tmp_path: Path, number: int) -> None:
    """Interrupted by the command line while the C++ compiler works, as by Ctrl-C."""
    fuzz = ["fuzz", "--backend", "rtl", "--machine", "nano4", "--count", "1", "--seed", "1"]
    process = start(tmp_path, "-m", "runtime.cli.main", *fuzz, "-o", str(tmp_path / "tmp"))
    limit = time.monotonic() + WAIT_SECONDS
    while not list(tmp_path.glob("rtl/build_*/objects/*.o")) and time.monotonic() < limit:
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=WAIT_SECONDS)
    assert process.returncode == 128 + number, errors
    assert "Traceback" not in errors
    assert [name for name in names(tmp_path / "rtl") if not name.endswith(".lock") and name != "library"] == []
    assert names(tmp_path / "tmp") == []
    assert processes_of(tmp_path) == []
