"""The compiler of Verilator's makefiles (`OBJCACHE`), which compiles Verilator's own library once for all builds.

`python object_cache.py FOLDER c++ ... -c -o NAME.o SOURCE.cpp` runs the command, but takes an object of Verilator's
library from the folder where the same command on the same library has made it before. These objects do not depend on
the design, and are nine tenths of a small build's time. Everything else is compiled as it comes.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CONFIGURATION = "verilated_config.h"
"""Lies beside the library's sources and holds their version."""


def main(folder: Path, command: list[str]) -> int:
    """Make an object and return the exit code."""
    source = Path(command[-1])
    configuration = source.parent / CONFIGURATION
    if "-o" not in command or not source.name.startswith("verilated") or not configuration.exists():
        return subprocess.run(command, check=False).returncode
    target = Path(command[command.index("-o") + 1])
    kept = folder / _key(command, target, (source, configuration))
    made = [target, target.with_suffix(".d")]
    if all((kept / path.name).exists() for path in made):
        for path in made:
            shutil.copyfile(kept / path.name, path)
        return 0
    code = subprocess.run(command, check=False).returncode
    if code == 0 and all(path.exists() for path in made):
        _keep(kept, made)
    return code


def _key(command: list[str], target: Path, read: tuple[Path, ...]) -> str:
    """Return what the object depends on as a name: the command, the compiler and the library's text."""
    version = subprocess.run([command[0], "--version"], check=False, capture_output=True).stdout
    digest = hashlib.sha256("\0".join(command).encode() + version)
    for path in read:
        digest.update(path.read_bytes())
    return f"{target.stem}_{digest.hexdigest()[:16]}"


def _keep(kept: Path, made: list[Path]) -> None:
    """Put files into a folder that appears with all of them or not at all."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Beside the object: a build that is killed here takes it away with its own folder.
    temporary = Path(tempfile.mkdtemp(dir=made[0].absolute().parent))
    for path in made:
        shutil.copyfile(path, temporary / path.name)
    try:
        temporary.rename(kept)
    except OSError:  # another process was faster
        shutil.rmtree(temporary)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
