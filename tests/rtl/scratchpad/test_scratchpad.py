"""The scratchpad's modules under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

FOLDER = RTL / "scratchpad"
icarus = pytest.param("icarus", marks=pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed"))


@pytest.mark.parametrize("simulator", ["verilator", icarus])
def test_bank(simulator: str) -> None:
    sources = [FOLDER / "scratchpad_bank.sv"]
    run(
        "scratchpad_bank",
        "tests.rtl.scratchpad.bench_bank",
        sources,
        {"BYTES": 4, "WORDS": 16},
        simulator=simulator,
    )


@pytest.mark.parametrize("banks", [4, 8])
def test_claim_arbiter(banks: int) -> None:
    sources = [FOLDER / "claim_arbiter.sv"]
    run("claim_arbiter", "tests.rtl.scratchpad.bench_claim_arbiter", sources, {"BANKS": banks})


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (8, 8), (4, 8), (8, 4), (4, 16), (16, 4)])
def test_scratchpad(rows: int, columns: int) -> None:
    sources = [FOLDER / "scratchpad_bank.sv", FOLDER / "scratchpad.sv"]
    sizes = {"ROWS": rows, "COLUMNS": columns, "BANKS": 4, "BANK_WORDS": 16}
    run("scratchpad", "tests.rtl.scratchpad.bench_scratchpad", sources, sizes)


@pytest.mark.skipif(not have_icarus(), reason="Icarus is not installed")
def test_scratchpad_on_icarus() -> None:
    sources = [FOLDER / "scratchpad_bank.sv", FOLDER / "scratchpad.sv"]
    sizes = {"ROWS": 4, "COLUMNS": 8, "BANKS": 4, "BANK_WORDS": 16}
    run("scratchpad", "tests.rtl.scratchpad.bench_scratchpad", sources, sizes, simulator="icarus")
