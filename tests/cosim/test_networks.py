"""Whole networks: the same program file on the simulator and on the Verilated RTL, equal in everything."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx
import pytest

from benchmarks.cosimulation import FILES, MODELS, SHORT, measure
from examples.digits.data import load_test
from machine.config import load_machine
from runtime.compile import compile_program
from runtime.cosim import cosimulate
from runtime.demo import INPUT, compile_digits
from runtime.session import Backend, Session
from tests.e2e.gated import gated_model, product_model, samples


@pytest.mark.parametrize("name", ["nano4", "edge8", "edge16", "edge4x8", "edge8x4"])
def test_digits_network(name: str) -> None:
    session = Session(compile_digits(load_machine(name)))
    images, _ = load_test()
    result = cosimulate(session, {INPUT: images})
    assert result.equal, result.differences
    assert result.cycles_sim == result.cycles_rtl > session.program.bound_cycles > 0
    assert result.instructions == len(session.program.instructions)
    assert result.bytes_compared == session.program.memory_bytes
    assert (result.mismatched_instructions, result.mismatched_bytes, result.mismatched_counters) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_networks_of_fewer_than_two_million_cycles(name: str) -> None:
    if name in FILES and not (MODELS / FILES[name]).exists():
        pytest.skip(f"no {FILES[name]} in {MODELS}")
    result = measure(name, load_machine("edge16"), MODELS)
    assert result.equal and result.cosim.status_sim == "done", result.cosim.differences
    assert result.cosim.cycles_rtl < 2_000_000


@pytest.mark.parametrize("name", ["nano4", "edge4x8", "edge8x4"])
@pytest.mark.parametrize("make", [product_model, gated_model])
def test_products_and_broadcasting(make: Callable[[], onnx.ModelProto], name: str) -> None:
    session = Session(compile_program(make().SerializeToString(), load_machine(name), samples(16)))
    result = cosimulate(session, samples(1, seed=2))
    assert result.equal, result.differences


def test_the_rtl_backend_gives_the_reference_s_outputs() -> None:
    session = Session(compile_digits(load_machine("nano4")))
    inputs = {INPUT: load_test()[0][:2]}
    rtl, reference = session.run(inputs, Backend.RTL), session.run(inputs, Backend.REFERENCE)
    assert rtl.samples == 2
    for name, values in reference.integers.items():
        assert np.array_equal(rtl.integers[name], values)
    assert rtl.cycles == session.run(backend=Backend.SIM, with_function=False).cycles


def test_a_second_program_after_the_first_takes_as_long() -> None:
    session = Session(compile_digits(load_machine("nano4")))
    first, second = (session.run(backend=Backend.SIM, with_function=False) for _ in range(2))
    assert first.cycles == second.cycles and first.counters == second.counters


def test_a_batch_of_three() -> None:
    session = Session(compile_program(product_model().SerializeToString(), load_machine("nano4"), samples(16), batch=3))
    inputs = samples(3, seed=2)
    result = cosimulate(session, inputs)
    assert result.equal, result.differences
    rtl, reference = session.run(inputs, Backend.RTL), session.run(inputs, Backend.REFERENCE)
    for name, values in reference.integers.items():
        assert len(values) == 3 and np.array_equal(rtl.integers[name], values)
