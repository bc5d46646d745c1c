"""The store engine under cocotb, against the model of its page."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

SOURCES = [
    *(RTL / "memory" / f"{name}.sv" for name in ("byte_ram", "bank_mask", "line_counter", "line_address")),
    RTL / "memory" / "burst_shape.sv",
    RTL / "memory" / "burst_cutter.sv",
    *(RTL / "store" / f"{name}.sv" for name in ("store_read", "store_buffer", "store_write", "store_engine")),
]


@pytest.mark.parametrize(
    ("rows", "columns", "bus_bytes", "outstanding"),
    [(4, 4, 4, 16), (8, 8, 8, 16), (8, 8, 4, 3), (8, 8, 16, 16), (4, 16, 8, 16), (16, 8, 32, 5), (4, 4, 64, 16)],
)
def test_store(rows: int, columns: int, bus_bytes: int, outstanding: int) -> None:
    sizes = {
        "ROWS": rows,
        "COLUMNS": columns,
        "BANKS": 4,
        "BANK_WORDS": 64,
        "BUS_BYTES": bus_bytes,
        "OUTSTANDING": outstanding,
    }
    run("store_engine", "tests.rtl.store.bench_store", SOURCES, sizes, seed=1)


@pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed")
def test_store_on_icarus() -> None:
    sizes = {"ROWS": 4, "COLUMNS": 8, "BANKS": 4, "BANK_WORDS": 64, "BUS_BYTES": 8, "OUTSTANDING": 16}
    cases = ["denied", "stalling_slave"]
    run("store_engine", "tests.rtl.store.bench_store", SOURCES, sizes, simulator="icarus", testcase=cases, seed=3)
