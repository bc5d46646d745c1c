"""`tpukit profile`."""

from __future__ import annotations

from typing import Annotated

import typer

from machine.errors import DataError
from runtime.cli.commands_run import ExpectedMachineOption, JsonOption, ProgramArgument
from runtime.cli.files import check_output, open_program, write_output
from runtime.cli.output import print_json, progress
from runtime.cli.profile_report import print_profile, print_totals
from runtime.profile import profile_program
from runtime.profile.table import layers_csv


def profile_command(
    program: ProgramArgument,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="LAYERS.csv", help="Write a row for each layer; '-': print it only.")
    ] = None,
    top: Annotated[
        int, typer.Option("--top", metavar="N", min=0, help="Layers that the table shows; 0 for all.")
    ] = 20,
    machine: ExpectedMachineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a program's time goes: by layer and block of the model, and by cause.

    Every cycle belongs to one layer and has one cause, so everything adds up to what the hardware counts.
    """
    if csv == "-" and as_json:
        raise DataError("--json and --csv - would both write to standard output")
    if csv is not None:
        check_output(csv)
    opened = open_program(program, machine)
    with progress("profiling", quiet=as_json):
        profile = profile_program(opened)
    if csv is not None:
        write_output(csv, layers_csv(profile).encode())
    if as_json:
        print_json(profile.to_dict())
    elif csv != "-":
        print_profile(profile, top or None)
        print_totals(profile)
