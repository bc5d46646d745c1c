"""The library's objects are compiled once for equal commands, and everything else each time."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rtl.build import OBJECT_CACHE
from rtl.object_cache import CONFIGURATION, main

COMPILER = [sys.executable, "-c", """
import pathlib, sys
target = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
target.write_bytes(pathlib.Path(sys.argv[-1]).read_bytes() + " ".join(sys.argv[1:-1]).replace(str(target), "").encode())
target.with_suffix(".d").write_text(sys.argv[-1])
with open("log", "a") as log:
    print(target.name, file=log)
"""]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    library = tmp_path / "library"
    library.mkdir()
    (library / CONFIGURATION).write_text("5")
    (library / "verilated.cpp").write_text("int x;")
    (library / "verilator.cpp").write_text("int main;")


def compiled(source: str, *flags: str) -> bytes:
    """Compile in a fresh place and return the object."""
    Path("verilated.o").unlink(missing_ok=True)
    command = [*COMPILER, *flags, "-c", "-o", "verilated.o", source]
    assert main(Path("cache"), command) == 0 and Path("verilated.d").exists()
    return Path("verilated.o").read_bytes()


def runs() -> int:
    return len(Path("log").read_text().splitlines())


def test_equal_commands_compile_once() -> None:
    first = compiled("library/verilated.cpp", "-O1")
    assert compiled("library/verilated.cpp", "-O1") == first and runs() == 1
    assert compiled("library/verilated.cpp", "-O2") != first and runs() == 2
    Path("library/verilated.cpp").write_text("int y;")
    assert compiled("library/verilated.cpp", "-O1") != first and runs() == 3
    Path("library", CONFIGURATION).write_text("6")
    compiled("library/verilated.cpp", "-O1")
    assert runs() == 4


def test_other_sources_compile_each_time() -> None:
    for _ in range(2):
        compiled("library/verilator.cpp")
    assert runs() == 2


def test_a_failure_is_passed_on_and_not_kept() -> None:
    command = [sys.executable, "-c", "raise SystemExit(3)", "-o", "verilated.o", "library/verilated.cpp"]
    assert main(Path("cache"), command) == 3 and not Path("cache").exists()
    assert subprocess.run([sys.executable, OBJECT_CACHE, "cache", *command], check=False).returncode == 3


def test_what_is_killed_while_it_keeps_leaves_nothing_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    """The half copy lies in the build's own folder, which goes with the build."""

    def killed(source: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", killed)
    with pytest.raises(KeyboardInterrupt):
        compiled("library/verilated.cpp")
    assert list(Path("cache").iterdir()) == []
