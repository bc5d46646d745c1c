"""Bytes on the bus by layer and kind: equal to what the hardware counts, and burst by burst to the law."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from machine.config import BURST_BYTES, Machine, load_machine
from machine.isa import Instruction, Opcode, encode, make
from machine.program import Program, Segment
from machine.registers import Status
from runtime.fuzz.random_machines import random_machine
from runtime.profile.traffic import KINDS, READ_KINDS, RESULTS, Traffic, moved_beats, traffic
from runtime.timing import program_times
from tests.runtime.random_kernels import NODES, random_kernel


def literal_beats(machine: Machine, instruction: Instruction) -> int:
    """Return the beats of an instruction's bursts, one after the other, as docs/units/memory.md cuts them."""
    match instruction.opcode:
        case Opcode.WEIGHTS:
            first = instruction["memory_address"] // machine.bus_bytes * machine.bus_bytes
            return line_beats(machine, first, instruction["tiles"] * machine.tile_bytes)
        case Opcode.LOAD | Opcode.STORE:
            name = "line_bytes" if instruction.opcode is Opcode.LOAD else "words"
            length = instruction[name] * (1 if name == "line_bytes" else instruction["window_bytes"])
            steps = itertools.product(*(range(instruction[f"count{i}"]) for i in (1, 2, 3)))
            return sum(
                line_beats(machine, instruction["memory_address"] + sum(
                    step * instruction[f"memory_stride{i}"] for i, step in enumerate(line, start=1)
                ), length)
                for line in steps
            )
    return 0


def line_beats(machine: Machine, first: int, length: int) -> int:
    beats, end = 0, first + length
    while first < end:
        stop = min(end, (first // BURST_BYTES + 1) * BURST_BYTES)
        beats += len(range(first // machine.bus_bytes, -(-stop // machine.bus_bytes)))
        first = stop
    return beats


def total(nodes: dict[int, Traffic], tail: Traffic) -> Traffic:
    return {kind: tail[kind] + sum(node[kind] for node in nodes.values()) for kind in KINDS}


def check(program: Program) -> tuple[dict[int, Traffic], Traffic]:
    """Compare with the counters of beats, and return the traffic."""
    times = list(program_times(program))
    nodes, tail = traffic(program, times)
    whole, beat = total(nodes, tail), program.machine.bus_bytes
    assert sum(whole[kind] for kind in READ_KINDS) == beat * sum(time.read_beats for time in times)
    assert whole[RESULTS] == beat * sum(time.write_beats for time in times)
    assert all(value >= 0 for entry in (tail, *nodes.values()) for value in entry.values())
    return nodes, tail


@pytest.mark.parametrize("part", range(4))
def test_nothing_but_halt_is_left_for_the_tail(part: int) -> None:
    for seed in range(30 * part, 30 * part + 30):
        program, _ = random_kernel(random_machine(seed, 32), seed, 1 + seed % 40)
        nodes, tail = check(program)
        assert tail == dict.fromkeys(KINDS, 0) | {"instructions": 64}
        assert set(nodes) == set(range(min(NODES, len(program.instructions) - 1)))


def test_beats_are_those_of_the_bursts() -> None:
    for seed in range(40):
        machine = random_machine(seed, 32)
        program, _ = random_kernel(machine, seed, 30)
        for instruction in program.instructions:
            assert moved_beats(machine, instruction) == literal_beats(machine, instruction)


def test_many_lines_of_every_alignment() -> None:
    machine = load_machine("edge16")
    for strides in itertools.product((0, 1, 6, 16, 40), repeat=3):
        for counts in ((1, 1, 1), (37, 3, 2), (16, 1, 5)):
            fields = {f"count{i}": count for i, count in enumerate(counts, start=1)}
            fields |= {f"memory_stride{i}": stride for i, stride in enumerate(strides, start=1)}
            load = make(Opcode.LOAD, memory_address=(1 << 32) - 5, line_bytes=19, window_bytes=16, **fields)
            assert moved_beats(machine, load) == literal_beats(machine, load)


def kernel(machine: Machine, *instructions: Instruction) -> Program:
    image = np.zeros(4096, np.uint8)
    code = np.frombuffer(b"".join(map(encode, instructions)), np.uint8)
    image[: len(code)] = code
    return Program(machine, (Segment(tuple(instructions), 0, (0,) * len(instructions)),), image, 4096)


def test_what_fetch_reads_behind_halt_is_in_the_tail() -> None:
    """nano4 has a bus of 4 bytes: of what stands behind halt only the beats that came by the last cycle count."""
    nodes, tail = check(kernel(load_machine("nano4"), *[make(Opcode.HALT)] * 16))
    assert nodes == {}
    assert 64 <= tail["instructions"] < 16 * 64


def test_kinds_of_a_kernel() -> None:
    machine = load_machine("nano4")
    load = {"memory_address": 1026, "line_bytes": 4, "window_bytes": 4, "window_stride": 4}
    nodes, tail = check(kernel(
        machine, make(Opcode.LOAD, **load), make(Opcode.LOAD, space=1, **load), make(Opcode.LOAD, space=2, **load),
        make(Opcode.WEIGHTS, memory_address=1026),
        make(Opcode.MATRIX), make(Opcode.STORE, memory_address=2047, window_bytes=2), make(Opcode.HALT),
    ))
    # Four bytes from 1026 on touch two beats of 4 bytes, as two bytes from 2047 on do; the tile begins at 1024.
    assert nodes == {0: {"activations": 8, "weights": 16, "parameters": 16, "instructions": 6 * 64, "results": 8}}
    assert tail == dict.fromkeys(KINDS, 0) | {"instructions": 64}


def test_what_an_error_kept_from_retiring_is_in_the_tail() -> None:
    """The load has two lines, the second of which lies outside of memory."""
    machine = load_machine("nano4")
    load = make(
        Opcode.LOAD, memory_address=2048, line_bytes=256, window_bytes=4, window_stride=4, words=64, count1=2,
        memory_stride1=1 << 16,
    )
    program = kernel(machine, load, make(Opcode.HALT))
    assert next(program_times(program)).status is Status.ADDRESS_ERROR
    nodes, tail = check(program)
    assert nodes == {0: dict.fromkeys(KINDS, 0) | {"instructions": 64}}
    assert tail["instructions"] > 0


def test_constants_that_a_network_loads_are_weights() -> None:
    machine = load_machine("nano4")
    load = {"line_bytes": 8, "window_bytes": 4, "window_stride": 4, "words": 2}
    loads = make(Opcode.LOAD, memory_address=1024, **load), make(Opcode.LOAD, memory_address=4096, **load)
    network = dataclasses.replace(kernel(machine, *loads, make(Opcode.HALT)), graph=({}, {}), memory_bytes=8192)
    nodes, _ = check(network)
    assert nodes[0]["weights"] == nodes[0]["activations"] == 8


def test_segments_add_up() -> None:
    machine = load_machine("nano4")
    one = kernel(machine, make(Opcode.STORE, memory_address=2048, window_bytes=4), make(Opcode.HALT))
    second = dataclasses.replace(one.segments[0], instruction_nodes=(1, -1))
    nodes, tail = check(dataclasses.replace(one, segments=(one.segments[0], second)))
    assert nodes[0] == nodes[1] == dict.fromkeys(KINDS, 0) | {"instructions": 64, "results": 4}
    assert tail["instructions"] == 128
