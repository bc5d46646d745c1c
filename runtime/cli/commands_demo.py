"""`tpukit demo`."""

from __future__ import annotations

from typing import Annotated

import typer

from machine.config import load_machine
from runtime.cli.commands_run import JsonOption, print_cosim
from runtime.cli.output import print_json, progress, say
from runtime.cli.profile_report import print_layers
from runtime.demo import DemoReport, run_demo


def demo_command(
    machine: Annotated[str, typer.Option(metavar="NAME", help="Machine name or TOML file.")] = "edge16",
    rtl: Annotated[bool, typer.Option("--rtl", help="Also run one sample on the Verilated RTL and compare.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Compile a trained network of handwritten digits, simulate its whole test split and show the profile."""
    with progress("compiling and running the digits network", quiet=as_json):
        report = run_demo(load_machine(machine), rtl)
    if as_json:
        print_json(report.to_dict())
    else:
        _print_report(report)
    if not report.equal_to_reference or (report.cosim is not None and not report.cosim.equal):
        raise typer.Exit(1)


def _print_report(report: DemoReport) -> None:
    cycles = report.run.cycles or 0
    micros = cycles / report.machine.clock_hz * 1e6
    say(
        f"digits network on {report.machine.name}: {report.samples} test images, accuracy "
        f"{report.accuracy_float:.2%} in float32, {report.accuracy_int8:.2%} in int8"
    )
    verdict = "equal, every byte" if report.equal_to_reference else "DIFFERENT"
    say(f"simulator against reference backend: {verdict}")
    print_layers(report.profile)
    say(
        f"{cycles:,} cycles an image: {micros:.1f} us at {report.machine.clock_hz / 1e6:g} MHz; bound "
        f"{report.run.bound_cycles:,} cycles, utilization {report.run.utilization:.1%} of "
        f"{report.machine.rows}x{report.machine.columns} MACs a cycle"
    )
    if report.cosim is not None:
        print_cosim(report.cosim)
