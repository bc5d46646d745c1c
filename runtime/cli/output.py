"""What commands print: JSON for programs, lines and tables for people, progress for terminals."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from machine.progress import during, listening
from machine.text import printable

FILE_COLUMNS = 200
"""Width of tables that do not go to a terminal: what is cut there cannot be read again."""


def _console(to_errors: bool = False) -> Console:
    """Return a console that prints text as it is: no markup, no highlighting."""
    stream = sys.stderr if to_errors else sys.stdout
    terminal = stream is not None and stream.isatty()
    width = None if terminal else FILE_COLUMNS
    return Console(stderr=to_errors, width=width, highlight=False, markup=False, emoji=False)


def decibels(value: float) -> str:
    """Return a ratio as text; `exact` where there is no noise."""
    return "exact" if value == math.inf else f"{value:.1f}"


def say(text: str) -> None:
    """Print a line; a terminal breaks it where it must."""
    _console().print(printable(text), soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output; numbers that JSON does not know (NaN) become null."""
    print(json.dumps(finite(value), indent=2, allow_nan=False))


def finite(value: Any) -> Any:
    """Return a value as JSON knows it: keys are text, numbers that are not finite None."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> None:
    """Print a table; the first `left` columns are aligned to the left, the others to the right."""
    table = Table(title=title or None, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index < left else "right", no_wrap=index > 0, overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    _console().print(table)


class _Lines:
    """Prints remarks as lines, and nothing of activities (machine/progress.py)."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def begin(self, activity: str, total: int | None) -> int:
        """Say nothing."""
        return 0

    def advance(self, number: int) -> None:
        """Say nothing."""

    def end(self, number: int) -> None:
        """Say nothing."""

    def remark(self, text: str) -> None:
        """Print a line; above the bars, where there are any."""
        self._console.print(printable(text), soft_wrap=True)


class _Bars(_Lines):
    """Shows activities as bars, one under the other."""

    def __init__(self, bars: Progress) -> None:
        super().__init__(bars.console)
        self._bars = bars

    def begin(self, activity: str, total: int | None) -> int:
        """Show a bar; without a total it only moves."""
        return self._bars.add_task(printable(activity), total=total)

    def advance(self, number: int) -> None:
        """Lengthen a bar by a step."""
        self._bars.advance(TaskID(number))

    def end(self, number: int) -> None:
        """Take a bar away."""
        self._bars.remove_task(TaskID(number))


@contextmanager
def progress(text: str, quiet: bool = False) -> Iterator[None]:
    """Show what is going on and how far it is; remarks only where standard error is no terminal, or where asked."""
    errors = _console(to_errors=True)
    if quiet or not errors.is_terminal:
        with listening(_Lines(errors)):
            yield
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bars, listening(_Bars(bars)), during(text):
        yield
