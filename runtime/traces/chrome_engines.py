"""The tracks of an engine: what it did in each cycle, its instructions, and the tokens between engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from machine.assembly import format_instruction
from machine.isa import Engine
from machine.program import Program
from machine.text import printable
from runtime.traces.chrome_events import Event, flow, instruction_track, slice_of, state_track, track
from runtime.traces.reduce import InstructionGroups, StateSlices
from runtime.traces.tracks import NONE, EngineTrack, cause_name, instruction_of, token_pairs


def engine_events(
    program: Program, own: EngineTrack, states: StateSlices, groups: InstructionGroups
) -> Iterator[Event]:
    """Yield an engine's tracks."""
    name = own.engine.name.lower()
    yield from track(state_track(own.engine), f"{name}: states")
    yield from _state_events(program, own, states)
    for lane in range(int(groups.lane.max(initial=-1)) + 1):
        yield from track(instruction_track(own.engine, lane), f"{name}: instructions")
    yield from _instruction_events(program, own, groups)


def _state_events(program: Program, own: EngineTrack, states: StateSlices) -> Iterator[Event]:
    number = state_track(own.engine)
    names = {int(cause): cause_name(own.engine, int(cause)) for cause in np.unique(states.cause)}
    columns = (states.start, states.cycles, states.cause, states.place)
    for start, cycles, cause, place in zip(*(column.tolist() for column in columns), strict=True):
        arguments = {} if place == NONE else _whose(program, own, place)
        yield slice_of(number, names[cause], start, cycles, "state", arguments)


def _whose(program: Program, own: EngineTrack, place: int) -> dict[str, Any]:
    """Return which instruction something belongs to."""
    node = int(own.node[place])
    found: dict[str, Any] = {} if node == NONE else {"layer": printable(program.nodes[node].name)}
    if len(program.segments) > 1:
        found["segment"] = int(own.segment[place])
    return {**found, "instruction": int(own.index[place])}


def _instruction_events(program: Program, own: EngineTrack, groups: InstructionGroups) -> Iterator[Event]:
    charged, causes = _charged(own)
    columns = (groups.first, groups.count, groups.issue, groups.end, groups.lane)
    for first, count, issue, end, lane in zip(*(column.tolist() for column in columns), strict=True):
        node = int(own.node[first])
        name = own.engine.name.lower() if node == NONE else f"{program.nodes[node].name} {own.engine.name.lower()}"
        arguments = _whose(program, own, first)
        if count > 1:
            name = f"{name} x{count}"
            arguments["instructions"] = count
        else:
            arguments["assembly"] = format_instruction(instruction_of(program, own, first))
        sums = charged[first : first + count].sum(axis=0)
        arguments["cycles"] = {cause: int(cycles) for cause, cycles in zip(causes, sums, strict=True) if cycles}
        if own.retire[first : first + count].min() == NONE:
            arguments["retired"] = False
        yield slice_of(instruction_track(own.engine, lane), name, issue, end - issue, "instruction", arguments)


def _charged(own: EngineTrack) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Return the engine's cycles by instruction and cause, and the causes' names."""
    causes = np.unique(own.cause)
    found = np.zeros((len(own.index) + 1, len(causes)), np.int64)
    np.add.at(found, (own.place, np.searchsorted(causes, own.cause)), own.cycles)
    return found[:-1], [cause_name(own.engine, int(cause)) for cause in causes]


def flow_events(
    program: Program, tracks: Mapping[Engine, EngineTrack], groups: Mapping[Engine, InstructionGroups]
) -> Iterator[Event]:
    """Yield an arrow for each token, from the instruction that sends it as it retires to the one that takes it.

    Every instruction must have a slice of its own.
    """
    lanes = {}
    for engine, group in groups.items():
        lanes[engine] = np.zeros(len(tracks[engine].index), np.int64)
        lanes[engine][group.first] = group.lane
    number = 0
    for pairs in token_pairs(program, tracks):
        producer, consumer = tracks[pairs.producer], tracks[pairs.consumer]
        name = f"{pairs.producer.name.lower()} to {pairs.consumer.name.lower()}"
        for sender, receiver in zip(pairs.sender.tolist(), pairs.receiver.tolist(), strict=True):
            number += 1
            yield from flow(
                number, name,
                (instruction_track(pairs.producer, int(lanes[pairs.producer][sender])), int(producer.retire[sender])),
                (instruction_track(pairs.consumer, int(lanes[pairs.consumer][receiver])),
                 int(consumer.issue[receiver])),
            )
