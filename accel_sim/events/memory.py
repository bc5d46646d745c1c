"""Memory port: bursts, and the read channel, whose beats all have a cycle when they are granted (docs/units/memory.md).

Bursts are answered in order, so the cycles of a burst's beats depend only on the grants before it. Where the bus has a
rate below one, credit grows by the numerator each cycle. It is capped only while no beat is due: a due beat leaves at
most `numerator - 1` behind, and credit that is waited for stays below the denominator. So from the first cycle in
which a burst's beats are due on, with credit `c` in it, beat `k` (from 1) comes as soon as `c + numerator * cycles
passed >= k * denominator`.
"""

from __future__ import annotations

from typing import Any

from accel_sim.events.dram import columns_at
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BURST, MAXIMUM_OUTSTANDING


@compiled
def piece_end(first: int, end: int) -> int:
    """Return where the first burst of the bytes [first, end) ends."""
    return min(end, (first // BURST + 1) * BURST)


@compiled
def beats_between(setup: Any, first: int, end: int) -> int:
    """Return the beats that the bytes [first, end) touch (end > first)."""
    return int((end + setup.bus_bytes - 1) // setup.bus_bytes - first // setup.bus_bytes)


@compiled
def outside(setup: Any, end: int) -> bool:
    """Return whether a burst that ends before byte `end` reaches beyond MEMORY_LIMIT with its last beat."""
    return bool((end + setup.bus_bytes - 1) // setup.bus_bytes * setup.bus_bytes > setup.memory_limit)


@compiled
def beat_time(setup: Any, due: int, credit: int, number: int) -> int:
    """Return the cycle of a burst's beat (from 1), given when it is due and the credit in that cycle."""
    if setup.rate_numerator == setup.rate_denominator:
        return due + number - 1
    lacking = number * setup.rate_denominator - credit
    return int(due + (lacking + setup.rate_numerator - 1) // setup.rate_numerator if lacking > 0 else due)


@compiled
def _beats_by(t: int, setup: Any, due: int, credit: int) -> int:
    """Return how many beats of a burst that ends after cycle t have come by the end of cycle t."""
    if t < due:
        return 0
    if setup.rate_numerator == setup.rate_denominator:
        return t - due + 1
    return int((credit + setup.rate_numerator * (t - due)) // setup.rate_denominator)


@compiled
def grant(t: int, now: Any, owner: int, address: int, beats: int) -> int:
    """Grant a read burst from `address` on in cycle t (there is room among the outstanding); return its place."""
    setup, memory = now.setup, now.memory
    most = setup.rate_numerator + setup.rate_denominator - 1
    due = max(columns_at(t + 1, now, address, beats) + setup.read_latency, memory.bus_last + 1)
    credit = min(most, memory.bus_credit + setup.rate_numerator * (due - memory.bus_last))
    last = beat_time(setup, due, credit, beats)
    place = (memory.first + memory.reads) % MAXIMUM_OUTSTANDING
    memory.owner[place] = owner
    memory.beats[place] = beats
    memory.due[place] = due
    memory.credit[place] = credit
    memory.last[place] = last
    memory.reads += 1
    memory.bus_last = last
    memory.bus_credit = credit + setup.rate_numerator * (last - due) - beats * setup.rate_denominator
    now.control.active_until = max(now.control.active_until, last)
    return int(place)


@compiled
def pass_over(t: int, memory: Any) -> None:
    """Take the bursts that have ended by the end of cycle t out of the ring, and count their beats."""
    while memory.reads > 0 and memory.last[memory.first] <= t:
        memory.arrived[memory.owner[memory.first]] += memory.beats[memory.first]
        memory.first = (memory.first + 1) % MAXIMUM_OUTSTANDING
        memory.reads -= 1


@compiled
def arrived_by(t: int, setup: Any, memory: Any, owner: int) -> int:
    """Return how many beats of an owner have come by the end of cycle t; t must not fall from call to call."""
    pass_over(t, memory)
    first = memory.first
    if memory.reads > 0 and memory.owner[first] == owner:
        return int(memory.arrived[owner] + _beats_by(t, setup, memory.due[first], memory.credit[first]))
    return int(memory.arrived[owner])


@compiled
def read_beats(t: int, setup: Any, memory: Any) -> int:
    """Return how many beats have come by the end of cycle t."""
    total = 0
    for owner in range(len(memory.arrived)):
        total += arrived_by(t, setup, memory, owner)
    return total
