"""What one engine did over a whole program, in absolute cycles: runs of states, instructions, tokens.

The segments of a program follow each other; the host's time between them is left out. Cycle 1 is the first cycle of the
first segment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_sim.time import ACCOUNTED, Cause, TimeResult
from machine.isa import Engine, Instruction
from machine.program import Program
from machine.registers import EngineState

Int64Array = npt.NDArray[np.int64]

NONE = -1
"""In place of an instruction, a node or a cycle: there is none."""


@dataclass(frozen=True, eq=False)
class EngineTrack:
    """One engine's cycles and instructions.

    Attributes:
        engine: the engine.
        start: int64[r], first cycle of each run of cycles; runs follow each other without a gap.
        cycles: int64[r], their lengths.
        cause: int64[r], what the engine did: `Cause` for matrix and vector, else `EngineState`.
        place: int64[r], to which of the instructions below the cycles belong, or `NONE`.
        segment: int64[n], the segment of each of the engine's instructions.
        index: int64[n], its index in its segment.
        node: int64[n], the program's node that it belongs to, or `NONE`.
        issue: int64[n], the cycle in which it issues, or `NONE`.
        retire: int64[n], the cycle in which it retires, or `NONE`.
    """

    engine: Engine
    start: Int64Array
    cycles: Int64Array
    cause: Int64Array
    place: Int64Array
    segment: Int64Array
    index: Int64Array
    node: Int64Array
    issue: Int64Array
    retire: Int64Array


@dataclass(frozen=True, eq=False)
class TokenPairs:
    """Tokens of one engine to another: the k-th signal that was sent and the k-th that was waited for are one token.

    Attributes:
        producer: the engine that sends.
        consumer: the engine that waits.
        sender: int64[n], which of the producer's instructions sends each token (by its retirement).
        receiver: int64[n], which of the consumer's instructions takes it (at its issue).
    """

    producer: Engine
    consumer: Engine
    sender: Int64Array
    receiver: Int64Array


def cause_name(engine: Engine, cause: int) -> str:
    """Return the profile's name of what an engine does in a cycle (docs/profile.md); `busy` is not divided further."""
    if engine not in ACCOUNTED:
        return EngineState(cause).name.lower()
    return Cause(cause).label


def cause_state(engine: Engine, cause: int) -> EngineState:
    """Return the state under which the hardware counts a cycle."""
    return Cause(cause).state if engine in ACCOUNTED else EngineState(cause)


def engine_tracks(program: Program, times: Sequence[TimeResult]) -> dict[Engine, EngineTrack]:
    """Return what every engine did; `times` are those of the program's segments, with their history."""
    return {engine: _track(program, times, engine) for engine in Engine}


def _track(program: Program, times: Sequence[TimeResult], engine: Engine) -> EngineTrack:
    runs: list[Int64Array] = []
    instructions: list[Int64Array] = []
    base = places = 0
    for number, (segment, time) in enumerate(zip(program.segments, times, strict=True)):
        history, indices = time.history[engine], time.indices[engine]
        place = np.where(history.place < len(indices), history.place + places, NONE)
        runs.append(np.stack([history.start + base, history.cycles, history.cause, place]))
        nodes = np.asarray(segment.instruction_nodes or (NONE,) * len(segment.instructions), np.int64)
        issue, retire = (np.where(c < 0, NONE, c + base) for c in (time.issue[engine], time.retire[engine]))
        instructions.append(np.stack([np.full(len(indices), number), indices, nodes[indices], issue, retire]))
        base += time.cycles
        places += len(indices)
    empty = np.zeros((5, 0), np.int64)
    return EngineTrack(
        engine, *np.concatenate([empty[:4], *runs], axis=1), *np.concatenate([empty, *instructions], axis=1)
    )


def token_pairs(program: Program, tracks: Mapping[Engine, EngineTrack]) -> Iterator[TokenPairs]:
    """Yield the tokens between each pair of engines that has any.

    Tokens that nothing takes are left out; counters begin anew with each segment.
    """
    sends, waits = (
        {engine: _masks(program, track, field) for engine, track in tracks.items()} for field in ("send", "wait")
    )
    for producer in Engine:
        for consumer in Engine:
            pairs = [
                _pairs(tracks[producer], tracks[consumer], sends[producer], waits[consumer], segment)
                for segment in range(len(program.segments))
            ]
            sender, receiver = np.concatenate([np.zeros((2, 0), np.int64), *pairs], axis=1)
            if len(sender):
                yield TokenPairs(producer, consumer, sender, receiver)


def _masks(program: Program, track: EngineTrack, field: str) -> Int64Array:
    return np.array([instruction_of(program, track, place)[field] for place in range(len(track.index))], np.int64)


def instruction_of(program: Program, track: EngineTrack, place: int) -> Instruction:
    """Return an engine's instruction by its place among them."""
    return program.segments[int(track.segment[place])].instructions[int(track.index[place])]


def _pairs(
    producer: EngineTrack, consumer: EngineTrack, sends: Int64Array, waits: Int64Array, segment: int
) -> Int64Array:
    """Return int64[2, n] senders and receivers in one segment: sent as instructions retire, taken as they issue."""
    bit = 1 << consumer.engine
    senders = np.flatnonzero((producer.segment == segment) & (sends & bit != 0) & (producer.retire != NONE))
    senders = senders[np.argsort(producer.retire[senders], kind="stable")]
    bit = 1 << producer.engine
    receivers = np.flatnonzero((consumer.segment == segment) & (waits & bit != 0) & (consumer.issue != NONE))
    count = min(len(senders), len(receivers))
    return np.stack([senders[:count], receivers[:count]])
