"""Occupancy of scratchpad and accumulators, against a model that looks at each address in each cycle."""

from __future__ import annotations

import dataclasses
from collections import defaultdict

import numpy as np
import pytest

from accel_sim.time import TimeResult
from compiler.backend.accesses import Space, accesses
from machine.config import Machine, load_machine
from machine.isa import Engine, Instruction, LoadSpace, Opcode, encode, make
from machine.program import Program
from runtime.fuzz.random_machines import random_machine
from runtime.profile.occupancy import Int64Array, Occupancy, Steps, occupancy
from runtime.timing import program_times
from tests.runtime.random_kernels import random_kernel

SPACES = (Space.SCRATCHPAD, Space.ACCUMULATOR)


def sampled(steps: Steps, last_cycle: int) -> Int64Array:
    """Return the occupied bytes in each of the cycles 0 to last."""
    places = np.searchsorted(steps.cycles, np.arange(last_cycle + 1), side="right") - 1
    return steps.occupied_bytes[places]


def literal(machine: Machine, program: Program, time: TimeResult, space: Space) -> Int64Array:
    """Return the occupied bytes in each cycle: an address counts if a value in it has been ordered and is still needed.
    """
    instructions = program.segments[0].instructions
    cycle_of = {
        int(index): (int(issue), int(retire)) for engine in Engine
        for index, issue, retire in zip(time.indices[engine], time.issue[engine], time.retire[engine], strict=True)
    }
    history: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for index, instruction in enumerate(instructions):
        reads, writes = set[int](), set[int]()
        for access in accesses(machine, instruction):
            if access.space is space:
                units = (writes if access.write else reads)
                for start, stop in zip(access.starts, access.stops, strict=True):
                    units |= set(range(start, stop))
        if instruction.opcode is Opcode.MATRIX and instruction["accumulate"] and space is Space.ACCUMULATOR:
            reads |= writes
        for unit in reads:
            history[unit].append((index, "read"))
        for unit in writes:
            history[unit].append((index, "part" if partial(machine, instruction) else "write"))
    found = np.zeros(time.cycles + 2, np.int64)
    for events in history.values():
        needed = np.zeros(time.cycles + 2, np.bool_)
        for place, (reader, kind) in enumerate(events):
            writers = source(events[:place]) if kind == "read" else []
            for writer in writers:
                needed[cycle_of[writer][0] : cycle_of[reader][1] + 1] = True
        found += needed
    return found * (machine.granule_bytes if space is Space.SCRATCHPAD else 4 * machine.columns)


def source(events: list[tuple[int, str]]) -> list[int]:
    """Return the instructions that wrote what is in an address after some events, the last of them first."""
    while events and events[-1][1] == "read":
        events = events[:-1]
    found = []
    while events and events[-1][1] != "read":
        index, kind = events[-1]
        found.append(index)
        if kind == "write":
            break
        events = events[:-1]
    return found


def partial(machine: Machine, instruction: Instruction) -> bool:
    if instruction.opcode is not Opcode.LOAD or instruction["space"] != LoadSpace.SCRATCHPAD:
        return False
    edges = instruction["lane_offset"], instruction["lane_offset"] + instruction["window_bytes"]
    return any(edge % machine.granule_bytes for edge in edges)


def compare(machine: Machine, seed: int, length: int) -> Occupancy:
    program, times = random_kernel(machine, seed, length)
    result = occupancy(program, times)
    for space, steps in zip(SPACES, (result.scratchpad, result.accumulators), strict=True):
        expected = literal(machine, program, times[0], space)
        np.testing.assert_array_equal(sampled(steps, times[0].cycles + 1), expected)
        assert steps.peak_bytes == expected.max() <= steps.capacity_bytes
        assert steps.cycles[0] == steps.occupied_bytes[-1] == 0
        assert (np.diff(steps.cycles) > 0).all()
        assert np.diff(steps.occupied_bytes).all()
        for first, last in np.random.default_rng(seed).integers(0, times[0].cycles + 2, (20, 2)).tolist():
            assert steps.high_water_bytes(first, last) == expected[first : last + 1].max(initial=0)
    return result


