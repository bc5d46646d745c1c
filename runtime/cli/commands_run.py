"""`tpukit run` and `tpukit cosim`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy.typing as npt
import typer

from accel_sim.time import Clock
from machine.errors import DataError
from machine.isa import Engine
from machine.registers import EngineState
from runtime.accounts import EngineAccount
from runtime.arrays import dump_arrays, load_arrays
from runtime.cli.files import check_output, one_reader, open_program, whole_file, write_output
from runtime.cli.output import print_json, print_table, progress, say
from runtime.cosim import CosimResult, cosimulate
from runtime.session import Backend, RunResult, Session
from runtime.timing import prepare_simulator

SHOWN_LOSSES = 3
"""Losses of a layer that the table shows; --json has all."""

ProgramArgument = Annotated[str, typer.Argument(metavar="OUT.tpu", help="A program file; '-' is standard input.")]
InputOption = Annotated[
    str | None, typer.Option("--input", "-i", metavar="X.npz", help="Arrays by input name; '-' is standard input.")
]
ExpectedMachineOption = Annotated[
    str | None, typer.Option("--machine", metavar="NAME", help="Refuse a program for another machine than this one.")
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
    machine: ExpectedMachineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a program: outputs, cycles and what every engine did.

    Inputs and outputs carry the names, types and layout of the model's own. More samples along the batch axis than the
    program takes at once run one batch after another. A kernel takes no --input; its output is its memory at the end,
    `memory`.
    """
    if time_only and function_only:
        raise DataError("--time-only and --function-only exclude each other")
    if time_only and (input is not None or output is not None):
        raise DataError("--time-only takes no --input and gives no --output")
    if output == "-" and as_json:
        raise DataError("--json and --output - would both write to standard output")
    one_reader(program, input)
    if output is not None:
        check_output(output)
    session = Session(open_program(program, machine))
    if input is None and not time_only and not session.is_kernel:
        raise DataError("--input X.npz is needed (or --time-only)")
    inputs = None if input is None else load_arrays(input)
    with progress(f"running on {backend.value}", quiet=as_json):
        result = session.run(inputs, backend, with_time=not function_only, with_function=not time_only)
    if output is not None:
        write_output(output, dump_arrays(result.outputs))
    if as_json:
        print_json(result.to_dict())
    elif output != "-":
        print_run(session, result)


def print_run(session: Session, result: RunResult) -> None:
    """Print the outcome of a run for people."""
    machine = session.program.machine
    if result.samples:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in result.outputs.items())
        say(f"{result.samples} sample(s) on {result.backend.value}: {shapes}")
    if result.cycles is None or result.utilization is None:
        say(f"took {result.simulation_seconds:.3f} s")
        return
    micros = result.cycles / machine.clock_hz * 1e6
    say(
        f"{result.cycles:,} cycles a {_batch_of(result)} on {machine.name} "
        f"({micros:,.1f} us at {machine.clock_hz / 1e6:g} MHz)"
        f", bound {result.bound_cycles:,}, utilization {result.utilization:.1%}; took {result.simulation_seconds:.3f} s"
    )
    if len(result.segment_cycles) > 1:
        listed = ", ".join(f"{cycles:,}" for cycles in result.segment_cycles)
        say(f"{len(result.segment_cycles)} segments, with the host's work between them: {listed} cycles")
    if result.counters:
        print_counters(result.counters)
    if Engine.MATRIX in result.accounts:
        print_account(result.accounts[Engine.MATRIX])


def print_account(account: EngineAccount) -> None:
    """Print where the cycles of an engine went: by layer, useful, and the three largest losses."""
    rows = []
    for layer in (*account.layers, account.total):
        losses = sorted(layer.losses.items(), key=lambda item: -item[1])[:SHOWN_LOSSES]
        lost = ", ".join(f"{name} {cycles:,}" for name, cycles in losses if cycles)
        if layer.cycles:
            rows.append([layer.name, f"{layer.cycles:,}", f"{layer.useful:,}", lost])
    print_table(
        f"cycles of the {account.engine.name.lower()} engine by layer", ["layer", "cycles", "useful", "largest losses"],
        rows,
    )


def _batch_of(result: RunResult) -> str:
    if result.batch == 1 or result.cycles_per_sample is None:
        return "sample"
    return f"batch of {result.batch}, {result.cycles_per_sample:,.0f} a sample,"


def print_counters(counters: dict[str, dict[str, int]]) -> None:
    """Print the cycles of every engine in every state that any was in; each engine's add up to the same total."""
    engines = [engine.name.lower() for engine in Engine]
    states = [state.name.lower() for state in EngineState]
    counts = {state: [counters[engine].get(state, 0) for engine in engines] for state in states}
    rows = [[state, *(f"{count:,}" for count in counts[state])] for state in states if any(counts[state])]
    totals = (sum(counters[engine].values()) for engine in engines)
    print_table("cycles by state and engine", ["state", *engines], [*rows, ["total", *(f"{t:,}" for t in totals)]])


def cosim_command(
    program: ProgramArgument,
    input: InputOption = None,
    waves: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the RTL's waveform (slower): FST if so named, else VCD.")
    ] = None,
    machine: ExpectedMachineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run a program's first sample on the simulator and on the Verilated RTL and compare everything.

    Compared are every byte of memory, the issue and retire cycle of every instruction and every counter. The exit code
    is 1 at any difference. A program without inputs (a kernel) needs no --input.
    """
    one_reader(program, input)
    if waves == Path("-"):
        raise DataError("--waves needs a file; standard output is not one")
    if waves is not None:
        check_output(waves)
    session = Session(open_program(program, machine))
    if input is None and not session.is_kernel:
        raise DataError("--input X.npz is needed: the program takes inputs")
    inputs = None if input is None else load_arrays(input)
    with progress("co-simulating", quiet=as_json):
        prepare_simulator(Clock.STEPPER)
        result = _cosimulate(session, inputs, waves)
    if as_json:
        print_json(result.to_dict())
    else:
        print_cosim(result)
    if not result.equal:
        raise typer.Exit(1)


def _cosimulate(session: Session, inputs: dict[str, npt.NDArray[Any]] | None, waves: Path | None) -> CosimResult:
    if waves is None:
        return cosimulate(session, inputs)
    with whole_file(waves) as partial:
        return cosimulate(session, inputs, partial)


def print_cosim(result: CosimResult) -> None:
    """Print the outcome of a co-simulation for people."""
    verdict = "equal" if result.equal else "DIFFERENT"
    say(
        f"{verdict}: {result.cycles_sim:,} cycles on the simulator, {result.cycles_rtl:,} on the RTL; "
        f"{result.instructions:,} instructions ({result.mismatched_instructions} differ), "
        f"{result.bytes_compared:,} bytes ({result.mismatched_bytes} differ), "
        f"{result.counters_compared} counters ({result.mismatched_counters} differ)"
    )
    for difference in result.differences:
        say(f"  {difference}")
