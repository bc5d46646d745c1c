"""The weights engine with its FIFO under cocotb, against the model of their page."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, run

SOURCES = [
    *(RTL / "memory" / f"{name}.sv" for name in ("line_counter", "line_address", "burst_shape", "burst_cutter")),
    *(RTL / "weights" / f"{name}.sv" for name in ("weight_fifo", "weights_engine")),
]


@pytest.mark.parametrize(
    ("rows", "columns", "bus_bytes", "tiles", "outstanding"),
    [(4, 4, 4, 32, 16), (8, 8, 8, 8, 16), (8, 8, 4, 8, 5), (8, 8, 16, 8, 16), (4, 4, 16, 64, 16), (4, 16, 8, 8, 3),
     (16, 4, 64, 8, 16)],
)  # fmt: skip
def test_weights(rows: int, columns: int, bus_bytes: int, tiles: int, outstanding: int) -> None:
    sizes = {
        "ROWS": rows,
        "COLUMNS": columns,
        "FIFO_TILES": tiles,
        "BUS_BYTES": bus_bytes,
        "OUTSTANDING": outstanding,
    }
    run("weights_engine", "tests.rtl.weights.bench_weights", SOURCES, sizes, seed=1)
