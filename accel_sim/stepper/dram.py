"""Banks of the open-row DRAM behind the bus, each with its open row (docs/units/memory.md, "The DRAM law")."""

from __future__ import annotations

from typing import Any

from accel_sim.timing.jit import compiled


@compiled
def access(accepted: int, setup: Any, dram: Any, address: int, beats: int) -> int:
    """Reserve the bank of a burst accepted in cycle `accepted`; return the cycle of its first column.

    To be called in the order of acceptance, the read first where a read and a write are accepted in one cycle. Any byte
    of the burst's first beat will do for the address: beats do not cross rows. Without DRAM a burst is never late.
    """
    if setup.dram_banks == 0:
        return accepted
    line = address // setup.dram_row_bytes
    bank, row = line % setup.dram_banks, line // setup.dram_banks
    begin = _after_refresh(max(accepted, dram.free[bank]), setup)
    period = _period(begin, setup)
    first = begin + _opening_cycles(setup, dram, bank, row, period)
    dram.free[bank] = first + beats
    dram.is_open[bank] = 1
    dram.row[bank] = row
    dram.period[bank] = period
    return int(first)


@compiled
def _period(t: int, setup: Any) -> int:
    """Return the period of cycle t: how many refreshes have begun by then."""
    return int(t // setup.dram_refresh_interval) if setup.dram_refresh_interval > 0 else 0


@compiled
def _after_refresh(t: int, setup: Any) -> int:
    """Return the first cycle from t on in which the banks do not refresh."""
    period = _period(t, setup)
    if period == 0:
        return t
    return int(max(t, period * setup.dram_refresh_interval + setup.dram_refresh))


@compiled
def _opening_cycles(setup: Any, dram: Any, bank: int, row: int, period: int) -> int:
    """Return how long it takes until the row is open in an access that begins in `period`."""
    if not dram.is_open[bank] or dram.period[bank] != period:
        return int(setup.dram_activate)
    return 0 if dram.row[bank] == row else int(setup.dram_precharge + setup.dram_activate)
