"""Seeded random programs on named and random machines: simulator and Verilated RTL are equal (docs/fuzz.md).

14 configurations, 372 programs: legal ones, every byte of memory compared, and damaged ones.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from machine.config import Machine, load_machine
from runtime.fuzz.campaign import run_campaign
from runtime.fuzz.cases import BUILT, Draws
from runtime.fuzz.checks import FuzzBackend

NAMED = ["nano4", "edge4x8", "edge8x4", "edge8"]
RANDOM_MACHINES = 8
LEGAL, DAMAGED = 18, 10
LARGE_LEGAL, LARGE_DAMAGED = 5, 3


def check(seed: int, machine: Machine | None, legal: int, damaged: int) -> None:
    for illegal, count in ((False, legal), (True, damaged)):
        draws = Draws(seed, illegal, machine, BUILT, programs_per_machine=count)
        campaign = run_campaign(draws, count, FuzzBackend.RTL)
        assert campaign.failure is None, (campaign.failure.case.machine, campaign.failure.differences)
        assert campaign.programs == campaign.asked == count
        assert campaign.proved == count or illegal


@pytest.mark.parametrize("name", NAMED)
def test_named_machines(name: str) -> None:
    check(40, load_machine(name), LEGAL, DAMAGED)


def test_a_dram() -> None:
    """Two banks of short rows, and refreshes about as long as a burst; half of the random machines have others."""
    dram = {
        "dram_banks": 2, "dram_row_bytes": 512, "dram_activate_cycles": 9, "dram_precharge_cycles": 4,
        "dram_refresh_interval_cycles": 150, "dram_refresh_cycles": 31,
    }
    check(41, replace(load_machine("nano4"), **dram), LEGAL, DAMAGED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50, 50 + RANDOM_MACHINES))
def test_random_machines(seed: int) -> None:
    check(seed, None, LEGAL, DAMAGED)


@pytest.mark.slow
def test_edge16() -> None:
    check(60, load_machine("edge16"), LARGE_LEGAL, LARGE_DAMAGED)
