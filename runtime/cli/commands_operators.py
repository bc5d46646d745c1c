"""`tpukit operators`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from compiler.importer.operators import Operator, Where, markdown, operators
from machine.errors import ModelError
from runtime.cli.commands_run import JsonOption
from runtime.cli.output import print_json, print_table, say


def operators_command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show one ONNX operator only.")] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the documentation's page of operators.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show which ONNX operators are supported, where they are executed, and with which constraints."""
    if as_markdown:
        sys.stdout.write(markdown())
        return
    chosen = [entry for entry in operators() if name is None or entry.name.lower() == name.lower()]
    if not chosen:
        raise ModelError(f"no operator of the standard ONNX domain is called '{name}'")
    if as_json:
        print_json([asdict(entry) for entry in chosen])
        return
    known = [entry for entry in chosen if entry.where is not Where.REFUSED]
    if known:
        rows = [row for entry in known for row in _rows(entry)]
        print_table("", ["operator", "where", "what, and constraints"], rows, left=3)
    refused = [entry.name for entry in chosen if entry.where is Where.REFUSED]
    if refused:
        say(f"refused, unless all inputs are constants: {', '.join(refused)}")


def _rows(entry: Operator) -> list[list[str]]:
    return [[entry.name, entry.where, entry.summary], *(["", "", f"- {rule}"] for rule in entry.constraints)]
