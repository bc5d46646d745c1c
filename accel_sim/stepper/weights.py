"""Weights engine: bursts from memory into the weight FIFO (docs/units/weights.md)."""

from __future__ import annotations

from typing import Any

from accel_sim.stepper.control import queue_empty
from accel_sim.stepper.memory import beats_between, outside, piece_end
from accel_sim.timing.jit import compiled
from accel_sim.timing.setup import BUSY, IDLE, START, WAIT_MEMORY, WAIT_ROOM, WAIT_TOKEN, WEIGHTS


@compiled
def next_burst(setup: Any, weights: Any, instruction: Any) -> tuple[int, int, int]:
    """Return first byte and end of the active instruction's next burst, and the end of all its bytes."""
    start = instruction.memory_address // setup.bus_bytes * setup.bus_bytes
    last = start + instruction.tiles * setup.tile_beats * setup.bus_bytes
    first = start + weights.offset
    return first, piece_end(first, last), last


@compiled
def has_room(setup: Any, weights: Any, instruction: Any) -> bool:
    """Return whether the active instruction's next burst fits the free beats of the FIFO."""
    first, end, _ = next_burst(setup, weights, instruction)
    return bool(beats_between(setup, first, end) <= weights.free_beats)


@compiled
def present(setup: Any, weights: Any, instruction: Any, events: Any) -> None:
    """Present the next burst if the FIFO has room for it."""
    if not weights.active or not has_room(setup, weights, instruction):
        return
    first, end, last = next_burst(setup, weights, instruction)
    events.presented[WEIGHTS] = beats_between(setup, first, end)
    events.presented_address[WEIGHTS] = first
    events.last_burst[WEIGHTS] = end == last
    if outside(setup, end):
        events.address_error = 1


@compiled
def finishes(events: Any) -> bool:
    """Return whether the active instruction has its last burst granted in this cycle."""
    return bool(events.read_granted == WEIGHTS and events.last_burst[WEIGHTS])


@compiled
def accepts(weights: Any, events: Any) -> bool:
    """Return whether an instruction could be issued in this cycle."""
    return bool(not weights.active or events.finished[WEIGHTS])


@compiled
def retires(setup: Any, weights: Any, oldest: Any, events: Any) -> bool:
    """Return whether the last beat of the oldest unretired instruction arrives in this cycle."""
    if events.beat != WEIGHTS:
        return False
    return bool(weights.arrived + 1 == weights.retired_beats + oldest.tiles * setup.tile_beats)


@compiled
def state(setup: Any, weights: Any, instruction: Any, control: Any, events: Any) -> int:
    """Return the engine's state in this cycle."""
    if events.beat == WEIGHTS:
        return BUSY
    if events.read_granted == WEIGHTS or events.issued[WEIGHTS]:
        return START
    if weights.active and not has_room(setup, weights, instruction):
        return WAIT_ROOM
    if weights.active or weights.arrived < weights.requested:
        return WAIT_MEMORY
    return IDLE if queue_empty(control, WEIGHTS) else WAIT_TOKEN


@compiled
def update(setup: Any, weights: Any, instruction: Any, control: Any, events: Any) -> None:
    """Move the registers to the next cycle (the matrix engine frees the beats of the tiles that it takes)."""
    if events.read_granted == WEIGHTS:
        first, end, _ = next_burst(setup, weights, instruction)
        weights.offset += end - first
        weights.free_beats -= events.presented[WEIGHTS]
        weights.requested += events.presented[WEIGHTS]
    if events.beat == WEIGHTS:
        weights.arrived += 1
    if events.retired[WEIGHTS]:
        weights.retired_beats = weights.arrived
    if events.finished[WEIGHTS]:
        weights.active = 0
    if events.issued[WEIGHTS]:
        weights.active = 1
        weights.instruction = control.issued[WEIGHTS]
        weights.offset = 0
