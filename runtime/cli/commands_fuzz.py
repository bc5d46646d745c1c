"""`tpukit fuzz`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from accel_sim.time import Clock
from machine.config import Machine, load_machine
from machine.errors import DataError
from machine.isa import ENGINE_OF
from runtime.cli.commands_run import JsonOption
from runtime.cli.files import check_output
from runtime.cli.output import print_json, print_table, progress, say
from runtime.fuzz.campaign import Campaign, Failure, run_campaign
from runtime.fuzz.cases import BUILT, Draws, load_case
from runtime.fuzz.checks import FuzzBackend, check_cases
from runtime.fuzz.coverage import Coverage
from runtime.timing import prepare_simulator

SEED, COUNT, PER_MACHINE = 0, 100, 50
INTERRUPTED = 130
"""Exit code after Ctrl-C, as that of every command."""


def fuzz_command(
    seed: Annotated[int | None, typer.Option(metavar="N", help=f"What the programs are drawn by [{SEED}].")] = None,
    count: Annotated[int | None, typer.Option(metavar="M", min=1, help=f"How many programs [{COUNT}].")] = None,
    machine: Annotated[
        str | None, typer.Option(metavar="NAME", help="Machine name or TOML file; random machines without it.")
    ] = None,
    backend: Annotated[FuzzBackend, typer.Option(help="What the stepper is compared with.")] = FuzzBackend.EVENTS,
    illegal: Annotated[bool, typer.Option("--illegal", help="Damage the programs.")] = False,
    per_machine: Annotated[
        int | None,
        typer.Option(
            "--programs-per-machine", metavar="K", min=1,
            help=f"Programs that run on each random machine, which the RTL is built for [{PER_MACHINE}].",
        ),
    ] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", metavar="N", min=1, help="Processes [1].")] = None,
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
    programs have covered is printed, and what they have never reached; after Ctrl-C too.
    """
    if replay is not None:
        if illegal or any(option is not None for option in (seed, count, machine, per_machine, jobs, output)):
            raise DataError("--replay takes only --backend and --json: the file has all the rest")
        _replay(replay, backend, as_json)
        return
    rtl, count, folder = backend is FuzzBackend.RTL, count or COUNT, output or Path()
    if per_machine is not None and (not rtl or machine is not None):
        raise DataError("--programs-per-machine is for the random machines of --backend rtl without --machine")
    target = None if machine is None else load_machine(machine)
    draws = Draws(SEED if seed is None else seed, illegal, target)
    if rtl:
        most = count if target else per_machine or PER_MACHINE
        draws = replace(draws, programs_per_machine=most, largest=BUILT)
    check_output(folder / _file_name(draws, 0))
    with progress("fuzzing", quiet=as_json):
        for clock in Clock:
            prepare_simulator(clock)
        campaign = run_campaign(draws, count, backend, jobs or 1)
    unreachable = campaign.coverage.unreachable(draws.edge_machines, draws.edge_memory_bytes)
    path = None
    if campaign.failure is not None:
        path = folder / _file_name(draws, campaign.failure.number)
        campaign.failure.small.program().save(path)
    if as_json:
        print_json({
            "seed": draws.seed, "backend": backend.value, "machine": None if target is None else target.name,
            "illegal": illegal, "programs": campaign.programs, "machines": _machines(draws, campaign),
            "cycles": campaign.cycles, "asked": campaign.asked, "proved": campaign.proved,
            "interrupted": campaign.interrupted, "coverage": campaign.coverage.to_dict(unreachable),
            "failure": None if campaign.failure is None else {"file": str(path), **campaign.failure.to_dict()},
        })
    else:
        print_coverage(campaign.coverage, unreachable)
        print_campaign(draws, campaign, backend, path)
    if campaign.failure is not None:
        raise typer.Exit(1)
    if campaign.interrupted:
        raise typer.Exit(INTERRUPTED)


def _machines(draws: Draws, campaign: Campaign) -> int | None:
    """Return how many random machines the RTL was built for; None where that is not what was done."""
    return -(-campaign.programs // draws.programs_per_machine) if draws.programs_per_machine else None


def _file_name(draws: Draws, number: int) -> str:
    return f"fuzz-{'illegal-' if draws.illegal else ''}{draws.seed}-{number}.tpu"


def _replay(path: str, backend: FuzzBackend, as_json: bool) -> None:
    """Compare a saved program and say whether it still differs."""
    case = load_case(path)
    with progress("replaying", quiet=as_json):
        (verdict,) = check_cases([case], backend, ask=True)
    if as_json:
        print_json({
            "file": path, "source": case.source, "machine": case.machine.to_dict(), "backend": backend.value,
            "differences": verdict.differences,
        })
    else:
        say(f"{path}: {len(case.words)} instructions, {'DIFFERENT' if verdict.differences else 'equal'} "
            f"({case.source})")
        for line in verdict.differences:
            say(f"  {line}")
    if verdict.differences:
        raise typer.Exit(1)


def print_campaign(draws: Draws, campaign: Campaign, backend: FuzzBackend, path: Path | None) -> None:
    """Print how it ended, in the last line."""
    if campaign.failure is not None:
        say(f"on the machine {_fields_of(campaign.failure.case.machine)}")
        say(f"{_described(campaign.failure)}; tpukit fuzz {_options(backend)}--replay {path} shows it")
        return
    if campaign.asked:
        say(f"the verifier proves {campaign.proved:,} of {campaign.asked:,} programs legal")
    against = "stepper and events kernel" if backend is FuzzBackend.EVENTS else "simulator and RTL"
    built = "" if draws.machine or not draws.programs_per_machine else f" on {_machines(draws, campaign):,} machines"
    say(f"{'interrupted, until then ' if campaign.interrupted else ''}equal: {campaign.programs:,} programs{built}, "
        f"{campaign.cycles:,} cycles, {against}")


def _options(backend: FuzzBackend) -> str:
    return "" if backend is FuzzBackend.EVENTS else f"--backend {backend} "


def _fields_of(machine: Machine) -> str:
    """Return a machine's fields in one line, as TOML has them."""
    return ", ".join(f"{name} = {value!r}" for name, value in machine.to_dict().items())


def _described(failure: Failure) -> str:
    return (
        f"DIFFERENT: {failure.case.source}, made {len(failure.small.words)} of {len(failure.case.words)} instructions: "
        f"{failure.differences[0]}"
    )


def print_coverage(coverage: Coverage, unreachable: Mapping[str, str]) -> None:
    """Print how often each goal was reached, fields by kind of instruction, which never were, and which cannot be."""
    counts, missing = coverage.counts, coverage.missing(unreachable)
    rows = [[kind, goal, f"{number:,}"] for kind in ("instructions", "endings", "stalls", "contention")
            for goal, number in counts[kind].items()]
    print_table("covered (stalls and contention in cycles)", ["kind", "goal", "count"], rows, left=2)
    edges = []
    for opcode in ENGINE_OF:
        goals = [goal for goal in counts["fields"]
                 if goal.startswith(f"{opcode.name.lower()}.") and goal not in unreachable]
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
    by_reason: dict[str, list[str]] = {}
    for goal, reason in unreachable.items():
        by_reason.setdefault(reason, []).append(goal)
    for reason, goals in by_reason.items():
        say(f"no legal program here reaches {', '.join(goals)}: {reason}")
