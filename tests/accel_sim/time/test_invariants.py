"""What holds for every legal program, on random ones."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from machine.config import Machine, load_machine
from machine.isa import INSTRUCTION_BYTES, Engine, Instruction, Opcode, encode
from machine.registers import ENGINE_STATES, EngineState, Status
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from tests.accel_sim.both_clocks import simulate_both


def lines(instruction: Instruction, line_bytes: int) -> list[tuple[int, int]]:
    return [
        (first, first + line_bytes)
        for d3 in range(instruction["count3"])
        for d2 in range(instruction["count2"])
        for d1 in range(instruction["count1"])
        for first in [
            instruction["memory_address"]
            + d3 * instruction["memory_stride3"]
            + d2 * instruction["memory_stride2"]
            + d1 * instruction["memory_stride1"]
        ]
    ]


def beats(machine: Machine, first: int, end: int) -> int:
    """Beats of a range's bursts; a burst boundary is a beat boundary, so the cuts do not matter."""
    return math.ceil(end / machine.bus_bytes) - first // machine.bus_bytes if end > first else 0


def bursts(machine: Machine, first: int, end: int) -> list[tuple[int, int]]:
    cuts = [first, *range((first // 256 + 1) * 256, end, 256), end]
    return list(itertools.pairwise(cuts)) if end > first else []


def of(program: list[Instruction], opcode: Opcode) -> list[Instruction]:
    return [instruction for instruction in program if instruction.opcode == opcode]


def product(instruction: Instruction, *names: str) -> int:
    return math.prod(instruction[name] for name in names)


@pytest.mark.parametrize("name", ["nano4", "edge4x8", "edge8x4", "edge16", "edge32"])
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_random_programs(name: str, seed: int, length: int) -> None:
    machine = load_machine(name)
    program = random_program(machine, seed, length)
    result = simulate_both(machine, program, memory_limit=MEMORY_BYTES, max_cycles=1_000_000)
    assert result.status == Status.DONE
    assert (result.counters.sum(axis=1) == result.cycles).all()
    for engine in Engine:
        issue, retire = result.issue[engine], result.retire[engine]
        assert [program[index].engine for index in result.indices[engine]] == [engine] * len(issue)
        assert (issue > 0).all() and (retire > issue).all() and (retire < result.cycles).all()
        assert (np.diff(issue) > 0).all() and (np.diff(retire) > 0).all()
        assert not np.delete(result.counters[engine], [int(state) for state in ENGINE_STATES[engine]]).any()

    loads, stores = of(program, Opcode.LOAD), of(program, Opcode.STORE)
    tiles = sum(instruction["tiles"] for instruction in of(program, Opcode.WEIGHTS))
    loaded = sum(beats(machine, *line) for i in loads for line in lines(i, i["line_bytes"]))
    fetched = len(program) * INSTRUCTION_BYTES // machine.bus_bytes
    assert result.read_beats == loaded + tiles * machine.tile_beats + fetched
    stored = [(i, line) for i in stores for line in lines(i, i["words"] * i["window_bytes"])]
    assert result.write_beats == sum(beats(machine, *line) for _, line in stored)

    busy = result.counters[:, EngineState.BUSY]
    assert busy[Engine.LOAD] == sum(product(i, "words", "count1", "count2", "count3") for i in loads)
    assert busy[Engine.WEIGHTS] == tiles * machine.tile_beats
    assert busy[Engine.MATRIX] == sum(
        product(i, *(f"{kind}_count{n}" for kind in ("row", "tap") for n in range(3)), "blocks")
        for i in of(program, Opcode.MATRIX)
    )
    counts = ("blocks", "y_count", "x_count", "ky_count", "kx_count")
    assert busy[Engine.VECTOR] == sum(product(i, *counts) for i in of(program, Opcode.VECTOR))
    assert busy[Engine.STORE] == sum(
        (q - line[0] - 1) // i["window_bytes"] - (p - line[0]) // i["window_bytes"] + 1
        for i, line in stored
        for p, q in bursts(machine, *line)
    )


def test_same_program_same_times() -> None:
    machine = load_machine("nano4")
    program = random_program(machine, 7, 80)
    assert program == random_program(machine, 7, 80)
    one = simulate_both(machine, program)
    two = simulate_both(machine, b"".join(encode(instruction) for instruction in program))
    assert one.cycles == two.cycles
    assert (one.counters == two.counters).all()
    for engine in Engine:
        assert one.issue[engine].tolist() == two.issue[engine].tolist()
        assert one.retire[engine].tolist() == two.retire[engine].tolist()
