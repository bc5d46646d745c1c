"""The profile: rows add up to the program, no row does more than the array can, and overlapping layers are one row."""

from __future__ import annotations

import numpy as np
import pytest

from machine.config import load_machine
from machine.program import NodeRecord, bound_of
from machine.registers import EngineState
from runtime.accounts import LOSSES
from runtime.demo import compile_digits
from runtime.profile import profile_layers
from runtime.result import counter_table
from runtime.timing import program_times

MACHINES = ["nano4", "edge8", "edge16", "edge4x8", "edge8x4", "edge32"]


@pytest.mark.parametrize("name", MACHINES)
def test_rows_add_up_and_stay_within_the_machine(name: str) -> None:
    program = compile_digits(load_machine(name))
    layers, (timing,) = profile_layers(program), program_times(program)
    assert sum(layer.cycles for layer in layers) == timing.cycles >= program.bound_cycles
    assert sum(layer.macs for layer in layers) == program.macs
    assert all(0 <= layer.utilization <= 1 for layer in layers)
    assert all(layer.loss in LOSSES and 0 <= layer.loss_cycles <= timing.cycles for layer in layers)
    for engine, states in counter_table(timing.counters).items():
        for state, count in states.items():
            assert sum(layer.counters[engine][state] for layer in layers) == count
    for layer in layers:
        assert all(sum(states.values()) == layer.cycles for states in layer.counters.values())


def test_layers_whose_main_work_overlaps_are_one_row() -> None:
    program = compile_digits(load_machine("nano4"))
    layers = profile_layers(program)
    joined = [name for layer in layers for name in layer.name.split(" | ")]
    accelerated = [node.name for node in program.nodes if node.placement == "accelerator"]
    assert joined == accelerated and len(layers) < len(accelerated)


def test_a_bound_is_the_busiest_resource_not_the_sum_of_bounds() -> None:
    product = NodeRecord("a", "conv2d", "accelerator", 10, 0, matrix_cycles=70, vector_cycles=20, read_cycles=5)
    pool = NodeRecord("b", "max_pool", "accelerator", 0, 0, matrix_cycles=0, vector_cycles=60, write_cycles=9)
    assert (product.bound_cycles, pool.bound_cycles) == (70, 60)
    assert bound_of((product, pool)) == 80
    assert bound_of(()) == 0


def test_counters_name_every_state_of_every_engine() -> None:
    table = counter_table(np.arange(55, dtype=np.int64).reshape(5, 11))
    assert table["load"]["wait_bank"] == int(EngineState.WAIT_BANK) and table["store"]["busy"] == 45
