"""`tpukit run` and `tpukit cosim`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from machine.errors import DataError
from machine.program import load_program
from runtime.arrays import load_arrays, save_arrays
from runtime.cli.output import console, print_json, print_table, progress
from runtime.cosim import CosimResult, cosimulate
from runtime.session import Backend, RunResult, Session

ProgramArgument = Annotated[str, typer.Argument(metavar="OUT.tpu", help="A program file.")]
InputOption = Annotated[
    str | None, typer.Option("--input", "-i", metavar="X.npz", help="Arrays by input name; '-' is standard input.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def run_command(
    program: ProgramArgument,
    input: InputOption = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="Y.npz", help="Where outputs go; '-' is standard output.")
    ] = None,
    backend: Annotated[Backend, typer.Option(help="What executes the program.")] = Backend.SIM,
    time_only: Annotated[bool, typer.Option("--time-only", help="Cycles only; needs no input.")] = False,
    function_only: Annotated[bool, typer.Option("--function-only", help="Values only.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run a program: outputs, cycles and what every engine did."""
    if time_only and function_only:
        raise DataError("--time-only and --function-only exclude each other")
    if time_only and (input is not None or output is not None):
        raise DataError("--time-only takes no --input and gives no --output")
    if not time_only and input is None:
        raise DataError("--input X.npz is needed (or --time-only)")
    if output == "-" and as_json:
        raise DataError("--json and --output - would both write to standard output")
    session = Session(load_program(program))
    inputs = None if input is None else load_arrays(input)
    with progress(f"running on {backend.value}"):
        result = session.run(inputs, backend, with_time=not function_only, with_function=not time_only)
    if output is not None:
        save_arrays(output, result.outputs)
    if as_json:
        print_json(result.to_dict())
    elif output != "-":
        print_run(session, result)


def print_run(session: Session, result: RunResult) -> None:
    """Print the outcome of a run for people."""
    machine = session.program.machine
    if result.samples:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in result.outputs.items())
        console.print(f"{result.samples} sample(s) on {result.backend.value}: {shapes}")
    if result.cycles is None or result.utilization is None:
        console.print(f"took {result.simulation_seconds:.3f} s")
        return
    micros = result.cycles / machine.clock_hz * 1e6
    console.print(
        f"{result.cycles:,} cycles a sample on {machine.name} ({micros:,.1f} us at {machine.clock_hz / 1e6:g} MHz), "
        f"bound {result.bound_cycles:,}, utilization {result.utilization:.1%}; "
        f"took {result.simulation_seconds:.3f} s"
    )
    states = sorted({state for engine in result.counters.values() for state, count in engine.items() if count})
    rows = [[engine, *(f"{counts.get(state, 0):,}" for state in states)] for engine, counts in result.counters.items()]
    print_table("cycles by engine and state", ["engine", *states], rows)


def cosim_command(
    program: ProgramArgument,
    input: InputOption = None,
    waves: Annotated[
        Path | None, typer.Option(metavar="FILE.vcd", help="Write the RTL's waveform (slower; a VCD file).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run one sample on the simulator and on the Verilated RTL and compare everything; exit code 1 at a difference."""
    session = Session(load_program(program))
    if input is None:
        if session.program.inputs:
            raise DataError("--input X.npz is needed: the program takes inputs")
        memory = session.blank_image()
    else:
        memory = session.first_image(load_arrays(input))
    with progress("co-simulating"):
        result = cosimulate(session.program, memory, waves)
    if as_json:
        print_json(result.to_dict())
    else:
        print_cosim(result)
    if not result.equal:
        raise typer.Exit(1)


def print_cosim(result: CosimResult) -> None:
    """Print the outcome of a co-simulation for people."""
    verdict = "equal" if result.equal else "DIFFERENT"
    console.print(
        f"{verdict}: {result.cycles_sim:,} cycles on the simulator, {result.cycles_rtl:,} on the RTL; "
        f"{result.instructions:,} instructions ({result.mismatched_instructions} differ), "
        f"{result.bytes_compared:,} bytes ({result.mismatched_bytes} differ), "
        f"{result.counters_compared} counters ({result.mismatched_counters} differ)"
    )
    for difference in result.differences:
        console.print(f"  {difference}", markup=False)
