"""The profile: every cycle and byte belongs to one layer and one cause, and the totals are the hardware's."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import numpy as np
import pytest

from accel_sim.time import Cause, TimeResult
from compiler.placement.place import PlacementOptions
from machine.config import load_machine
from machine.isa import Engine, Instruction, encode
from machine.program import NodeRecord, Program, Segment, bound_of
from machine.registers import EngineState
from runtime.compile import compile_program
from runtime.demo import compile_digits
from runtime.fuzz.random_machines import random_machine
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from runtime.profile import CAUSES, BlockProfile, Costs, profile_program
from runtime.profile.attribution import CHARGED, attribute
from runtime.profile.table import TAIL, layers_csv
from runtime.profile.traffic import KINDS
from runtime.result import counter_table
from runtime.timing import segment_time
from tests.runtime.test_placed_reports import convolutions

SHORT_CYCLES = 10_000
"""What a test may take cycle by cycle."""
MACHINES = ["nano4", "edge8", "edge16", "edge4x8", "edge8x4", "edge32"]


@pytest.mark.parametrize("name", MACHINES)
def test_everything_adds_up_to_the_counters(name: str) -> None:
    program = compile_digits(load_machine(name))
    profile = profile_program(program)
    (timing,) = profile.times
    total, layers = profile.total, profile.layers
    assert total.total_cycles == timing.cycles >= profile.bound_cycles
    for cause in CAUSES:
        assert sum(layer.costs.cycles[cause] for layer in layers) + profile.tail.cycles[cause] == total.cycles[cause]
    for kind in KINDS:
        assert sum(layer.costs.traffic[kind] for layer in layers) + profile.tail.traffic[kind] == total.traffic[kind]
    assert total.read_bytes == timing.read_beats * program.machine.bus_bytes
    assert total.write_bytes == timing.write_beats * program.machine.bus_bytes
    assert total.macs == program.macs
    assert profile.counters == counter_table(timing.counters)
    array = profile.counters["matrix"]
    assert total.cycles["useful"] + total.cycles["underused"] == array["busy"]
    for state in ("wait_weights", "wait_shift"):
        assert total.cycles[state] == array[state]
    assert all(0 <= profile.utilization(layer.costs) <= 1 for layer in layers)
    assert profile.occupancy.scratchpad.peak_bytes == total.scratchpad_bytes <= program.machine.scratchpad_bytes
    assert profile.occupancy.accumulators.peak_bytes == total.accumulator_bytes <= program.machine.accumulator_bytes
    assert max(layer.costs.scratchpad_bytes for layer in layers) == total.scratchpad_bytes


def naive_attribution(program: Program, segment: Segment, timing: TimeResult) -> np.ndarray:
    """Charge cycle by cycle, straight from the page."""
    idle = {Cause.IDLE_FETCH, Cause.IDLE_DISPATCH, Cause.IDLE_END}
    at = {
        engine: np.repeat(np.c_[runs.cause, runs.place], runs.cycles, axis=0)
        for engine, runs in timing.history.items()
    }
    nodes = {
        engine: [segment.instruction_nodes[i] for i in timing.indices[engine]] + [-1] for engine in timing.indices
    }
    found = np.zeros((len(program.nodes) + 1, len(CHARGED)), np.int64)
    for cycle in range(timing.cycles):
        matrix, vector = Cause(at[Engine.MATRIX][cycle, 0]), Cause(at[Engine.VECTOR][cycle, 0])
        store = EngineState(at[Engine.STORE][cycle, 0])
        engine, cause = Engine.MATRIX, matrix
        if matrix in idle and vector in idle:
            if store not in (EngineState.IDLE, EngineState.WAIT_TOKEN):
                engine = Engine.STORE
        elif matrix in idle or matrix in (Cause.WAIT_ACCUMULATOR, Cause.TOKEN_VECTOR):
            engine, cause = Engine.VECTOR, vector
        name = cause.name.lower().replace("token_", "wait_token_")
        if engine is Engine.STORE:
            name = "store"
        elif cause is Cause.BUSY and engine is Engine.VECTOR:
            name = "vector"
        found[nodes[engine][at[engine][cycle, 1]], CHARGED.index(name)] += 1
    return found


@pytest.mark.parametrize("part", range(4))
def test_attribution_of_random_programs(part: int) -> None:
    compared = 0
    for seed in range(15 * part, 15 * part + 15):
        machine = random_machine(seed, 16)
        instructions = random_program(machine, seed, 25)
        nodes = tuple(NodeRecord(str(index), "conv2d", "accelerator") for index in range(3))
        segment = Segment(tuple(instructions), 0, tuple(index % 4 - 1 for index in range(len(instructions))))
        program = Program(machine, (segment,), code_of(instructions), MEMORY_BYTES, nodes)
        timing = segment_time(program, segment, with_history=True)
        found = attribute(segment, timing).by_node(len(nodes))
        assert found.sum() == timing.cycles
        if timing.cycles <= SHORT_CYCLES:
            assert found.tolist() == naive_attribution(program, segment, timing).tolist()
            compared += 1
    assert compared >= 8


def code_of(instructions: Sequence[Instruction]) -> np.ndarray:
    return np.frombuffer(b"".join(encode(instruction) for instruction in instructions), np.uint8)


@pytest.fixture(scope="module")
def divided() -> Program:
    """Four convolutions, the second on the host: two segments."""
    calibration = {"x": np.random.default_rng(0).normal(size=(4, 4, 5, 5)).astype(np.float32)}
    placement = PlacementOptions(keep_float=("two",))
    return compile_program(
        convolutions().SerializeToString(), load_machine("edge8"), calibration, placement=placement
    )


def test_segments_follow_each_other(divided: Program) -> None:
    profile = profile_program(divided)
    first, second = profile.times
    layers = {layer.name: layer for layer in profile.layers}
    assert profile.total.total_cycles == first.cycles + second.cycles
    assert sum(layer.costs.total_cycles for layer in profile.layers) + profile.tail.total_cycles == (
        profile.total.total_cycles
    )
    assert 0 < layers["one"].first_cycle < layers["one"].last_cycle <= first.cycles
    assert first.cycles < layers["three"].first_cycle < layers["three"].last_cycle <= profile.total.total_cycles
    assert layers["three"].first_cycle - first.cycles == min(second.issue[engine].min() for engine in Engine)
    host = layers["two"]
    assert host.placement == "host" and host.reason
    assert (host.costs.total_cycles, host.costs.macs, host.costs.read_bytes, host.first_cycle) == (0, 0, 0, 0)
    assert (host.costs.parameters, host.costs.host_macs) == (16 + 4, 16 * 25)  # the passes give it a bias
    assert profile.total.macs == divided.macs == 3 * 16 * 25 and profile.total.host_macs == 16 * 25
    assert profile.total.read_bytes == (first.read_beats + second.read_beats) * divided.machine.bus_bytes


@pytest.mark.parametrize("name", ["nano4", "edge8x4", "edge16"])
def test_attribution_is_what_the_page_says(name: str) -> None:
    program = compile_digits(load_machine(name))
    (segment,) = program.segments
    timing = segment_time(program, segment, with_history=True)
    found = attribute(segment, timing).by_node(len(program.nodes))
    assert found.tolist() == naive_attribution(program, segment, timing).tolist()


def test_layers_begin_and_end_with_their_instructions() -> None:
    program = compile_digits(load_machine("edge8"))
    profile = profile_program(program)
    (timing,), (segment,) = profile.times, program.segments
    for layer in profile.layers:
        own = [
            (timing.issue[engine][place], timing.retire[engine][place])
            for engine in Engine
            for place, index in enumerate(timing.indices[engine])
            if segment.instruction_nodes[index] == layer.node
        ]
        expected = (min(issue for issue, _ in own), max(retire for _, retire in own)) if own else (0, 0)
        assert (layer.first_cycle, layer.last_cycle) == expected


def test_blocks_hold_each_layer_once() -> None:
    profile = profile_program(compile_digits(load_machine("edge8")))

    def layers_of(block: BlockProfile) -> list[int]:
        inner = [node for each in block.blocks for node in layers_of(each)]
        assert block.costs == Costs.sum(profile.layers[node].costs for node in
                                        sorted([*(layer.node for layer in block.layers), *inner]))
        return [*(layer.node for layer in block.layers), *inner]

    assert sorted(layers_of(profile.root)) == [layer.node for layer in profile.layers]


def test_csv_adds_up_to_the_totals() -> None:
    profile = profile_program(compile_digits(load_machine("edge16")))
    rows = list(csv.DictReader(io.StringIO(layers_csv(profile))))
    assert [row["layer"] for row in rows] == [*(layer.name for layer in profile.layers), TAIL]
    total = profile.total
    assert sum(int(row["cycles"]) for row in rows) == total.total_cycles
    assert sum(int(row["macs"]) for row in rows) == total.macs
    for cause in CAUSES:
        assert sum(int(row[f"{cause}_cycles"]) for row in rows) == total.cycles[cause]
    for kind in KINDS:
        assert sum(int(row[f"{kind}_bytes"]) for row in rows) == total.traffic[kind]


def test_a_bound_is_the_busiest_resource_not_the_sum_of_bounds() -> None:
    product = NodeRecord("a", "conv2d", "accelerator", 10, 0, matrix_cycles=70, vector_cycles=20, read_cycles=5)
    pool = NodeRecord("b", "max_pool", "accelerator", 0, 0, matrix_cycles=0, vector_cycles=60, write_cycles=9)
    assert (product.bound_cycles, pool.bound_cycles) == (70, 60)
    assert bound_of((product, pool)) == 80
    assert bound_of(()) == 0


def test_counters_name_every_state_of_every_engine() -> None:
    table = counter_table(np.arange(55, dtype=np.int64).reshape(5, 11))
    assert table["load"]["wait_bank"] == int(EngineState.WAIT_BANK) and table["store"]["busy"] == 45
