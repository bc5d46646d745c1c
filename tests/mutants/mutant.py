"""A planted error: a text of one file replaced by another, and the tests that are expected to notice."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


COMPILER_ROOMS = {"importer": "front", "passes": "front", "quantizer": "front", "verify_program.py": "backend"}
"""Rooms of the compiler's tests that have another name than the code."""


class StaleMutantError(Exception):
    """A listed error does not fit the tree as it is."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted error.

    Attributes:
        name: what it is called on the command line.
        file: the changed file, from the repository's root.
        old: a text that occurs exactly once in it.
        new: what replaces it.
        what: what the error stands for.
        tests: the tests that run first, as pytest names them.
    """

    name: str
    file: str
    old: str
    new: str
    what: str
    tests: tuple[str, ...]

    @property
    def room(self) -> tuple[str, ...]:
        """The tests that run where the first ones do not notice: those of the file's room."""
        first, second = Path(self.file).parts[:2]
        mirrored = {"rtl": f"tests/rtl/{second}", "compiler": f"tests/compiler/{COMPILER_ROOMS.get(second, second)}"}
        room = mirrored.get(first, f"tests/{first}")
        return (room if (ROOT / room).is_dir() else f"tests/{first}",)

    def changed(self, text: str) -> str:
        """Return a file's text with the error in it.

        Raises:
            StaleMutantError: the text to replace does not occur exactly once, or is its own replacement.
        """
        found = text.count(self.old)
        if found != 1:
            raise StaleMutantError(f"{self.name}: {self.old!r} occurs {found} times in {self.file}; legal is once")
        if self.old == self.new:
            raise StaleMutantError(f"{self.name}: {self.old!r} is replaced by itself")
        return text.replace(self.old, self.new)

    def check(self, root: Path = ROOT) -> None:
        """Check that the error can be planted in a tree, and that its tests are there.

        Raises:
            StaleMutantError: it cannot be, or a test is missing.
        """
        path = root / self.file
        if not path.is_file():
            raise StaleMutantError(f"{self.name}: there is no {self.file}")
        self.changed(path.read_text())
        if not self.tests:
            raise StaleMutantError(f"{self.name}: no tests are named")
        for test in self.tests:
            file, _, function = test.partition("::")
            name = function.partition("[")[0]
            if not (root / file).is_file():
                raise StaleMutantError(f"{self.name}: there is no {file}")
            if name and not re.search(rf"^def {name}\(", (root / file).read_text(), re.MULTILINE):
                raise StaleMutantError(f"{self.name}: {file} has no {name}")
