"""`tpukit operators`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from compiler.importer.operators import LIMITS, RULES, Operator, Where, markdown, operators
from machine.errors import ModelError
from runtime.cli.commands_run import JsonOption
from runtime.cli.output import print_json, print_table, say

LIST = "\n".join(f"- {limit}" for limit in LIMITS)
HELP = f"""\
Show where each operator of the standard ONNX domain is executed, and under which constraints.

{RULES}

{LIST}"""


def operators_command(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show one ONNX operator only.")] = None,
    as_markdown: Annotated[
        bool, typer.Option("--markdown", help="Print the documentation's page of operators.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Print the operators that are asked for."""
    if as_markdown:
        sys.stdout.write(markdown())
        return
    chosen = [entry for entry in operators() if name is None or entry.name.lower() == name.lower()]
    if not chosen:
        raise ModelError(f"no operator of the standard ONNX domain is called '{name}'")
    if as_json:
        print_json([asdict(entry) for entry in chosen])
        return
    told = [entry for entry in chosen if entry.summary and entry.where is not Where.REFUSED]
    if told:
        rows = [row for entry in told for row in _rows(entry)]
        print_table("", ["operator", "where", "what, and constraints"], rows, left=3)
    alone = [entry.name for entry in chosen if not entry.summary]
    if alone:
        say(f"host only, as ONNX Runtime executes them: {', '.join(alone)}")
    refused: dict[str, list[str]] = {}
    for entry in chosen:
        if entry.where is Where.REFUSED:
            refused.setdefault(entry.summary, []).append(entry.name)
    for reason, names in refused.items():
        say(f"{', '.join(names)}: {reason[0].lower()}{reason[1:-1]}")


def _rows(entry: Operator) -> list[list[str]]:
    return [[entry.name, entry.where, entry.summary], *(["", "", f"- {rule}"] for rule in entry.constraints)]
