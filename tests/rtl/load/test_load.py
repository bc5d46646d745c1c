"""The load engine under cocotb, against the model of its page."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

SOURCES = [
    *(RTL / "memory" / f"{name}.sv" for name in ("byte_ram", "bank_mask", "line_counter", "line_address")),
    RTL / "memory" / "burst_shape.sv",
    RTL / "memory" / "burst_cutter.sv",
    *(RTL / "load" / f"{name}.sv" for name in ("load_segment", "load_place")),
    *(RTL / "load" / f"{name}.sv" for name in ("load_request", "load_buffer", "load_write", "load_engine")),
]


@pytest.mark.parametrize(
    ("rows", "columns", "bus_bytes", "buffer_bytes"),
    [(4, 4, 4, 1024), (8, 8, 8, 2048), (8, 8, 4, 1024), (8, 8, 16, 1024), (4, 16, 8, 1024), (16, 8, 32, 2048)],
)
def test_load(rows: int, columns: int, bus_bytes: int, buffer_bytes: int) -> None:
    sizes = {
        "ROWS": rows,
        "COLUMNS": columns,
        "BANKS": 4,
        "BANK_WORDS": 64,
        "PARAM_ENTRIES": 16,
        "LOAD_BEATS": buffer_bytes // bus_bytes,
        "BUS_BYTES": bus_bytes,
    }
    run("load_engine", "tests.rtl.load.bench_load", SOURCES, sizes, seed=1)


@pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed")
def test_load_on_icarus() -> None:
    sizes = {
        "ROWS": 4,
        "COLUMNS": 8,
        "BANKS": 4,
        "BANK_WORDS": 64,
        "BUS_BYTES": 8,
        "PARAM_ENTRIES": 16,
        "LOAD_BEATS": 128,
    }
    cases = ["short_lines_back_to_back"]
    run("load_engine", "tests.rtl.load.bench_load", SOURCES, sizes, simulator="icarus", testcase=cases, seed=3)
