"""Weights engine: bursts from memory into the weight FIFO (docs/units/weights.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.events.control import issue, may_issue, queue_empty, schedule_retirement, wake_at
from accel_sim.events.counts import add, count, until
from accel_sim.events.memory import arrived_by, beat_time, beats_between, grant, outside, piece_end
from accel_sim.events.runs import note_burst, note_run
from accel_sim.events.state import ASK_WEIGHTS, ISSUE, NEVER, TILES
from accel_sim.events.tables import weights_of
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BUSY, IDLE, START, WAIT_MEMORY, WAIT_ROOM, WAIT_TOKEN, WEIGHTS


@compiled
def settle(upto: int, now: Any) -> None:
    """Charge the cycles up to `upto`, in which nothing was granted or issued; beats have arrived in some of them."""
    control, weights = now.control, now.weights
    cycles = upto - control.charged[WEIGHTS]
    if cycles <= 0:
        return
    arrived = arrived_by(upto, now.setup, now.memory, WEIGHTS)
    beats = arrived - weights.charged_beats
    weights.charged_beats = arrived
    if weights.active:
        waiting = cycles
        state = WAIT_ROOM if weights.no_room else WAIT_MEMORY
    else:
        waiting = until(weights.last_beat + 1, control, WEIGHTS, upto)
        state = WAIT_MEMORY
    note_run(now.history, WEIGHTS, state, 0, waiting)  # the cycles with a beat are put in afterwards
    add(now, WEIGHTS, BUSY, beats)
    add(now, WEIGHTS, state, waiting - beats)
    count(now, WEIGHTS, IDLE if queue_empty(control, WEIGHTS) else WAIT_TOKEN, cycles - waiting)


@compiled
def _start(t: int, now: Any) -> None:
    """Charge cycle t, in which there is a grant or an issue."""
    control, weights = now.control, now.weights
    settle(t - 1, now)
    if control.charged[WEIGHTS] < t:
        arrived = arrived_by(t, now.setup, now.memory, WEIGHTS)
        count(now, WEIGHTS, START if arrived == weights.charged_beats else BUSY, 1)
        weights.charged_beats = arrived


@compiled
def _ask_at(t: int, setup: Any, control: Any, weights: Any) -> None:
    """Arrange when the active instruction's next burst is presented: in cycle t or later."""
    weights.beats = beats_between(setup, weights.address, piece_end(weights.address, weights.end))
    _free_tile(t, setup, weights)
    weights.no_room = weights.beats > weights.free_beats
    control.wake[ASK_WEIGHTS] = weights.release if weights.no_room else t


@compiled
def _free_tile(t: int, setup: Any, weights: Any) -> None:
    """Free the tile that has been shifted if that is visible in cycle t."""
    if weights.release <= t:
        weights.free_beats += setup.tile_beats
        weights.release = NEVER


@compiled
def take_tile(first: int, setup: Any, control: Any, weights: Any, tile: int) -> int:
    """Begin the shift of a tile that has been granted whole, in cycle `first` or when it is present; return the cycle.

    The shift of the tile before has ended by cycle `first`.
    """
    begin = max(first, weights.present[tile % TILES])
    _free_tile(first, setup, weights)
    weights.release = begin + setup.rows
    if weights.no_room:
        wake_at(control, ASK_WEIGHTS, weights.release)
    return int(begin)


@compiled
def asks(t: int, now: Any) -> bool:
    """Return whether a burst is presented in cycle t, for which weights was woken; see to it if it is not."""
    control, weights = now.control, now.weights
    control.wake[ASK_WEIGHTS] = NEVER
    _free_tile(t, now.setup, weights)
    if weights.beats > weights.free_beats:
        return False
    if weights.no_room:
        settle(t - 1, now)
        weights.no_room = 0
    return True


@compiled
def asks_outside(now: Any) -> bool:
    """Return whether the presented burst is an address error."""
    return outside(now.setup, piece_end(now.weights.address, now.weights.end))


@compiled
def request(t: int, now: Any) -> None:
    """Grant the presented burst in cycle t."""
    setup, control, weights = now.setup, now.control, now.weights
    _start(t, now)
    place = grant(t, now, WEIGHTS, weights.address, weights.beats)
    note_burst(now.history, now.memory.due[place], now.memory.credit[place], weights.beats)
    before = weights.requested
    weights.requested += weights.beats
    weights.free_beats -= weights.beats
    weights.last_beat = now.memory.last[place]
    while (weights.tiles + 1) * setup.tile_beats <= weights.requested:
        last = (weights.tiles + 1) * setup.tile_beats - before
        arrival = beat_time(setup, now.memory.due[place], now.memory.credit[place], last)
        weights.present[weights.tiles % TILES] = arrival + 1
        weights.tiles += 1
    weights.address = piece_end(weights.address, weights.end)
    if weights.address == weights.end:
        weights.active = 0
        schedule_retirement(control, WEIGHTS, weights.last_beat)
        control.wake[ISSUE + WEIGHTS] = t
    else:
        _ask_at(t + 1, setup, control, weights)


@compiled
def try_issue(t: int, now: Any) -> None:
    """Issue the head of the queue in cycle t if that can be."""
    setup, control, weights = now.setup, now.control, now.weights
    control.wake[ISSUE + WEIGHTS] = NEVER
    if weights.active or not may_issue(now, WEIGHTS):
        return
    _start(t, now)
    weights.active = 1
    weights.instruction = control.issued[WEIGHTS]
    instruction = weights_of(now.tables, weights.instruction)
    weights.address = instruction.memory_address // setup.bus_bytes * setup.bus_bytes
    weights.end = weights.address + instruction.tiles * setup.tile_beats * setup.bus_bytes
    issue(t, now, WEIGHTS)
    _ask_at(t + 1, setup, control, weights)
