"""The host registers under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

FOLDER = RTL / "host"
icarus = pytest.param("icarus", marks=pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed"))


@pytest.mark.parametrize("simulator", ["verilator", icarus])
def test_host_registers(simulator: str) -> None:
    sources = [FOLDER / "host_registers.sv"]
    sizes = {"ROWS": 4, "COLUMNS": 8}
    run("host_registers", "tests.rtl.host.bench_host", sources, sizes, simulator=simulator)
