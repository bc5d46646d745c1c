"""The scratchpad's modules under cocotb."""

from __future__ import annotations

import pytest

from tests.rtl.runner import RTL, have_icarus, run

FOLDER = RTL / "scratchpad"


@pytest.mark.parametrize("simulator", ["verilator", "icarus"])
def test_bank(simulator: str) -> None:
    if simulator == "icarus" and not have_icarus():
        pytest.skip("Icarus is not installed")
    run(
        "scratchpad_bank",
        "tests.rtl.scratchpad.bench_bank",
        [FOLDER / "scratchpad_bank.sv"],
        {"BYTES": 4, "WORDS": 16},
        simulator=simulator,
    )
