"""The modules of control under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

FOLDER = RTL / "control"
icarus = pytest.param("icarus", marks=pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed"))


@pytest.mark.parametrize("simulator", ["verilator", icarus])
@pytest.mark.parametrize("depth", [2, 8])
def test_instruction_queue(depth: int, simulator: str) -> None:
    sources = [FOLDER / "instruction_queue.sv"]
    run(
        "instruction_queue",
        "tests.rtl.control.bench_instruction_queue",
        sources,
        {"WIDTH": 72, "DEPTH": depth},
        simulator=simulator,
    )


@pytest.mark.parametrize(("bus_bytes", "depth"), [(4, 16), (16, 4), (64, 16)])
def test_fetch(bus_bytes: int, depth: int) -> None:
    sources = [FOLDER / "instruction_queue.sv", FOLDER / "fetch.sv"]
    run("fetch", "tests.rtl.control.bench_fetch", sources, {"BUS_BYTES": bus_bytes, "FETCH_DEPTH": depth})


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (8, 4), (16, 32), (256, 256)])
def test_dispatch(rows: int, columns: int) -> None:
    run("dispatch", "tests.rtl.control.bench_dispatch", [FOLDER / "dispatch.sv"], {"ROWS": rows, "COLUMNS": columns})


@pytest.mark.parametrize("simulator", ["verilator", icarus])
def test_tokens(simulator: str) -> None:
    run("tokens", "tests.rtl.control.bench_tokens", [FOLDER / "tokens.sv"], simulator=simulator)


def test_counters() -> None:
    sources = [FOLDER / "state_counters.sv", FOLDER / "program_counters.sv"]
    run("program_counters", "tests.rtl.control.bench_counters", sources)


def test_program_end() -> None:
    run("program_end", "tests.rtl.control.bench_program_end", [FOLDER / "program_end.sv"])


def test_run_state() -> None:
    run("run_state", "tests.rtl.control.bench_run_state", [FOLDER / "run_state.sv"])


@pytest.mark.parametrize("queue_depth", [2, 8])
def test_control(queue_depth: int) -> None:
    sizes = {"ROWS": 4, "COLUMNS": 4, "BUS_BYTES": 16, "QUEUE_DEPTH": queue_depth}
    run("control", "tests.rtl.control.bench_control", sorted(FOLDER.glob("*.sv")), sizes)
