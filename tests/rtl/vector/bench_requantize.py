"""The rescale pipeline against the golden arithmetic: a value every cycle, extremes and random values."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np

from machine import numerics
from tests.rtl.bench import edge, settle, start_clock

VALUES = (0, 1, -1, 2, -2, 3, 5, -5, 127, -128, 2**16 - 1, 2**16, -(2**16), 2**30, -(2**30), 2**31 - 1, -(2**31))
MULTIPLIERS = (0, 1, 2**15, 2**16, 2**30 - 1, 2**30, 2**30 + 1, 2**31 - 2**16, 2**31 - 1)
SHIFTS = (0, 1, 2, 15, 16, 22, 23, 24, 30, 31)
RANDOM_CASES = 6000
LATENCY_CYCLES = 4


def _cases(bits: int) -> list[tuple[int, int, int, int]]:
    """Return value, multiplier, left and right shift of every case; values have so many bits."""
    values = [v for v in (*VALUES, 255, -255, -256) if -(2 ** (bits - 1)) <= v < 2 ** (bits - 1)]
    cases = [(v, m, left, right) for v in values for m in MULTIPLIERS for left in SHIFTS for right in SHIFTS]
    cases = random.sample(cases, len(cases) // 2)
    for _ in range(RANDOM_CASES):
        value = random.randrange(-(2 ** (bits - 1)), 2 ** (bits - 1)) >> random.randrange(bits)
        multiplier = random.choice((random.randrange(2**31), random.randrange(2**30, 2**31), 2**30))
        cases.append((value, multiplier, random.choice((0, 0, random.randrange(32))), random.randrange(32)))
    return cases


def _expected(cases: list[tuple[int, int, int, int]]) -> list[int]:
    value, multiplier, left, right = (np.array(column, dtype=np.int64) for column in zip(*cases, strict=True))
    return [int(x) for x in numerics.rescale(value.astype(np.int32), multiplier, left, right)]


@cocotb.test()
async def equals_the_golden_rescale(dut: Any) -> None:
    bits = len(dut.value_i)
    cases = _cases(bits)
    expected = _expected(cases)
    # A multiplier of 2**31 without shifts passes every value through.
    passed = [v for v in VALUES if -(2 ** (bits - 1)) <= v < 2 ** (bits - 1)]
    cases += [(v, 1 << 31, 0, 0) for v in passed]
    expected += passed
    start_clock(dut)
    for t in range(len(cases) + LATENCY_CYCLES):
        await edge(dut)
        now, next_, third = (cases[min(max(t - d, 0), len(cases) - 1)] for d in (0, 1, 3))
        dut.value_i.value = now[0] & ((1 << bits) - 1)
        dut.left_i.value = now[2]
        dut.multiplier_i.value = next_[1]
        dut.right_i.value = third[3]
        await settle()
        if t >= LATENCY_CYCLES:
            got = int(dut.quotient_o.value) + int(dut.round_o.value)
            index = t - LATENCY_CYCLES
            assert (got - expected[index]) & 0xFFFF_FFFF == 0, (cases[index], got, expected[index])
