"""The wrapper with the memory of the law: the network takes the simulator's cycles, in every run."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.task import bridge

from tests.rtl.bench import parameters
from tests.rtl.board.host import Expected, begin, driver_of


class BackDoor:
    """The bench's memory, read and written between two cycles."""

    def __init__(self, memory: Any, bus_bytes: int) -> None:
        self.memory, self.bus = memory, bus_bytes

    def write(self, address: int, data: bytes) -> None:
        assert address % self.bus == 0 and len(data) % self.bus == 0
        for at in range(0, len(data), self.bus):
            self.memory[(address + at) // self.bus].value = int.from_bytes(data[at : at + self.bus], "little")

    def read(self, address: int, length: int) -> bytes:
        assert address % self.bus == 0 and length % self.bus == 0
        words = range(address // self.bus, (address + length) // self.bus)
        return b"".join(int(self.memory[word].value).to_bytes(self.bus, "little") for word in words)


@cocotb.test()
async def cycles_are_the_simulators(dut: Any) -> None:
    expected = Expected()
    size = expected.session.program.memory_bytes
    master = await begin(dut)
    driver = driver_of(dut, master, BackDoor(dut.u_memory.memory, parameters()["BUS_BYTES"]), size)
    for _ in range(2):
        result = await bridge(expected.session.run_on_board)(driver, expected.inputs)
        expected.check_bytes(result)
        assert result.cycles == int(expected.arrays["cycles"])
        for engine, states in expected.of("counter").items():
            assert list(result.counters[engine].values()) == states.tolist(), engine
