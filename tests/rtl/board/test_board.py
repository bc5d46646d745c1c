"""The wrapper for boards: lints, synthesis, and the digits network through its buses alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from examples.digits.data import load_test
from machine.config import load_machine
from rtl.lint import board_messages, icarus_messages
from rtl.sources import TESTBENCH, board_sources, design_parameters
from rtl.synthesis import check_board
from runtime.demo import INPUT, compile_digits
from runtime.session import Session
from tests.rtl.runner import RTL, have_icarus, run

HERE = Path(__file__).parent
NANO4 = load_machine("nano4")
icarus = pytest.param("icarus", marks=pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed"))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The program file of the digits network, one image, and what the simulator makes of it: variables for a bench."""
    folder = tmp_path_factory.mktemp("board")
    program = compile_digits(NANO4)
    program.save(folder / "digits.tpu")
    inputs = {INPUT: load_test()[0][:1]}
    result = Session(program).run(inputs)
    arrays = {f"input/{name}": array for name, array in inputs.items()}
    arrays |= {f"integer/{name}": array for name, array in result.integers.items()}
    arrays |= {f"output/{name}": array for name, array in result.outputs.items()}
    arrays |= {f"counter/{name}": np.array(list(states.values())) for name, states in result.counters.items()}
    np.savez(folder / "expected.npz", cycles=result.cycles, **arrays)
    return {"TPUKIT_PROGRAM": str(folder / "digits.tpu"), "TPUKIT_EXPECTED": str(folder / "expected.npz")}


def test_verilator_lint() -> None:
    assert board_messages(NANO4) == ""
    assert board_messages(load_machine("edge16"), ADDRESS_BITS=64, ID_BITS=6) == ""


def test_icarus_accepts_it() -> None:
    assert icarus_messages("tpu_axi", board_sources()) == ""


@pytest.mark.slow
def test_yosys_accepts_it() -> None:
    check_board(NANO4)


@pytest.mark.parametrize("simulator", ["verilator", icarus])
def test_buffer(simulator: str) -> None:
    sources = [RTL / "board" / "axil_buffer.sv"]
    run("axil_buffer", "tests.rtl.board.bench_axil_buffer", sources, {"WIDTH": 16}, simulator=simulator)


@pytest.mark.slow
def test_through_the_bus(digits: dict[str, str]) -> None:
    parameters = design_parameters(NANO4) | {"ADDRESS_BITS": 40}
    run("tpu_axi", "tests.rtl.board.bench_board", board_sources(), parameters, environment=digits)


@pytest.mark.slow
def test_cycles_are_the_simulators(digits: dict[str, str]) -> None:
    parameters = design_parameters(NANO4) | {
        "DEPTH": 1 << 14, "READ_LATENCY": NANO4.read_latency_cycles, "WRITE_LATENCY": NANO4.write_latency_cycles,
        "RATE_NUMERATOR": NANO4.bus_rate_numerator, "RATE_DENOMINATOR": NANO4.bus_rate_denominator,
    }
    assert NANO4.bus_rate_numerator == NANO4.bus_rate_denominator and not NANO4.dram_banks
    sources = [*board_sources(), TESTBENCH / "dram_banks.sv", TESTBENCH / "axi_memory.sv", HERE / "law_bench.sv"]
    visible = [str(HERE / "law_bench.vlt")]
    run("law_bench", "tests.rtl.board.bench_law", sources, parameters, environment=digits, build_arguments=visible)
