"""What commands print: JSON for programs, tables for people, progress for terminals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.table import Table

console = Console(highlight=False)
_errors = Console(stderr=True, highlight=False)


def print_json(value: Any) -> None:
    """Print a value as indented JSON on standard output."""
    print(json.dumps(value, indent=2, allow_nan=False))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table; the first column is aligned to the left, the others to the right."""
    table = Table(title=title or None, title_justify="left")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right", no_wrap=index > 0)
    for row in rows:
        table.add_row(*row)
    console.print(table)


@contextmanager
def progress(text: str) -> Iterator[None]:
    """Show that something long is going on; silent when standard error is not a terminal."""
    if not _errors.is_terminal:
        yield
        return
    with _errors.status(text):
        yield
