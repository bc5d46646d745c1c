"""The memory of the test bench against the memory law of docs/units/memory.md, cycle for cycle."""

from __future__ import annotations

import random
from collections import Counter, deque
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, reset, settle

CYCLES = 4000
MOST_BEATS = 16


class Banks:
    """When the columns of a burst are accessed, by the words of the page's DRAM law; at once where there is no DRAM."""

    def __init__(self) -> None:
        names = ("BANKS", "ROW_BYTES", "ACTIVATE", "PRECHARGE", "REFRESH_INTERVAL", "REFRESH")
        values = parameters()
        self.banks, self.row_bytes, self.activate, self.precharge, self.interval, self.refresh = (
            values.get(f"DRAM_{name}", 0) for name in names
        )
        self.free = [0] * self.banks
        self.open: dict[int, tuple[int, int]] = {}
        self.seen: Counter[str] = Counter()

    def period(self, cycle: int) -> int:
        return cycle // self.interval if self.interval else 0

    def first_column(self, accepted: int, address: int, beats: int) -> int:
        """Reserve the bank of a burst and return the cycle of its first column access."""
        if not self.banks:
            return accepted
        bank, row = address // self.row_bytes % self.banks, address // self.row_bytes // self.banks
        begin = max(accepted, self.free[bank])
        self.seen["waits for its bank"] += begin > accepted
        if self.period(begin) >= 1 and begin % self.interval < self.refresh:
            begin = self.period(begin) * self.interval + self.refresh
            self.seen["waits for a refresh"] += 1
        open_row, opened = self.open.get(bank, (None, None))
        if opened != self.period(begin):
            cost, case = self.activate, "no row is open" if open_row is None else "refresh has closed it"
        elif open_row == row:
            cost, case = 0, "its row is open"
        else:
            cost, case = self.precharge + self.activate, "another row is open"
        self.seen[case] += 1
        self.free[bank] = begin + cost + beats
        self.open[bank] = row, self.period(begin)
        return begin + cost


class Law:
    """When beats and responses come, by the page's words."""

    def __init__(self) -> None:
        values = parameters()
        self.numerator, self.denominator = values["RATE_NUMERATOR"], values["RATE_DENOMINATOR"]
        self.read_latency, self.write_latency = values["READ_LATENCY"], values["WRITE_LATENCY"]
        self.credit = self.denominator
        self.reads: deque[list[int]] = deque()  # due cycle, address in beats, beats left
        self.responses: deque[int] = deque()

    def beat(self, cycle: int) -> tuple[int, bool] | None:
        """Return address and last of the beat that is delivered in this cycle, if one is."""
        credit = min(self.credit + self.numerator, self.numerator + self.denominator - 1)
        if not self.reads or self.reads[0][0] > cycle or credit < self.denominator:
            self.credit = credit
            return None
        self.credit = credit - self.denominator
        head = self.reads[0]
        address = head[1]
        head[1] += 1
        head[2] -= 1
        if head[2] == 0:
            self.reads.popleft()
        return address, head[2] == 0


