"""`tpukit kernel`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from machine.config import Machine, load_machine
from machine.errors import DataError, SimulationError
from runtime.arrays import dump_arrays
from runtime.cli.commands_run import JsonOption, print_cosim, print_counters
from runtime.cli.files import check_output, write_output
from runtime.cli.output import print_json, print_table, progress, say
from runtime.cli.profile_report import print_profile, print_totals
from runtime.kernel import KernelRun, KernelSource, load_kernels, run_kernel
from runtime.profile import CAUSES


def kernel_command(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Assembly text ('-': standard input), or Python (.py), which is run.")
    ],
    machine: Annotated[str, typer.Option(metavar="NAME", help="Machine name or TOML file.")] = "nano4",
    only: Annotated[
        str | None, typer.Option("--only", metavar="KERNEL", help="One kernel of the file, with its whole profile.")
    ] = None,
    rtl: Annotated[bool, typer.Option("--rtl/--no-rtl", help="Run it on the Verilated RTL too, and compare.")] = False,
    max_cycles: Annotated[
        int, typer.Option("--max-cycles", metavar="N", min=1, help="Stop a kernel that runs longer.")
    ] = 100_000_000,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="Y.npz", help="Write its results, and `memory` at the end.")
    ] = None,
    program: Annotated[
        str | None, typer.Option("--program", metavar="OUT.tpu", help="Write its program, for profile, cosim, disasm.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify, run, check and profile a kernel written by hand or built in Python (docs/kernels.md).

    A file may define several kernels: they are run one after the other and compared. The exit code is 1 where a result
    is not what the kernel expects, or the RTL differs from the simulator.
    """
    for path in (output, program):
        if path == "-":
            raise DataError("--output and --program need a file; standard output is not one")
        if path is not None:
            check_output(path)
    target = load_machine(machine)
    sources = _chosen(load_kernels(file), file, only)
    if len(sources) > 1 and (output is not None or program is not None):
        raise DataError(f"--output and --program are of one kernel; --only names it: {_names(sources)}")
    runs = [_run(source, target, rtl, max_cycles, as_json) for source in sources]
    if output is not None:
        write_output(output, dump_arrays(_arrays(runs[0])))
    if program is not None:
        write_output(program, runs[0].kernel.program.to_bytes())
    if as_json:
        summaries = {source.name: {"summary": source.summary} for source in sources}
        kernels = [{**summaries[run.kernel.name], **run.to_dict()} for run in runs]
        print_json({"file": file, "machine": target.name, "kernels": kernels})
    elif len(runs) == 1:
        print_whole(sources[0], runs[0])
    else:
        print_compared(sources, runs)
    if not all(run.is_right for run in runs):
        raise typer.Exit(1)


def _chosen(sources: list[KernelSource], file: str, only: str | None) -> list[KernelSource]:
    """Return the kernels to run: all, or the one that is named."""
    chosen = [source for source in sources if only in (None, source.name)]
    if not chosen:
        raise DataError(f"{file} has no kernel {only!r}; legal are {_names(sources)}")
    return chosen


def _names(sources: list[KernelSource]) -> str:
    return ", ".join(source.name for source in sources)


def _run(source: KernelSource, machine: Machine, rtl: bool, max_cycles: int, quiet: bool) -> KernelRun:
    with progress(f"running {source.name}", quiet=quiet):
        kernel = source.build(machine)
        try:
            return run_kernel(kernel, rtl=rtl, max_cycles=max_cycles)
        except SimulationError as error:
            raise SimulationError(f"kernel {source.name}: {error}; --max-cycles allows more") from None


def _arrays(run: KernelRun) -> dict[str, Any]:
    return {**{check.output.name: check.values for check in run.checks}, "memory": run.memory}


def print_whole(source: KernelSource, run: KernelRun) -> None:
    """Print one kernel: what it says of itself, its profile, what every engine did, its bound, and whether it is right.
    """
    _print_summary(source)
    print_profile(run.profile, None)
    print_counters(run.profile.counters)
    print_totals(run.profile)
    print_roofline(run)
    print_verdict(run)


def print_compared(sources: list[KernelSource], runs: list[KernelRun]) -> None:
    """Print kernels side by side: cycles by cause, and how near each is to its bound."""
    for source, run in zip(sources, runs, strict=True):
        _print_summary(source)
        print_verdict(run)
    totals = [run.profile.total for run in runs]
    rows = [
        [cause, *(f"{total.cycles[cause]:,}" if total.cycles[cause] else "-" for total in totals)]
        for cause in CAUSES if any(total.cycles[cause] for total in totals)
    ]
    rows.append(["(total)", *(f"{run.cycles:,}" for run in runs)])
    rows.append(["bound", *(f"{run.roofline.bound} {run.roofline.bound_cycles:,}" for run in runs)])
    rows.append(["reached", *(f"{reached(run):.1%}" for run in runs)])
    rows.append(["against the first", *(f"{runs[0].cycles / run.cycles:.2f} x" for run in runs)])
    machine = runs[0].kernel.program.machine.name
    print_table(f"cycles on {machine} by cause", ["cause", *(run.kernel.name for run in runs)], rows)


def _print_summary(source: KernelSource) -> None:
    say(f"{source.name}: {source.summary}" if source.summary else source.name)


def print_verdict(run: KernelRun) -> None:
    """Say of each result whether it is what is expected, and whether the RTL did the same."""
    for check in run.checks:
        what = f"{check.output.name}, {check.values.dtype.name}{list(check.values.shape)}"
        if check.differing is None:
            say(f"  {what}: nothing is expected of it")
        elif check.differing:
            say(f"  {what}: WRONG, {check.differing:,} of {check.values.size:,} values differ, {check.first}")
        else:
            say(f"  {what}: as expected")
    if run.cosim is not None:
        print_cosim(run.cosim)


def print_roofline(run: KernelRun) -> None:
    """Say what bounds a kernel, and how near it came."""
    roofline = run.roofline
    work, cycles = roofline.work, roofline.cycles
    intensity = "" if roofline.intensity is None else (
        f"; {roofline.intensity:.1f} MACs a byte (below {roofline.ridge:.1f} the bus is slower than the array)"
    )
    say(
        f"bound by {roofline.bound}, {roofline.bound_cycles:,} cycles, {reached(run):.1%} reached: array "
        f"{cycles['array']:,} for {work.macs:,} MACs, vector {cycles['vector']:,}, read {cycles['read']:,} for "
        f"{work.read_bytes:,} bytes, write {cycles['write']:,} for {work.write_bytes:,} bytes{intensity}"
    )


def reached(run: KernelRun) -> float:
    """Return the share of a kernel's cycles that its bound is."""
    return run.roofline.bound_cycles / run.cycles if run.cycles else 0.0
