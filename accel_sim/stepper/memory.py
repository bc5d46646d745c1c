"""Memory port: cutting lines into bursts, the read arbiter and the memory law (docs/units/memory.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.stepper import dram
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BURST, FETCH, LOAD, MAXIMUM_OUTSTANDING, NONE, WEIGHTS


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
def arrive(t: int, setup: Any, memory: Any, events: Any) -> None:
    """Decide which R beat and which B response are on the bus in cycle t."""
    events.beat = NONE
    due = memory.reads > 0 and t >= memory.read_due[memory.read_first]
    if due and _credit(setup, memory) >= setup.rate_denominator:
        events.beat = memory.read_owner[memory.read_first]
    events.response = 0
    if memory.writes > 0 and memory.write_response[memory.write_first] == t:
        events.response = 1


@compiled
def _credit(setup: Any, memory: Any) -> int:
    most = setup.rate_numerator + setup.rate_denominator - 1
    return int(min(memory.credit + setup.rate_numerator, most))


@compiled
def arbitrate(setup: Any, memory: Any, events: Any) -> None:
    """Grant at most one read burst: fetch, then weights, then load."""
    events.read_granted = NONE
    if memory.reads >= setup.outstanding:
        return
    for owner in (FETCH, WEIGHTS, LOAD):
        if events.presented[owner] > 0:
            events.read_granted = owner
            return


@compiled
def update(t: int, setup: Any, memory: Any, banks: Any, events: Any) -> None:
    """Deliver the beat, remove the answered write and queue the granted read."""
    memory.credit = _credit(setup, memory)
    if events.read_granted != NONE:
        place = (memory.read_first + memory.reads) % MAXIMUM_OUTSTANDING
        beats, address = events.presented[events.read_granted], events.presented_address[events.read_granted]
        memory.read_owner[place] = events.read_granted
        memory.read_left[place] = beats
        memory.read_due[place] = dram.access(t + 1, setup, banks, address, beats) + setup.read_latency
        memory.reads += 1
    if events.beat != NONE:
        memory.credit -= setup.rate_denominator
        memory.read_beats += 1
        memory.read_left[memory.read_first] -= 1
        if memory.read_left[memory.read_first] == 0:
            memory.read_first = (memory.read_first + 1) % MAXIMUM_OUTSTANDING
            memory.reads -= 1
    if events.response:
        memory.write_first = (memory.write_first + 1) % MAXIMUM_OUTSTANDING
        memory.writes -= 1


@compiled
def queue_write(t: int, setup: Any, memory: Any, banks: Any, address: int, beats: int, retires: int) -> None:
    """Queue the write burst granted in cycle t, to be answered in its turn; the read granted in t has been queued."""
    place = (memory.write_first + memory.writes) % MAXIMUM_OUTSTANDING
    response = dram.access(t + 1, setup, banks, address, beats) + beats - 1 + setup.write_latency
    memory.last_response = max(response, memory.last_response + 1)
    memory.write_response[place] = memory.last_response
    memory.write_retires[place] = retires
    memory.writes += 1
