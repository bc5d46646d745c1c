"""What cocotb benches share: the build's parameters, a fast clock and a reset."""

from __future__ import annotations

import json
import os
from typing import Any

from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, Timer


def parameters() -> dict[str, int]:
    """Return the parameters that the top was built with."""
    return dict(json.loads(os.environ["TPUKIT_PARAMETERS"]))


def start_clock(dut: Any, period_ns: int = 10) -> None:
    """Start the clock on `clk_i`, driven from compiled code."""
    Clock(dut.clk_i, period_ns, unit="ns", impl="gpi").start()


async def reset(dut: Any, cycles: int = 3) -> None:
    """Start the clock and hold the reset; returns just after a rising edge, with the reset released."""
    dut.rst_ni.value = 0
    start_clock(dut)
    await ClockCycles(dut.clk_i, cycles)
    dut.rst_ni.value = 1


async def settle() -> None:
    """Wait until what was driven in this cycle has come through the combinational logic, and allow driving again."""
    await Timer(1, "ns")


async def sampled() -> None:
    """Wait for the end of this time step: values can be read and nothing driven."""
    await ReadOnly()


async def edge(dut: Any) -> None:
    """Wait for the next rising edge of the clock."""
    await RisingEdge(dut.clk_i)
