"""Plant the listed errors, one at a time, and print which test notices each.

`python -m tests.mutants [NAME ...]` takes names of errors, groups (rtl, simulator, compiler, machine) and files; all
of them without a name. The exit code is 1 where an error was noticed by no test.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from machine.program import write_atomically
from machine.progress import steps
from tests.mutants.listed import GROUPS, MUTANTS, chosen
from tests.mutants.mutant import Mutant, StaleMutantError
from tests.mutants.trial import Outcome, TrialError, Trials


def main() -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="an error, a group or a file")
    parser.add_argument("--list", action="store_true", help="print what would be planted, and stop")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="trials at a time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep results there; those of other errors stay")
    parser.add_argument("--table", action="store_true", help="print the results in the file of --json, and stop")
    options = parser.parse_args()
    if options.jobs < 1 or (options.table and options.json is None):
        parser.error("--jobs takes a number of at least 1, and --table needs --json")
    try:
        mutants = chosen(options.names)
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        for mutant in mutants:
            print(f"{mutant.name}: {mutant.file}: {mutant.what}")
        return 0
    known = read_results(options.json)
    if options.table:
        print("\n".join(table(known)))
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    survivors = 0
    for outcome in steps("planting errors", try_all(mutants, options.jobs), len(mutants)):
        survivors += not outcome.caught_by
        print(f"{outcome.name}: {outcome.caught_by or 'NOT NOTICED'} ({outcome.seconds:.0f} s)", flush=True)
        known[outcome.name] = outcome
        if options.json is not None:
            text = json.dumps([asdict(known[name]) for name in sorted(known)], indent=1)
            write_atomically(options.json, f"{text}\n".encode())
    print(f"{len(mutants)} errors planted, {survivors} not noticed")
    return 1 if survivors else 0


def try_all(mutants: list[Mutant], jobs: int) -> Iterator[Outcome]:
    """Yield the outcomes in the order of the list."""
    with tempfile.TemporaryDirectory(prefix="tpukit_mutants_") as folder:
        trials = Trials(Path(folder))
        with ThreadPoolExecutor(jobs) as pool:
            try:
                yield from pool.map(trials.run, mutants)
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                trials.stop()
                raise


def read_results(path: Path | None) -> dict[str, Outcome]:
    """Return the results that a file holds, by name; of errors that are still listed."""
    if path is None or not path.exists():
        return {}
    listed = {mutant.name for mutant in MUTANTS}
    found = [Outcome(**entry) for entry in json.loads(path.read_text())]
    return {outcome.name: outcome for outcome in found if outcome.name in listed}


def table(known: dict[str, Outcome]) -> list[str]:
    """Return the lines of a table of results, by group."""
    lines = []
    for group, mutants in GROUPS.items():
        lines += ["", f"### {group}", "", "| error | where | what it stands for | noticed by | s |"]
        lines.append("|---|---|---|---|---|")
        for mutant in mutants:
            outcome = known.get(mutant.name)
            if outcome is None:
                by, seconds = "not tried", ""
            else:
                lint = " (lint)" if outcome.how == "lint" else ""
                by = f"`{outcome.caught_by.removeprefix('tests/')}`{lint}" if outcome.caught_by else "nothing"
                seconds = f"{outcome.seconds:.0f}"
            lines.append(f"| {mutant.name} | `{mutant.file}` | {mutant.what} | {by} | {seconds} |")
    return lines[1:]


if __name__ == "__main__":
    try:
        raise SystemExit(main())
    except (StaleMutantError, TrialError) as error:
        raise SystemExit(f"error: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
