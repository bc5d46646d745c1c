"""Cycle counts of compiled programs are what is committed (tests/golden/cycles.json says how they were made)."""

from __future__ import annotations

import json

from benchmarks.golden_cycles import GOLDEN, measure


def test_cycles_are_what_is_committed() -> None:
    assert measure() == json.loads(GOLDEN.read_text()), "if this is meant: python -m benchmarks.golden_cycles"
