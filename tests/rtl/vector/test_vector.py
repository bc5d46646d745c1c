"""The vector engine's modules under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

SOURCES = [
    RTL / "vector" / f"{name}.sv"
    for name in (
        "vector_delay",
        "requantize",
        "requantize_narrow",
        "vector_clamp",
        "table_memory",
        "vector_lane",
        "parameter_memory",
        "vector_address_walker",
        "vector_addresses",
        "vector_pipeline",
        "vector_engine",
    )
]


@pytest.mark.parametrize("top", ["requantize", "requantize_narrow"])
@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_requantize(top: str, simulator: str) -> None:
    if simulator == "icarus" and not have_icarus():
        pytest.skip("Icarus is not installed")
    run(
        top,
        "tests.rtl.vector.bench_requantize",
        [RTL / "vector" / f"{top}.sv"],
        simulator=simulator,
        seed=1,
    )


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(4, 8), *(pytest.param(*shape, marks=pytest.mark.slow) for shape in ((4, 4), (16, 4), (8, 16)))],
)
def test_engine(rows: int, columns: int) -> None:
    parameters = {"ROWS": rows, "COLUMNS": columns, "BANKS": 4, "BANK_WORDS": 16, "ACC_ROWS": 64, "PARAM_ENTRIES": 8}
    run("vector_engine", "tests.rtl.vector.bench_engine", SOURCES, parameters, seed=rows * 100 + columns)


@pytest.mark.slow
def test_engine_on_icarus() -> None:
    if not have_icarus():
        pytest.skip("Icarus is not installed")
    parameters = {"ROWS": 8, "COLUMNS": 4, "BANKS": 8, "BANK_WORDS": 8, "ACC_ROWS": 32, "PARAM_ENTRIES": 4}
    run(
        "vector_engine",
        "tests.rtl.vector.bench_engine",
        SOURCES,
        parameters,
        simulator="icarus",
        seed=7,
        environment={"TPUKIT_VECTOR_INSTRUCTIONS": "40"},
    )
