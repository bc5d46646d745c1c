"""Networks whose work is divided between accelerator and host, compiled to the end and run on every backend."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from machine.config import load_machine
from machine.program import Program, parse_program
from runtime.check import check_program
from runtime.compile import compile_program
from runtime.cosim import cosimulate
from runtime.session import Backend, Session
from tests.e2e.host_models import (
    HOST_MODELS,
    attention,
    embedding,
    gelu,
    normalized,
    on_the_host_only,
    quotient,
    samples,
)

LEAST_DECIBELS = 15.0
"""Signal to quantization noise that an output keeps at least."""


def compiled(make: Callable[[], onnx.ModelProto], machine: str = "edge8", batch: int | None = None) -> Program:
    proto = make()
    return compile_program(proto.SerializeToString(), load_machine(machine), samples(proto, 16), batch=batch)


def operators(program: Program) -> list[tuple[str, str]]:
    return [(node.placement, node.name) for node in program.nodes if node.operator not in ("quantize", "dequantize")]


def names(program: Program, placement: str) -> set[str]:
    return {name for side, name in operators(program) if side == placement}


@pytest.mark.parametrize("make", HOST_MODELS, ids=lambda make: make.__name__)
def test_backends_agree_and_stay_near_float(make: Callable[[], onnx.ModelProto]) -> None:
    session, inputs = Session(parse_program(compiled(make).to_bytes())), samples(make(), 5, seed=4)
    sim, reference, cpu = (session.run(inputs, each) for each in (Backend.SIM, Backend.REFERENCE, Backend.CPU))
    assert set(sim.integers) == set(reference.integers)
    for name, values in reference.integers.items():
        np.testing.assert_array_equal(sim.integers[name], values, err_msg=name)
    for name, values in reference.outputs.items():
        np.testing.assert_array_equal(sim.outputs[name], values, err_msg=name)
        exact = cpu.outputs[name]
        assert (values.shape, values.dtype) == (exact.shape, exact.dtype)
        if values.dtype == np.float32:
            noise = np.square(values - exact).sum()
            assert 10 * np.log10(np.square(exact).sum() / max(noise, 1e-30)) > LEAST_DECIBELS


def test_who_executes_what() -> None:
    assert names(compiled(normalized), "host") == {"normalize"}
    assert names(compiled(gelu), "host") == {"gelu"}
    assert names(compiled(attention), "host") == {"scores", "softmax", "context"}
    assert names(compiled(embedding), "host") == {"embed"}
    assert {"quotient", "top"} <= names(compiled(quotient), "host")
    assert names(compiled(quotient), "accelerator") >= {"product"}


def test_what_the_host_does_alone_is_what_onnx_runtime_gives() -> None:
    program = compiled(on_the_host_only)
    assert program.segments == () and program.macs == 0
    session, inputs = Session(program), samples(on_the_host_only(), 3)
    result = session.run(inputs)
    assert (result.cycles, result.samples, result.segment_cycles) == (0, 3, [])
    np.testing.assert_array_equal(result.outputs["y"], session.run(inputs, Backend.CPU).outputs["y"])


def test_cycles_counters_and_accounts_are_sums_over_segments() -> None:
    program = compiled(normalized)
    result = Session(program).run(with_function=False)
    assert len(program.segments) == len(result.segment_cycles) == 2
    assert result.cycles == sum(result.segment_cycles) and min(result.segment_cycles) > 0
    assert all(sum(states.values()) == result.cycles for states in result.counters.values())
    for account in result.accounts.values():
        assert account.total.cycles == result.cycles
    alone = [layer for layer in program.nodes if layer.placement == "accelerator"]
    assert [layer.name for layer in alone] == ["first", "second"]


@pytest.mark.parametrize("make", [normalized, gelu, attention], ids=lambda make: make.__name__)
@pytest.mark.parametrize("machine", ["nano4", "edge8x4"])
def test_every_segment_is_equal_on_the_rtl(make: Callable[[], onnx.ModelProto], machine: str) -> None:
    session, inputs = Session(compiled(make, machine)), samples(make(), 1, seed=5)
    result = cosimulate(session, inputs)
    assert result.equal, result.differences
    assert result.instructions == len(session.program.instructions)
    rtl, sim = session.run(inputs, Backend.RTL), session.run(inputs)
    assert (rtl.segment_cycles, rtl.counters) == (sim.segment_cycles, sim.counters)
    for name, values in sim.outputs.items():
        np.testing.assert_array_equal(rtl.outputs[name], values)


def test_a_batch_runs_together_on_the_accelerator_and_one_by_one_on_the_host() -> None:
    one, three = Session(compiled(normalized)), Session(compiled(normalized, batch=3))
    inputs = samples(normalized(), 7, seed=6)
    results = [session.run(inputs) for session in (one, three)]
    assert [result.batch for result in results] == [1, 3]
    np.testing.assert_array_equal(results[0].outputs["y"], results[1].outputs["y"])


def test_check_compares_segments_and_layers() -> None:
    session = Session(compiled(normalized))
    result = check_program(session, samples(normalized(), 4, seed=8))
    assert result.equal and len(result.bits) == 2
    assert {row.layer for row in result.layers} >= {"first", "second"}


def test_equal_models_give_equal_bytes() -> None:
    assert compiled(attention).to_bytes() == compiled(attention).to_bytes()
