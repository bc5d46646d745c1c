"""Files that commands read and write; `-` is standard input or output."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from machine.config import load_machine
from machine.errors import DataError, ProgramError
from machine.program import Program, load_program, parse_program, write_atomically
from runtime.networks import held_to


def open_program(path: str, machine: str | None = None) -> Program:
    """Read a program file, and hold it to a machine if one is named.

    Raises:
        ProgramError: it cannot be read, is no sound program, or was compiled for another machine.
        MachineError: no such machine.
    """
    wanted = None if machine is None else load_machine(machine)
    program = parse_program(sys.stdin.buffer.read(), "standard input") if path == "-" else load_program(path)
    return held_to(program, wanted, path)


def one_reader(*paths: str | None) -> None:
    """Check that at most one of a command's inputs is standard input.

    Raises:
        DataError: two are.
    """
    if paths.count("-") > 1:
        raise DataError("only one input can be '-' (standard input)")


def separate_files(outputs: Sequence[str | Path], *inputs: str | None) -> None:
    """Check that no output of a command is written over another one or over an input; pipes and devices take several.

    Raises:
        DataError: two are one file.
    """
    taken = {Path(path).resolve(): "an input" for path in inputs if path and path != "-"}
    for path in outputs:
        place = Path(path).resolve()
        if str(path) == "-" or _is_special(place):
            continue
        if place in taken:
            raise DataError(f"cannot write {str(path)!r}: it is {taken[place]} of this command too")
        taken[place] = "another output"


def check_output(path: str | Path) -> None:
    """Check that a file can be written before the work for it begins.

    Raises:
        ProgramError: its folder does not exist or cannot be written, or it is a folder.
    """
    target = Path(path)
    if str(path) == "-":
        return
    if not target.parent.is_dir():
        raise ProgramError(f"cannot write {str(path)!r}: the folder {str(target.parent)!r} does not exist")
    if target.is_dir():
        raise ProgramError(f"cannot write {str(path)!r}: it is a folder")
    if not os.access(target if _is_special(target) else target.parent, os.W_OK):
        raise ProgramError(f"cannot write {str(path)!r}: permission denied")


def write_output(path: str, data: bytes) -> None:
    """Write a whole file or none; devices and pipes, which cannot be put in place at the end, are written directly.

    Raises:
        ProgramError: the file cannot be written.
    """
    if path == "-":
        sys.stdout.buffer.write(data)
    elif _is_special(Path(path)):
        Path(path).write_bytes(data)
    else:
        write_atomically(Path(path), data)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a tool a path to write to, and put the file in its place only if all went well.

    Devices and pipes stay what they are: they get what was written.

    Raises:
        ProgramError: the file cannot be written there.
    """
    check_output(path)
    special = _is_special(path)
    with tempfile.TemporaryDirectory(prefix=f".{path.name}.", dir=None if special else path.parent) as folder:
        partial = Path(folder) / path.name
        yield partial
        if not partial.exists():
            return
        if special:
            with partial.open("rb") as source, path.open("wb") as target:
                shutil.copyfileobj(source, target)
        else:
            partial.replace(path)


def _is_special(path: Path) -> bool:
    return path.exists() and not path.is_file()
