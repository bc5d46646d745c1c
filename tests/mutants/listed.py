"""The list of planted errors, in groups."""

from __future__ import annotations

from tests.mutants import arithmetic, compiler, rtl, simulator
from tests.mutants.mutant import Mutant

GROUPS: dict[str, tuple[Mutant, ...]] = {
    "rtl": rtl.MUTANTS,
    "simulator": simulator.MUTANTS,
    "compiler": compiler.MUTANTS,
    "machine": arithmetic.MUTANTS,
}
MUTANTS: tuple[Mutant, ...] = tuple(mutant for group in GROUPS.values() for mutant in group)


def chosen(names: list[str]) -> list[Mutant]:
    """Return the errors of the given names, groups or files; all where none is given.

    Raises:
        ValueError: a name is none of these.
    """
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    found: dict[str, Mutant] = {} if names else by_name
    for name in names:
        of_file = [mutant for mutant in MUTANTS if mutant.file == name]
        members = GROUPS.get(name) or of_file or [by_name[name] for _ in (0,) if name in by_name]
        if not members:
            raise ValueError(f"{name!r} is no planted error, group ({', '.join(GROUPS)}) or file that has one")
        found |= {mutant.name: mutant for mutant in members}
    return list(found.values())
