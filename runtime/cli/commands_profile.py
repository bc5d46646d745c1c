"""`tpukit profile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from machine.errors import DataError
from runtime.arrays import load_arrays
from runtime.cli.commands_run import ExpectedMachineOption, JsonOption, ProgramArgument
from runtime.cli.files import check_output, one_reader, open_program, write_output
from runtime.cli.output import print_json, progress
from runtime.cli.profile_report import print_profile, print_totals
from runtime.profile import profile_program
from runtime.profile.table import layers_csv
from runtime.traces.chrome import MAX_EVENTS, write_chrome_trace
from runtime.traces.tensorboard import check_tensorboard, write_tensorboard


def profile_command(
    program: ProgramArgument,
    csv: Annotated[
        str | None, typer.Option("--csv", metavar="LAYERS.csv", help="Write a row for each layer; '-': print it only.")
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(metavar="TRACE.json", help="Write a trace for Perfetto or Chrome, compressed if named .json.gz."),
    ] = None,
    trace_events: Annotated[
        int, typer.Option(metavar="N", min=0, help="Events beyond which a trace is made shorter, its sums kept exact.")
    ] = MAX_EVENTS,
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write scalars, graph and histograms for TensorBoard into DIR.")
    ] = None,
    input: Annotated[
        str | None,
        typer.Option(
            "--input", "-i", metavar="X.npz",
            help="For --tensorboard: histograms of the error of activations on these samples instead of weights.",
        ),
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
    if trace == Path("-"):
        raise DataError("--trace needs a file; standard output is not one")
    if input is not None and tensorboard is None:
        raise DataError("--input is for --tensorboard, whose histograms it changes; the profile itself needs none")
    one_reader(program, input)
    for path in (csv, trace):
        if path is not None:
            check_output(path)
    if tensorboard is not None:
        check_tensorboard(tensorboard)
    inputs = None if input is None else load_arrays(input)
    opened = open_program(program, machine)
    with progress("profiling", quiet=as_json):
        profile = profile_program(opened)
        if tensorboard is not None:
            write_tensorboard(profile, tensorboard, inputs)
        notes = () if trace is None else write_chrome_trace(profile, trace, trace_events).notes
    for note in notes:
        typer.echo(f"trace: {note}", err=True)
    if csv is not None:
        write_output(csv, layers_csv(profile).encode())
    if as_json:
        print_json(profile.to_dict())
    elif csv != "-":
        print_profile(profile, top or None)
        print_totals(profile)
