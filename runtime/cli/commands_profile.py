"""`tpukit profile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from machine.config import load_machine
from machine.errors import DataError
from machine.program import Program
from runtime.arrays import load_arrays
from runtime.cli.commands_compile import RANDOM_NOTE, parse_shapes
from runtime.cli.commands_run import JsonOption
from runtime.cli.files import check_output, one_reader, open_program, separate_files, write_output
from runtime.cli.output import print_json, progress, say
from runtime.cli.profile_report import print_profile, print_totals
from runtime.networks import BUILT_IN, DEFAULT_MACHINE, MODEL_SUFFIX, open_network
from runtime.profile import profile_program
from runtime.profile.table import layers_csv
from runtime.profile.verdict import verdict
from runtime.profile.what_if import what_if
from runtime.report import check_report, write_report
from runtime.traces.chrome import MAX_EVENTS, write_chrome_trace
from runtime.traces.tensorboard import check_tensorboard, write_tensorboard


def profile_command(
    network: Annotated[
        str,
        typer.Argument(
            metavar="NETWORK",
            help=f"A program file ('-' is standard input), a float ONNX model (*{MODEL_SUFFIX}), or one that comes "
            f"with tpukit: {', '.join(BUILT_IN)}.",
        ),
    ],
    html: Annotated[
        str | None,
        typer.Option(
            metavar="REPORT.html", help="Write a report that a browser opens, as one file; '-': print it only.",
        ),
    ] = None,
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
    try_changes: Annotated[
        bool,
        typer.Option(
            "--what-if/--no-what-if", help="Run machines with one thing changed, and say what limits the network.",
        ),
    ] = True,
    machine: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help=f"Machine name or TOML file that a model is compiled for, by default {DEFAULT_MACHINE}; a program for "
            "another one is refused.",
        ),
    ] = None,
    calibration: Annotated[
        str | None, typer.Option(metavar="DATA.npz", help="Samples to calibrate a model with; by default random ones.")
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(metavar="NAME=1,3,224,224", help="A model's dynamic input's shape; repeatable.")
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Samples that a model's program takes at once.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show where a network's time goes, by layer and block of the model and by cause, and what would help.

    Every cycle belongs to one layer and has one cause, so everything adds up to what the hardware counts.
    """
    if [as_json, csv == "-", html == "-"].count(True) > 1:
        raise DataError("of --json, --csv - and --html - only one can write to standard output")
    if trace == Path("-"):
        raise DataError("--trace needs a file; standard output is not one")
    if tensorboard == Path("-"):
        raise DataError("--tensorboard needs a folder; standard output is not one")
    if input is not None and tensorboard is None:
        raise DataError("--input is for --tensorboard, whose histograms it changes; the profile itself needs none")
    one_reader(network, input, calibration)
    file = None if network in BUILT_IN else network
    separate_files([path for path in (html, csv, trace) if path is not None], file, input, calibration)
    for path in (csv, trace):
        if path is not None:
            check_output(path)
    if tensorboard is not None:
        check_tensorboard(tensorboard)
    if html is not None:
        check_report(html)
    inputs = None if input is None else load_arrays(input)
    with progress(f"profiling {network}", quiet=as_json):
        opened = _open(network, machine, calibration, shape or [], batch)
        if inputs is not None and opened.graph is None:
            raise DataError("--input is for networks: a kernel has no float model that its activations differ from")
        profile = profile_program(opened)
        tried = what_if(profile) if try_changes and (csv != "-" or html is not None) else ()
        if tensorboard is not None:
            write_tensorboard(profile, tensorboard, inputs)
        notes = () if trace is None else write_chrome_trace(profile, trace, trace_events).notes
    for note in notes:
        typer.echo(f"trace: {note}", err=True)
    if csv is not None:
        write_output(csv, layers_csv(profile).encode())
    if html is not None:
        write_report(profile, html, tried)
    line = verdict(profile, tried) if try_changes else None
    if as_json:
        print_json({**profile.to_dict(), "verdict": line, "what_if": [result.to_dict() for result in tried]})
    elif "-" not in (csv, html):
        print_profile(profile, top or None)
        print_totals(profile)
        if line is not None:
            say(line)


def _open(network: str, machine: str | None, calibration: str | None, shapes: list[str], batch: int | None) -> Program:
    """Return the network's program, compiled if it is a model."""
    options = (None if calibration is None else load_arrays(calibration), parse_shapes(shapes) or None, batch)
    if network != "-":
        opened = open_network(network, load_machine(machine) if machine else None, *options)
        if network not in BUILT_IN and network.endswith(MODEL_SUFFIX) and calibration is None:
            typer.echo(f"tpukit: note: {RANDOM_NOTE}", err=True)
        return opened
    if any(option is not None for option in options):
        raise DataError("standard input is a program, compiled already: --calibration, --shape, --batch are for models")
    return open_program(network, machine)
