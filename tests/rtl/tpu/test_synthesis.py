"""Synthesis: what the smallest machine becomes on an FPGA."""

from __future__ import annotations

import dataclasses

import pytest

from machine.config import load_machine
from rtl.synthesis import Synthesis, synthesise

NANO4 = load_machine("nano4")
GOOD = Synthesis(NANO4, "tpu", {"LUT4": 1000, "MULT18X18D": 20, "DP16KD": 8})


def test_rules() -> None:
    assert GOOD.broken_rules() == []
    for cells, text in (
        ({"DP16KD": 8}, "0 hardware multipliers for 16 processing elements"),
        ({"MULT18X18D": 16}, "0 block RAMs for 8 scratchpad banks"),
        ({"MULT18X18D": 16, "PDPW16KD": 8, "$_DLATCH_P_": 2}, "2 latches"),
    ):
        assert dataclasses.replace(GOOD, cells=cells).broken_rules() == [text]


def test_table() -> None:
    assert GOOD.table().splitlines()[0].split() == ["LUT4", "1,000"]


@pytest.mark.slow
def test_a_processing_element_is_one_hardware_multiplier() -> None:
    result = synthesise(NANO4, "pe", {})
    assert result.multipliers == 1
    assert result.latches == 0


@pytest.mark.slow
def test_smallest_machine() -> None:
    result = synthesise(NANO4)
    assert result.broken_rules() == []
