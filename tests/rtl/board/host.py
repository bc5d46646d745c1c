"""What the benches of the board's wrapper share: program and answers of the test, clock, reset, a host."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

from machine.program import load_program
from machine.registers import ENGINE_STATES
from runtime.board.cocotb_bus import CocotbBus, MemoryModel
from runtime.board.driver import Driver
from runtime.session import RunResult, Session

CYCLE_NS = 10


class Expected:
    """The program file that the test wrote, its input, and what the simulator says of both."""

    def __init__(self) -> None:
        self.session = Session(load_program(os.environ["TPUKIT_PROGRAM"]))
        with np.load(os.environ["TPUKIT_EXPECTED"]) as arrays:
            self.arrays = dict(arrays)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        return self.of("input")

    def of(self, kind: str) -> dict[str, np.ndarray]:
        return {key.partition("/")[2]: array for key, array in self.arrays.items() if key.startswith(f"{kind}/")}

    def check_bytes(self, result: RunResult) -> None:
        assert result.integers.keys() == self.of("integer").keys()
        for name, array in self.of("integer").items():
            np.testing.assert_array_equal(result.integers[name], array, err_msg=name)
        for name, array in self.of("output").items():
            np.testing.assert_array_equal(result.outputs[name], array, err_msg=name)

    def check_sums(self, result: RunResult) -> None:
        """The states of an engine add up to the cycles, whatever the memory's pace."""
        assert result.counters.keys() == {engine.name.lower() for engine in ENGINE_STATES}
        for engine, states in result.counters.items():
            assert sum(states.values()) == result.cycles, engine


async def begin(dut: Any) -> AxiLiteMaster:
    """Start the clock and reset; the first access of the master that is returned may follow at once."""
    dut.aresetn.value = 0
    Clock(dut.aclk, CYCLE_NS, unit="ns", impl="gpi").start()
    # A bench starts where the one before it stopped: with the reset low, so that the models begin in it.
    await FallingEdge(dut.aclk)
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.aclk, dut.aresetn, reset_active_level=False)
    await ClockCycles(dut.aclk, 4)
    dut.aresetn.value = 1
    return master


def driver_of(dut: Any, master: AxiLiteMaster, memory: MemoryModel, memory_bytes: int, memory_base: int = 0) -> Driver:
    return Driver(CocotbBus(master, memory, dut.irq, memory_bytes, memory_base))
