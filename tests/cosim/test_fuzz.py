"""Seeded random programs on named and random machines: simulator and Verilated RTL are equal (docs/fuzz.md).

13 configurations, 344 programs: legal ones, every byte of memory compared, and damaged ones.
"""

from __future__ import annotations

import pytest

from machine.config import load_machine
from runtime.fuzz.campaign import run_campaign
from runtime.fuzz.cases import BUILT, Draws
from runtime.fuzz.checks import FuzzBackend

NAMED = ["nano4", "edge4x8", "edge8x4", "edge8"]
RANDOM_MACHINES = 8
LEGAL, DAMAGED = 18, 10
LARGE_LEGAL, LARGE_DAMAGED = 5, 3


def check(seed: int, machine: str | None, legal: int, damaged: int) -> None:
    target = None if machine is None else load_machine(machine)
    for illegal, count in ((False, legal), (True, damaged)):
        draws = Draws(seed, illegal, target, BUILT, programs_per_machine=count)
        campaign = run_campaign(draws, count, FuzzBackend.RTL)
        assert campaign.failure is None, (campaign.failure.case.machine, campaign.failure.differences)
        assert campaign.programs == campaign.asked == count
        assert campaign.proved == count or illegal


@pytest.mark.parametrize("name", NAMED)
def test_named_machines(name: str) -> None:
    check(40, name, LEGAL, DAMAGED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50, 50 + RANDOM_MACHINES))
def test_random_machines(seed: int) -> None:
    check(seed, None, LEGAL, DAMAGED)


@pytest.mark.slow
def test_edge16() -> None:
    check(60, "edge16", LARGE_LEGAL, LARGE_DAMAGED)
