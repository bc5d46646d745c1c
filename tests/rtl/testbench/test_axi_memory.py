"""The memory behind the test bench under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, run


@pytest.mark.parametrize(
    ("numerator", "denominator", "read_latency", "write_latency"),
    [(1, 1, 100, 100), (85, 112, 20, 7), (1, 3, 1, 1)],
)
def test_axi_memory(numerator: int, denominator: int, read_latency: int, write_latency: int) -> None:
    values = {
        "BUS_BYTES": 4,
        "DEPTH": 64,
        "READ_LATENCY": read_latency,
        "WRITE_LATENCY": write_latency,
        "RATE_NUMERATOR": numerator,
        "RATE_DENOMINATOR": denominator,
    }
    run("axi_memory", "tests.rtl.testbench.bench_axi_memory", [RTL / "testbench" / "axi_memory.sv"], values)
