"""`tpukit fuzz`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accel_sim.time import Clock
from machine.config import load_machine
from machine.errors import DataError
from machine.isa import ENGINE_OF
from runtime.cli.commands_run import JsonOption
from runtime.cli.files import check_output
from runtime.cli.output import print_json, print_table, progress, say
from runtime.fuzz.campaign import Campaign, Failure, FuzzBackend, check_case, run_campaign
from runtime.fuzz.cases import load_case
from runtime.fuzz.coverage import Coverage
from runtime.timing import prepare_simulator

SEED, COUNT = 0, 100


def fuzz_command(
    seed: Annotated[int | None, typer.Option(metavar="N", help=f"What the programs are drawn by [{SEED}].")] = None,
    count: Annotated[int | None, typer.Option(metavar="M", min=1, help=f"How many programs [{COUNT}].")] = None,
    machine: Annotated[
        str | None, typer.Option(metavar="NAME", help="Machine name or TOML file; random machines without it.")
    ] = None,
    backend: Annotated[FuzzBackend, typer.Option(help="What the stepper is compared with.")] = FuzzBackend.EVENTS,
    illegal: Annotated[bool, typer.Option("--illegal", help="Damage the programs.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="DIR", help="Where a failing program goes [.].")
    ] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="FILE", help="Compare one program that was saved.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare random programs on random machines: both models of time, or simulator and Verilated RTL (docs/fuzz.md).

    It ends with the first program that differs: that one is made small and saved, and the exit code is 1. What the
    programs have covered is printed, and what they have never reached.
    """
    if replay is not None:
        if illegal or any(option is not None for option in (seed, count, machine, output)):
            raise DataError("--replay takes no --seed, --count, --machine, --illegal and --output: the file has it all")
        _replay(replay, backend, as_json)
        return
    if backend is FuzzBackend.RTL and machine is None:
        raise DataError("--backend rtl needs --machine: it is built once")
    folder = Path() if output is None else output
    seed, count = SEED if seed is None else seed, COUNT if count is None else count
    check_output(folder / _file_name(seed, 0, illegal))
    target = None if machine is None else load_machine(machine)
    with progress("fuzzing", quiet=as_json):
        for clock in Clock:
            prepare_simulator(clock)
        campaign = run_campaign(seed, count, target, illegal, backend)
    path = None
    if campaign.failure is not None:
        path = folder / _file_name(seed, campaign.programs - 1, illegal)
        campaign.failure.small.program().save(path)
    if as_json:
        print_json({
            "seed": seed, "backend": backend.value, "machine": None if target is None else target.name,
            "illegal": illegal, "programs": campaign.programs, "cycles": campaign.cycles,
            "coverage": campaign.coverage.to_dict(),
            "failure": None if campaign.failure is None else {"file": str(path), **campaign.failure.to_dict()},
        })
    else:
        print_campaign(campaign, backend, path)
    if campaign.failure is not None:
        raise typer.Exit(1)


def _file_name(seed: int, number: int, illegal: bool) -> str:
    return f"fuzz-{'illegal-' if illegal else ''}{seed}-{number}.tpu"


def _replay(path: str, backend: FuzzBackend, as_json: bool) -> None:
    """Compare a saved program and say whether it still differs."""
    case = load_case(path)
    with progress("replaying", quiet=as_json):
        differences = check_case(case, backend).differences
    if as_json:
        print_json({"file": path, "source": case.source, "backend": backend.value, "differences": differences})
    else:
        say(f"{path}: {len(case.words)} instructions, {'DIFFERENT' if differences else 'equal'} ({case.source})")
        for line in differences:
            say(f"  {line}")
    if differences:
        raise typer.Exit(1)


def print_campaign(campaign: Campaign, backend: FuzzBackend, path: Path | None) -> None:
    """Print what was covered, and how it ended, in one line."""
    print_coverage(campaign.coverage)
    if campaign.failure is None:
        against = "stepper and events kernel" if backend is FuzzBackend.EVENTS else "simulator and RTL"
        say(f"equal: {campaign.programs:,} programs, {campaign.cycles:,} cycles, {against}")
    else:
        say(f"{_described(campaign.failure)}; tpukit fuzz --replay {path} shows it")


def _described(failure: Failure) -> str:
    return (
        f"DIFFERENT: {failure.case.source}, made {len(failure.small.words)} of {len(failure.case.words)} instructions: "
        f"{failure.differences[0]}"
    )


def print_coverage(coverage: Coverage) -> None:
    """Print how often each goal was reached, fields by kind of instruction, and which goals never were."""
    counts, missing = coverage.counts, coverage.missing()
    rows = [[kind, goal, f"{number:,}"] for kind in ("instructions", "endings", "stalls", "contention")
            for goal, number in counts[kind].items()]
    print_table("covered (stalls and contention in cycles)", ["kind", "goal", "count"], rows, left=2)
    edges = []
    for opcode in ENGINE_OF:
        goals = [goal for goal in counts["fields"] if goal.startswith(f"{opcode.name.lower()}.")]
        reached = sum(counts["fields"][goal] > 0 for goal in goals)
        edges.append([opcode.name.lower(), f"{reached}", f"{len(goals)}"])
    print_table("edges of fields (docs/fuzz.md)", ["instruction", "reached", "of"], edges)
    for kind in ("instructions", "endings", "stalls", "contention"):
        if missing[kind]:
            say(f"never reached, {kind}: {', '.join(missing[kind])}")
    for opcode in ENGINE_OF:
        prefix = f"{opcode.name.lower()}."
        goals = [goal.removeprefix(prefix) for goal in missing["fields"] if goal.startswith(prefix)]
        if goals:
            say(f"never reached, fields of {opcode.name.lower()}: {', '.join(goals)}")
