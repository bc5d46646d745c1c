"""The read arbiter under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, run


@pytest.mark.parametrize(("bus_bytes", "outstanding"), [(4, 16), (16, 16), (8, 5), (64, 2)])
def test_read_arbiter(bus_bytes: int, outstanding: int) -> None:
    sizes = {"BUS_BYTES": bus_bytes, "OUTSTANDING": outstanding}
    run("read_arbiter", "tests.rtl.memory.bench_read_arbiter", [RTL / "memory" / "read_arbiter.sv"], sizes, seed=1)
