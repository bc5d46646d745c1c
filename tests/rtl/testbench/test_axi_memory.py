"""The memory behind the test bench under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, run

SOURCES = [RTL / "testbench" / name for name in ("dram_banks.sv", "axi_memory.sv")]
FIELDS = ("RATE_NUMERATOR", "RATE_DENOMINATOR", "READ_LATENCY", "WRITE_LATENCY")
DRAM_FIELDS = ("BANKS", "ROW_BYTES", "ACTIVATE", "PRECHARGE", "REFRESH_INTERVAL", "REFRESH")


@pytest.mark.parametrize("law", [(1, 1, 100, 100), (85, 112, 20, 7), (1, 3, 1, 1)])
def test_fixed_latency(law: tuple[int, ...]) -> None:
    values = dict(zip(FIELDS, law, strict=True))
    run("axi_memory", "tests.rtl.testbench.bench_axi_memory", SOURCES, {"BUS_BYTES": 4, "DEPTH": 64, **values})


@pytest.mark.parametrize(
    ("law", "dram"),
    [
        ((1, 1, 10, 10), (2, 256, 7, 5, 100, 20)),
        ((1, 2, 1, 1), (1, 256, 1, 30, 0, 0)),
        ((1, 1, 30, 3), (8, 512, 14, 3, 40, 30)),
        ((1, 1, 2, 2), (4, 512, 3, 0, 40, 0)),  # a refresh of no cycles closes rows
    ],
)
def test_dram(law: tuple[int, ...], dram: tuple[int, ...]) -> None:
    values = dict(zip(FIELDS, law, strict=True)) | {
        f"DRAM_{name}": value for name, value in zip(DRAM_FIELDS, dram, strict=True)
    }
    run("axi_memory", "tests.rtl.testbench.bench_axi_memory", SOURCES, {"BUS_BYTES": 4, "DEPTH": 4096, **values})