@cocotb.test()
async def reads_and_writes(dut: Any) -> None:
    bus, depth = parameters()["BUS_BYTES"], parameters()["DEPTH"]
    law = Law()
    memory = [0] * depth
    reads_out, writes_out = 0, 0
    writing: list[int] = []  # beats of the present write burst that are still to come
    for name in ("start_i", "arvalid_i", "awvalid_i", "awlen_i", "wvalid_i", "wlast_i", "wstrb_i", "wdata_i"):
        getattr(dut, name).value = 0
    dut.rready_i.value = dut.bready_i.value = 1
    await reset(dut)
    # Known contents first.
    for address in range(depth):
        memory[address] = random.getrandbits(8 * bus)
        dut.awvalid_i.value = dut.wvalid_i.value = dut.wlast_i.value = 1
        dut.awaddr_i.value = address * bus
        dut.wstrb_i.value = (1 << bus) - 1
        dut.wdata_i.value = memory[address]
        while True:
            await settle()
            taken = int(dut.awready_o.value)
            await edge(dut)
            if taken:
                break
    dut.awvalid_i.value = dut.wvalid_i.value = 0
    for _ in range(1000 + parameters()["WRITE_LATENCY"]):
        await edge(dut)
    dut.start_i.value = 1
    await edge(dut)
    dut.start_i.value = 0
    banks = Banks()
    column = 0  # of the present write burst: when its last column is accessed
    delivered = 0
    for cycle in range(1, CYCLES):
        busy = (cycle // 500) % 2
        read = reads_out < 16 and random.random() < (0.05, 0.6)[busy]
        address, beats = random.randrange(depth - MOST_BEATS), random.randint(1, MOST_BEATS)
        dut.arvalid_i.value = read
        dut.araddr_i.value = address * bus
        dut.arlen_i.value = beats - 1
        # Writes here have no strobes: when reads see them is not the law's matter.
        start_write = not writing and writes_out < 16 and random.random() < 0.3
        if start_write:
            first = random.randrange(depth)
            writing = list(range(first, first + random.randint(1, MOST_BEATS)))
            dut.awaddr_i.value = first * bus
            dut.awlen_i.value = len(writing) - 1
        dut.awvalid_i.value = start_write
        dut.wvalid_i.value = bool(writing)
        dut.wlast_i.value = len(writing) == 1
        dut.wstrb_i.value = 0
        await settle()
        assert int(dut.arready_o.value) or not read, "a law-abiding master never waits"
        if start_write:
            assert int(dut.awready_o.value) == 1
        if writing:
            assert int(dut.wready_o.value) == 1
        expected = law.beat(cycle)
        assert int(dut.rvalid_o.value) == (expected is not None), f"cycle {cycle}"
        if expected is not None:
            assert int(dut.rdata_o.value) == memory[expected[0]]
            assert int(dut.rlast_o.value) == expected[1]
            reads_out -= expected[1]
            delivered += 1
        answered = bool(law.responses) and law.responses[0] <= cycle
        assert int(dut.bvalid_o.value) == answered, f"cycle {cycle}"
        if answered:
            law.responses.popleft()
            writes_out -= 1
        if read:
            law.reads.append([banks.first_column(cycle, address * bus, beats) + law.read_latency, address, beats])
            reads_out += 1
        if writing:
            if start_write:
                writes_out += 1
                column = banks.first_column(cycle, first * bus, len(writing)) + len(writing) - 1
            writing.pop(0)
            if not writing:
                law.responses.append(column + law.write_latency)
        await edge(dut)
    assert delivered > 100
    if banks.banks:
        assert all(banks.seen[case] for case in ("waits for its bank", "its row is open", "another row is open"))
        assert bool(banks.seen["waits for a refresh"]) == bool(banks.interval and banks.refresh)
        assert bool(banks.seen["refresh has closed it"]) == bool(banks.interval)


@cocotb.test()
async def strobes(dut: Any) -> None:
    """Only the strobed bytes of a beat change."""
    bus = parameters()["BUS_BYTES"]
    for name in ("start_i", "arvalid_i", "awvalid_i", "awlen_i", "wvalid_i"):
        getattr(dut, name).value = 0
    dut.rready_i.value = dut.bready_i.value = 1
    await reset(dut)

    async def write(data: int, strobe: int) -> None:
        dut.awaddr_i.value = 8 * bus
        dut.awvalid_i.value = dut.wvalid_i.value = dut.wlast_i.value = 1
        dut.wdata_i.value = data
        dut.wstrb_i.value = strobe
        await edge(dut)
        dut.awvalid_i.value = dut.wvalid_i.value = 0

    value = random.getrandbits(8 * bus)
    await write(value, (1 << bus) - 1)
    for _ in range(10):
        data, strobe = random.getrandbits(8 * bus), random.getrandbits(bus)
        await write(data, strobe)
        mask = sum(255 << 8 * i for i in range(bus) if strobe >> i & 1)
        value = value & ~mask | data & mask
        dut.araddr_i.value = 8 * bus
        dut.arlen_i.value = 0
        dut.arvalid_i.value = 1
        await edge(dut)
        dut.arvalid_i.value = 0
        while True:
            await settle()
            if int(dut.rvalid_o.value):
                break
            await edge(dut)
        assert int(dut.rdata_o.value) == value
        for _ in range(parameters()["WRITE_LATENCY"] + 2):
            await edge(dut)
