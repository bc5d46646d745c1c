"""Accounts: every cycle has one layer and one cause, and the causes add up to the hardware's counters."""

from __future__ import annotations

import numpy as np
import pytest

from accel_sim.time import ACCOUNTED, Cause, simulate_time
from compiler.backend.geometry import ceil_div
from machine.assembly import assemble
from machine.config import VECTOR_LATENCY_CYCLES, load_machine
from machine.errors import ProgramError
from machine.isa import Engine, Opcode, VectorSource, make
from machine.program import Program
from machine.registers import ENGINE_STATES, EngineState
from runtime.accounts import LOSSES, TAIL, UNDERUSED
from runtime.compile import compile_program
from runtime.demo import compile_digits
from runtime.session import RunResult, Session
from tests.runtime.helpers import Cli, Tiny, samples, tiny_model

MACHINES = ["nano4", "edge8", "edge16", "edge4x8", "edge8x4", "edge32"]
STATE_OF_LOSS = {
    "start": "start", "drain": "drain", "wait_weights": "wait_weights", "wait_shift": "wait_shift",
    "wait_bank": "wait_bank", "wait_accumulator": "wait_accumulator", "wait_token_load": "wait_token",
    "wait_token_weights": "wait_token", "wait_token_matrix": "wait_token", "wait_token_vector": "wait_token",
    "wait_token_store": "wait_token", "idle_fetch": "idle", "idle_dispatch": "idle", "idle_end": "idle",
}


def hold_sums(program: Program) -> RunResult:
    result = Session(program).run(with_function=False)
    accelerated = [node for node in program.nodes if node.placement == "accelerator"]
    for engine in ACCOUNTED:
        account = result.accounts[engine]
        assert [layer.name for layer in account.layers] == [*(node.name for node in accelerated), TAIL]
        assert sum(layer.cycles for layer in account.layers) == account.total.cycles == result.cycles
        assert all(list(layer.losses) == list(LOSSES) and min(layer.losses.values()) >= 0 for layer in account.layers)
        total = account.total
        states = {"busy": total.useful + total.losses[UNDERUSED]}
        for loss, state in STATE_OF_LOSS.items():
            states[state] = states.get(state, 0) + total.losses[loss]
        counted = result.counters[engine.name.lower()]
        assert states == {**dict.fromkeys(states, 0), **counted} and set(counted) <= set(states)
        assert account.tail.losses["idle_end"] == account.tail.cycles
        assert all(layer.losses["idle_end"] == 0 for layer in account.nodes.values())
    array = program.machine.rows * program.machine.columns
    for node, layer in zip(accelerated, result.accounts[Engine.MATRIX].layers, strict=False):
        assert layer.useful == node.matrix_cycles
        assert node.matrix_cycles in (0, ceil_div(node.macs, array))
    return result


@pytest.mark.parametrize("name", MACHINES)
def test_digits_add_up(name: str) -> None:
    hold_sums(compile_digits(load_machine(name)))


@pytest.mark.parametrize("name", ["nano4", "edge16"])
@pytest.mark.parametrize("operator", ["Relu", "Sigmoid", "GlobalAveragePool"])
def test_small_networks_add_up(name: str, operator: str) -> None:
    hold_sums(compile_program(tiny_model(operator=operator), load_machine(name), {"x": samples(4)}))


def test_the_layers_of_the_account_are_those_of_the_instructions() -> None:
    """The busy cycles of each layer, counted from its own instructions."""
    program = compile_digits(load_machine("edge8"))
    accounts = Session(program).run(with_function=False).accounts
    busy = {engine: dict.fromkeys(accounts[engine].nodes, 0) for engine in ACCOUNTED}
    for instruction, node in zip(program.instructions, program.instruction_nodes, strict=True):
        values = instruction.values
        if instruction.engine is Engine.MATRIX:
            names = ("row_count0", "row_count1", "row_count2", "tap_count0", "tap_count1", "tap_count2", "blocks")
        elif instruction.engine is Engine.VECTOR:
            names = ("blocks", "y_count", "x_count", "ky_count", "kx_count")
        else:
            continue
        busy[instruction.engine][node] += int(np.prod([values[name] for name in names]))
    for engine in ACCOUNTED:
        reads = {n: layer.useful + layer.losses[UNDERUSED] for n, layer in accounts[engine].nodes.items()}
        assert reads == busy[engine]


def test_causes_name_each_state_of_the_accounted_engines() -> None:
    for engine in ACCOUNTED:
        assert set(ENGINE_STATES[engine]) <= {cause.state for cause in Cause}
    assert {cause.state for cause in Cause} == set(ENGINE_STATES[Engine.MATRIX])
    tokens = [cause for cause in Cause if cause.state is EngineState.WAIT_TOKEN]
    assert [cause.name for cause in tokens] == [f"TOKEN_{engine.name}" for engine in Engine]


def test_groups_must_fit_the_program() -> None:
    program = compile_digits(load_machine("nano4"))
    with pytest.raises(ProgramError, match=r"groups of 1 instructions for a program of \d+"):
        simulate_time(program.machine, program.code(program.segments[0]), groups=[0])


def test_a_kernel_without_sections_is_one_row() -> None:
    program = assemble("vector wait=load\nload window_bytes=4 send=vector\nhalt", load_machine("nano4"))
    account = Session(program).run(with_function=False).accounts[Engine.VECTOR]
    kernel, tail = account.layers
    assert (kernel.name, tail.losses["idle_end"]) == ("kernel", 1) and kernel.losses["wait_token_load"] > 0


def test_causes_by_hand() -> None:
    """docs/timing.md: on nano4 instruction i is complete in 117 + 16 i and dispatched in the cycle after."""
    load = make(Opcode.LOAD, memory_address=4096, line_bytes=4, window_bytes=4, send=1 << Engine.VECTOR)
    compute = make(Opcode.VECTOR, wait=1 << Engine.LOAD, source=VectorSource.SCRATCHPAD, d=64)
    timing = simulate_time(load_machine("nano4"), [load, compute, make(Opcode.HALT)], groups=[0, 1, -1])
    first, other, tail = timing.accounts[Engine.VECTOR]
    arrived, issue = int(timing.retire[Engine.LOAD][0]), int(timing.issue[Engine.VECTOR][0])
    assert arrived > 135 and issue == arrived + 1
    expected = {
        Cause.IDLE_FETCH: 117 + 15, Cause.IDLE_DISPATCH: 2, Cause.TOKEN_LOAD: arrived - 134, Cause.START: 2,
        Cause.BUSY: 1, Cause.DRAIN: VECTOR_LATENCY_CYCLES,
    }
    assert {Cause(cause): int(count) for cause, count in enumerate(other) if count} == expected
    assert not first.any() and tail[Cause.IDLE_END] == tail.sum() == timing.cycles - sum(expected.values())


def test_json_and_text(cli: Cli, tiny: Tiny) -> None:
    report = cli("run", tiny.file, "--time-only", "--json").json
    assert set(report["accounts"]) == {"matrix", "vector"}
    matrix = report["accounts"]["matrix"]
    assert matrix["total"]["cycles"] == report["cycles"] == sum(layer["cycles"] for layer in matrix["layers"])
    for layer in (*matrix["layers"], matrix["total"]):
        assert sum(layer[name] for name in ("useful", *LOSSES)) == layer["cycles"]
    done = cli("run", tiny.file, "--time-only")
    assert "cycles of the matrix engine by layer" in done.text and TAIL in done.text
