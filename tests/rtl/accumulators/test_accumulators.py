"""The accumulators under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

icarus = pytest.param("icarus", marks=pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed"))


@pytest.mark.parametrize("simulator", ["verilator", icarus])
@pytest.mark.parametrize(("columns", "rows"), [(4, 16), (8, 64)])
def test_accumulators(columns: int, rows: int, simulator: str) -> None:
    run(
        "accumulators",
        "tests.rtl.accumulators.bench_accumulators",
        [RTL / "accumulators" / "accumulators.sv"],
        {"COLUMNS": columns, "ACC_ROWS": rows},
        simulator=simulator,
    )