@pytest.mark.parametrize("name", ["nano4", "edge4x8", "edge8x4"])
def test_equal_to_the_literal_model(name: str) -> None:
    results = [compare(load_machine(name), seed, 1 + 4 * seed) for seed in range(12)]
    assert max(result.scratchpad.peak_bytes for result in results) > 0
    assert max(result.accumulators.peak_bytes for result in results) > 0


def test_equal_to_the_literal_model_on_random_machines() -> None:
    for seed in range(12):
        compare(random_machine(seed, 8), 100 + seed, 15)


def copying_kernel(machine: Machine, *loads: dict[str, int]) -> Program:
    """Four words to the scratchpad and back for each of some loads, each instruction behind the one before."""
    word, step = machine.block_bytes, machine.granules_per_word
    to, back = 1 << Engine.STORE, 1 << Engine.LOAD
    load = {"memory_address": 1024, "words": 4, "line_bytes": 4 * word, "window_bytes": word, "window_stride": word}
    store = {"words": 4, "source_span": 3 * step, "word_stride": step, "window_bytes": word}
    instructions = []
    for number, fields in enumerate(loads):
        send = back if number < len(loads) - 1 else 0
        instructions += [
            make(Opcode.LOAD, wait=to if number else 0, send=to, **(load | fields)),
            make(Opcode.STORE, wait=back, send=send, memory_address=2048, source=fields.get("destination", 0), **store),
        ]
    return Program.kernel(machine, [*instructions, make(Opcode.HALT)], np.zeros(4096, np.uint8), 4096)


def with_code(program: Program) -> Program:
    """Put the instructions of the segments where their addresses say."""
    image = program.image.copy()
    for segment in program.segments:
        code = np.frombuffer(b"".join(map(encode, segment.instructions)), np.uint8)
        image[segment.program_address : segment.program_address + len(code)] = code
    return dataclasses.replace(program, image=image)


def test_from_the_issue_of_the_load_to_the_retirement_of_the_store() -> None:
    program = with_code(copying_kernel(load_machine("nano4"), {}))
    (time,) = program_times(program)
    result = occupancy(program, [time])
    issued, retired = int(time.issue[Engine.LOAD][0]), int(time.retire[Engine.STORE][0])
    assert result.scratchpad.cycles.tolist() == [0, issued, retired + 1]
    assert result.scratchpad.occupied_bytes.tolist() == [0, 16, 0]
    assert result.accumulators.occupied_bytes.tolist() == [0]
    assert result.high_water(issued, issued) == (16, 0)
    assert result.high_water(1, issued - 1) == result.high_water(retired + 1, 10**9) == (0, 0)
    assert result.high_water(retired, issued) == (0, 0)


def test_what_nothing_reads_occupies_nothing() -> None:
    load = make(Opcode.LOAD, memory_address=1024, words=4, line_bytes=16, window_bytes=4, window_stride=4)
    image = np.zeros(4096, np.uint8)
    program = with_code(Program.kernel(load_machine("nano4"), [load, make(Opcode.HALT)], image, len(image)))
    result = occupancy(program, list(program_times(program)))
    assert result.high_water(0, 10**9) == (0, 0)


def test_a_part_of_what_has_been_read_is_a_new_value() -> None:
    program = with_code(copying_kernel(load_machine("nano4"), {}, {"destination": 64}, {"window_bytes": 2}))
    (time,) = program_times(program)
    steps = occupancy(program, [time]).scratchpad
    assert (time.issue[Engine.LOAD][1:] == time.retire[Engine.STORE][:2] + 1).all()
    assert steps.occupied_bytes.tolist() == [0, 16, 0]  # one load after the other, 16 bytes at a time


def test_segments_follow_each_other_and_pass_nothing_on() -> None:
    one = copying_kernel(load_machine("nano4"), {})
    second = dataclasses.replace(one.segments[0], program_address=512)
    program = with_code(dataclasses.replace(one, segments=(one.segments[0], second)))
    first_time, second_time = program_times(program)
    steps = occupancy(program, [first_time, second_time]).scratchpad
    begin = first_time.cycles
    assert steps.occupied_bytes.tolist() == [0, 16, 0, 16, 0]
    assert steps.cycles.tolist()[3:] == [
        begin + second_time.issue[Engine.LOAD][0], begin + second_time.retire[Engine.STORE][0] + 1
    ]
