"""The comparison of co-simulation, on made-up results: each kind of difference is counted and described."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from accel_sim.function import execute
from accel_sim.time import TimeResult, simulate_time
from machine.assembly import assemble
from machine.config import load_machine
from machine.isa import Engine
from machine.program import NodeRecord, Program, TensorDescriptor
from machine.registers import EngineState, Status
from rtl.run import RtlResult
from runtime.cosim import DIFFERENCES_SHOWN, CosimResult, compare, last_writers

KERNEL = """
.memory 4096
.random 0x400 64 1
load memory_address=0x400 line_bytes=64 words=16 window_bytes=4 window_stride=4 send=store
store memory_address=0x800 words=8 word_stride=1 source_span=7 window_bytes=4 wait=load
store memory_address=0x810 words=2 word_stride=1 source_span=1 window_bytes=4 count1=2 memory_stride1=32
halt
"""
LOAD = ("load send=store memory_address=1024 line_bytes=64 words=16 window_bytes=4 window_stride=4")


@pytest.fixture(scope="module")
def program() -> Program:
    kernel = assemble(KERNEL, load_machine("nano4"))
    (segment,) = kernel.segments
    named = replace(
        segment, instruction_nodes=(0, 0, 1, -1), outputs=(TensorDescriptor("y", (1, 32), 1.0, 0, 0x800),)
    )
    nodes = (NodeRecord("first", "x", "accelerator"), NodeRecord("second", "x", "accelerator"))
    return replace(kernel, segments=(named,), nodes=nodes)


@pytest.fixture
def timing(program: Program) -> TimeResult:
    return simulate_time(program.machine, program.code(program.segments[0]), memory_limit=program.memory_bytes)


@pytest.fixture
def after(program: Program) -> npt.NDArray[np.uint8]:
    memory = np.zeros((1, program.memory_bytes), np.uint8)
    memory[0, : program.image.size] = program.image
    execute(program.machine, program.instructions, memory)
    result: npt.NDArray[np.uint8] = memory[0]
    return result


@pytest.fixture
def hardware(timing: TimeResult, after: npt.NDArray[np.uint8]) -> RtlResult:
    """The same results in arrays of their own; as from the RTL, what never happened is not listed."""
    issue, retire = ({engine: cycles[cycles >= 0].copy() for engine, cycles in events.items()}
                     for events in (timing.issue, timing.retire))
    return RtlResult(timing.status, timing.cycles, issue, retire, timing.counters.copy(), timing.read_beats,
                     timing.write_beats, after.copy(), 0.5, 0.5)


def counts(result: CosimResult) -> tuple[int, int, int]:
    return result.mismatched_instructions, result.mismatched_bytes, result.mismatched_counters


def test_equal(program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]) -> None:
    result = compare(program, program.segments[0], timing, hardware, after, 0.25)
    assert result.equal and result.differences == [] and counts(result) == (0, 0, 0)
    assert (result.bytes_compared, result.instructions) == (4096, 4)
    assert (result.seconds_sim, result.seconds_rtl) == (0.25, 0.5)


def test_the_end(program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]) -> None:
    result = compare(program, program.segments[0], timing, replace(hardware, cycles=7), after)
    assert not result.equal and counts(result) == (0, 0, 0)
    assert result.differences == [f"end: simulator done in cycle {timing.cycles}, RTL done in cycle 7"]
    result = compare(program, program.segments[0], timing, replace(hardware, status=Status.DEADLOCK), after)
    assert result.differences == [
        f"end: simulator done in cycle {timing.cycles}, RTL deadlock in cycle {timing.cycles}"]


def test_a_cycle(program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]) -> None:
    hardware.issue[Engine.LOAD][0] += 3
    hardware.retire[Engine.STORE][1] -= 1
    result = compare(program, program.segments[0], timing, hardware, after)
    issued, retired = timing.issue[Engine.LOAD][0], timing.retire[Engine.STORE][1]
    assert counts(result) == (2, 0, 0)
    assert result.differences[0] == (
        f"instruction 0 of layer 'first' ({LOAD}): issue: simulator in cycle {issued}, RTL in cycle {issued + 3}")
    assert result.differences[1].startswith("instruction 2 of layer 'second' (store memory_address=2064 ")
    assert result.differences[1].endswith(f"retire: simulator in cycle {retired}, RTL in cycle {retired - 1}")


def test_an_event_that_is_missing(
    program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]
) -> None:
    hardware.retire[Engine.STORE] = hardware.retire[Engine.STORE][:1]
    result = compare(program, program.segments[0], timing, hardware, after)
    assert counts(result) == (1, 0, 0)
    assert result.differences[0] == "store engine: retire events: simulator 2, RTL 1, of 2 instructions"
    assert result.differences[1].startswith("instruction 2 of layer 'second'")
    assert result.differences[1].endswith(f"in cycle {timing.retire[Engine.STORE][1]}, RTL never")


def test_an_event_too_many(
    program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]
) -> None:
    hardware.issue[Engine.LOAD] = np.append(hardware.issue[Engine.LOAD], 99)
    hardware.retire[Engine.VECTOR] = np.array([50])
    result = compare(program, program.segments[0], timing, hardware, after)
    assert not result.equal and counts(result) == (2, 0, 0)
    assert result.differences == [
        "load engine: issue events: simulator 1, RTL 2, of 1 instructions",
        "vector engine: retire events: simulator 0, RTL 1, of 0 instructions",
        "vector engine, beyond its last instruction: retire: simulator never, RTL in cycle 50",
        "load engine, beyond its last instruction: issue: simulator never, RTL in cycle 99",
    ]


def test_what_neither_side_did_is_equal(
    program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]
) -> None:
    timing.retire[Engine.STORE][1] = -1
    hardware.retire[Engine.STORE] = hardware.retire[Engine.STORE][:1]
    assert compare(program, program.segments[0], timing, hardware, after).equal


def test_counters_and_beats(
    program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]
) -> None:
    hardware.counters[Engine.WEIGHTS, EngineState.BUSY] += 2
    hardware = replace(hardware, write_beats=hardware.write_beats + 1)
    result = compare(program, program.segments[0], timing, hardware, after)
    assert counts(result) == (0, 0, 2)
    assert result.differences == [
        "counter weights.busy: simulator 0, RTL 2",
        f"counter write_beats: simulator {timing.write_beats}, RTL {timing.write_beats + 1}",
    ]


def test_bytes_name_their_last_writer(
    program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]
) -> None:
    for address in (0x20, 0x80F, 0x811, 0x837):
        hardware.memory[address] ^= 0x40
    result = compare(program, program.segments[0], timing, hardware, after)
    assert counts(result) == (0, 4, 0)
    first, second, third, fourth = result.differences
    assert first == f"byte 0x20: simulator {after[0x20]:#04x}, RTL {after[0x20] ^ 0x40:#04x}; never written"
    assert second.startswith(f"byte 0x80f (y): simulator {after[0x80F]:#04x}, RTL ")
    assert "; last written by instruction 1 of layer 'first' (store " in second
    assert "; last written by instruction 2 of layer 'second' (store " in third
    assert fourth.startswith("byte 0x837: ") and "instruction 2 of layer 'second'" in fourth


def test_only_some_are_described_and_all_are_counted(
    program: Program, timing: TimeResult, hardware: RtlResult, after: npt.NDArray[np.uint8]
) -> None:
    hardware.memory[0x800:0x820] ^= 1
    result = compare(program, program.segments[0], timing, hardware, after)
    assert result.mismatched_bytes == 32 and len(result.differences) == DIFFERENCES_SHOWN
    assert compare(program, program.segments[0], timing, hardware, None).bytes_compared == 0


def test_last_writers_are_exact_to_the_byte(program: Program) -> None:
    machine, (segment,) = program.machine, program.segments
    addresses = [0x7FF, 0x800, 0x80F, 0x810, 0x817, 0x818, 0x81F, 0x820, 0x82F, 0x830, 0x838]
    assert last_writers(machine, segment, addresses) == {
        0x800: 1, 0x80F: 1, 0x810: 2, 0x817: 2, 0x818: 1, 0x81F: 1, 0x830: 2}
