"""`tpukit check`."""

from __future__ import annotations

from typing import Annotated

import typer

from runtime.arrays import load_arrays
from runtime.check import CheckResult, check_program
from runtime.cli.commands_run import ExpectedMachineOption, JsonOption, ProgramArgument
from runtime.cli.files import one_reader, open_program
from runtime.cli.output import decibels, print_json, print_table, progress, say
from runtime.session import Session


def check_command(
    program: ProgramArgument,
    input: Annotated[
        str, typer.Option("--input", "-i", metavar="X.npz", help="Arrays by input name; '-' is standard input.")
    ],
    machine: ExpectedMachineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare a program with the reference backend bit for bit, and with its float model layer by layer.

    The exit code is 1 where any bit of an output differs from the reference's. The signal to quantization noise ratio
    (SQNR) of each tensor, and how often float and int8 choose the same class, are reported and never fail.
    """
    one_reader(program, input)
    session = Session(open_program(program, machine))
    inputs = load_arrays(input)
    with progress("checking", quiet=as_json):
        result = check_program(session, inputs)
    if as_json:
        print_json(result.to_dict())
    else:
        print_check(result)
    if not result.equal:
        raise typer.Exit(1)


def print_check(result: CheckResult) -> None:
    """Print the outcome of a check for people."""
    if result.layers:
        print_table("", ["layer", "operator", "tensor", "SQNR (dB)"], [
            [row.layer, row.operator, row.tensor, decibels(row.ratio.decibels)] for row in result.layers
        ])
    for output in result.outputs:
        agreement = "" if output.top1_agreement is None else f", top-1 agrees with float in {output.top1_agreement:.2%}"
        say(f"output {output.output}: SQNR {decibels(output.ratio.decibels)} dB{agreement}")
    if not result.outputs:
        say("the program holds no float model to compare with")
    for bits in result.bits:
        if bits.different:
            say(f"{bits.tensor}: {bits.different:,} of {bits.values:,} values differ, first at {bits.first_difference}")
    values = sum(bits.values for bits in result.bits)
    verdict = "equal to the reference" if result.equal else "DIFFERENT from the reference"
    say(f"{verdict}: {values:,} int8 values of {len(result.bits)} output(s), {result.samples:,} sample(s)")
