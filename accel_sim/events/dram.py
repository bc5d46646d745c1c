"""The open-row DRAM behind the bus (docs/units/memory.md, "The DRAM law").

An open row stays usable until the next refresh begins, at whose multiple of the interval its period ends. So a bank
needs the row and that cycle, and one that was never opened has a row that can be used in no cycle.
"""

from __future__ import annotations

from typing import Any

from accel_sim.events.state import NEVER
from accel_sim.timing.jit import compiled


@compiled
def columns_at(accepted: int, now: Any, address: int, beats: int) -> int:
    """Return when the columns of a burst accepted in cycle `accepted` are accessed first, and reserve its bank so long.

    To be called in the order of acceptance: those accepted in one cycle in the order read, write.
    """
    setup, dram = now.setup, now.dram
    if setup.dram_banks == 0:
        return accepted
    row, bank = divmod(address // setup.dram_row_bytes, setup.dram_banks)
    begin = max(accepted, dram.free[bank])
    closes = NEVER
    if setup.dram_refresh_interval > 0:
        into = begin % setup.dram_refresh_interval
        if begin >= setup.dram_refresh_interval and into < setup.dram_refresh:
            begin += setup.dram_refresh - into
            into = setup.dram_refresh
        closes = begin - into + setup.dram_refresh_interval
    columns = begin
    if begin >= dram.closes[bank]:
        columns += setup.dram_activate
    elif dram.row[bank] != row:
        columns += setup.dram_precharge + setup.dram_activate
    dram.row[bank] = row
    dram.closes[bank] = closes
    dram.free[bank] = columns + beats
    return int(columns)
