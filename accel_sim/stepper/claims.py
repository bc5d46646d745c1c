"""Claims of bank ports and accumulator halves (docs/timing.md, "Claims").

A grant in cycle S sets the last cycle in which a port is held. Holds count from S+1 on; within S itself the bits of
`*_granted` speak: they deny the engines later in the order even a port that is held in no cycle at all.
"""

# ruff: noqa: SIM110 - Numba compiles loops, not generators
from __future__ import annotations

from typing import Any

from accel_sim.timing.jit import compiled
from machine.isa import ENGINE_COUNT


@compiled
def begin(claims: Any) -> None:
    """Start a cycle: nothing has been granted in it."""
    claims.read_granted = 0
    claims.write_granted = 0
    claims.half_granted = 0


@compiled
def banks_of(setup: Any, base: int, span: int) -> tuple[int, int]:
    """Return the banks [first, end) of the granules [base, base + span]; banks that do not exist are left out."""
    return base // setup.bank_granules, min((base + span) // setup.bank_granules + 1, setup.banks)


@compiled
def half_of(setup: Any, row: int) -> int:
    """Return the accumulator half of a row."""
    return int((row // setup.half_rows) & 1)


@compiled
def _free(until: Any, granted: int, engine: int, port: int, t: int) -> bool:
    if (granted >> port) & 1:
        return False
    for holder in range(ENGINE_COUNT):
        if holder != engine and until[holder, port] >= t:
            return False
    return True


@compiled
def reads_free(t: int, setup: Any, claims: Any, engine: int, base: int, span: int) -> bool:
    """Return whether the read ports of the banks of [base, base + span] can be granted to the engine in cycle t."""
    first, end = banks_of(setup, base, span)
    for bank in range(first, end):
        if not _free(claims.read_until, claims.read_granted, engine, bank, t):
            return False
    return True


@compiled
def writes_free(t: int, setup: Any, claims: Any, engine: int, base: int, span: int) -> bool:
    """Return whether the write ports of the banks of [base, base + span] can be granted to the engine in cycle t."""
    first, end = banks_of(setup, base, span)
    for bank in range(first, end):
        if not _free(claims.write_until, claims.write_granted, engine, bank, t):
            return False
    return True


@compiled
def writes_here(t: int, setup: Any, claims: Any, engine: int, base: int, span: int) -> bool:
    """Return whether the engine itself holds the write port of a bank of [base, base + span] in cycle t."""
    first, end = banks_of(setup, base, span)
    for bank in range(first, end):
        if claims.write_until[engine, bank] >= t:
            return True
    return False


@compiled
def half_free(t: int, claims: Any, engine: int, half: int) -> bool:
    """Return whether an accumulator half can be granted to the engine in cycle t."""
    return _free(claims.half_until, claims.half_granted, engine, half, t)


@compiled
def hold_reads(setup: Any, claims: Any, engine: int, base: int, span: int, until: int) -> None:
    """Grant the read ports of the banks of [base, base + span], to be held up to cycle `until`."""
    first, end = banks_of(setup, base, span)
    for bank in range(first, end):
        claims.read_granted |= 1 << bank
        claims.read_until[engine, bank] = until


@compiled
def hold_writes(setup: Any, claims: Any, engine: int, base: int, span: int, until: int) -> None:
    """Grant the write ports of the banks of [base, base + span], to be held up to cycle `until` at least."""
    first, end = banks_of(setup, base, span)
    for bank in range(first, end):
        claims.write_granted |= 1 << bank
        claims.write_until[engine, bank] = max(until, claims.write_until[engine, bank])


@compiled
def hold_half(claims: Any, engine: int, half: int, until: int) -> None:
    """Grant an accumulator half, to be held up to cycle `until`."""
    claims.half_granted |= 1 << half
    claims.half_until[engine, half] = until
