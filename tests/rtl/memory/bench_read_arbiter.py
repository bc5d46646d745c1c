"""The read arbiter against the page: priority, limit, outstanding reads, order; and AXI rules when AR has to wait."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.memory.port import BURST_BYTES, compare

NAMES = ("fetch", "weights", "load")
LIMIT = 1 << 20


def burst(bus: int) -> tuple[int, int]:
    """Return address and beats of a random burst below the limit."""
    block = random.randrange(LIMIT // BURST_BYTES) * BURST_BYTES
    first = random.randrange(BURST_BYTES // bus)
    return block + first * bus, random.randint(1, BURST_BYTES // bus - first)


async def traffic(dut: Any, cycles: int, present: float, ready: float, answer: float) -> None:
    """Random requesters and a random slave; all outputs are compared with the page's rules in each cycle."""
    p = parameters()
    bus, most = p["BUS_BYTES"], p["OUTSTANDING"]
    dut.limit_i.value = LIMIT
    for name in NAMES:
        getattr(dut, f"{name}_req_i").value = 0
    dut.m_axi_rvalid_i.value = 0
    dut.m_axi_arready_i.value = 1
    await reset(dut)
    waiting: dict[str, tuple[int, int] | None] = dict.fromkeys(NAMES)
    outstanding = 0
    on_bus: tuple[int, int] | None = None
    expected_owners: deque[tuple[str, int]] = deque()
    accepted = 0  # bursts that the slave has taken and not answered
    beat = 0
    granted_by = dict.fromkeys(NAMES, 0)
    for cycle in range(cycles):
        for name in NAMES:
            if waiting[name] is None and random.random() < present:
                waiting[name] = burst(bus)
            request = waiting[name]
            getattr(dut, f"{name}_req_i").value = int(request is not None)
            getattr(dut, f"{name}_addr_i").value = request[0] if request else random.getrandbits(32)
            getattr(dut, f"{name}_beats_i").value = request[1] if request else random.getrandbits(7)
        arready = random.random() < ready
        rvalid = accepted > 0 and random.random() < answer
        owner, beats = expected_owners[0] if rvalid else ("", 0)
        data = random.getrandbits(bus * 8)
        dut.m_axi_arready_i.value = int(arready)
        dut.m_axi_rvalid_i.value = int(rvalid)
        dut.m_axi_rlast_i.value = int(rvalid and beat == beats - 1)
        dut.m_axi_rdata_i.value = data
        await settle()
        free = outstanding < most and (on_bus is None or arready)
        winner = next((name for name in NAMES if waiting[name]), None) if free else None
        expected = {
            "address_error_o": 0,
            "outstanding_o": outstanding > 0,
            "m_axi_arvalid_o": on_bus is not None,
            "m_axi_rready_o": 1,
        }
        for name in NAMES:
            expected |= {f"{name}_grant_o": name == winner, f"{name}_rvalid_o": name == owner}
            if name == owner:
                expected[f"{name}_rlast_o"] = beat == beats - 1
        if on_bus:
            first = {"m_axi_araddr_o": on_bus[0], "m_axi_arlen_o": on_bus[1] - 1, "m_axi_arburst_o": 1}
            expected |= {**first, "m_axi_arsize_o": bus.bit_length() - 1}
        if rvalid:
            expected["rdata_o"] = data
        compare(dut, expected, cycle)
        if on_bus and arready:
            accepted += 1
            on_bus = None
        if rvalid:
            beat += 1
            if beat == beats:
                beat, accepted, outstanding = 0, accepted - 1, outstanding - 1
                expected_owners.popleft()
        if winner:
            on_bus = waiting[winner]
            assert on_bus
            expected_owners.append((winner, on_bus[1]))
            outstanding += 1
            granted_by[winner] += 1
            waiting[winner] = None
        await edge(dut)
    assert all(granted_by.values()), granted_by


@cocotb.test()
async def free_slave(dut: Any) -> None:
    await traffic(dut, 2000, 0.02, 1.0, 1.0)


@cocotb.test()
async def many_outstanding(dut: Any) -> None:
    await traffic(dut, 3000, 0.1, 1.0, 0.3)


@cocotb.test()
async def stalling_slave(dut: Any) -> None:
    await traffic(dut, 3000, 0.05, 0.3, 0.5)


@cocotb.test()
async def limit(dut: Any) -> None:
    """The error is raised while the burst is presented, whoever presents it; its address never reaches the bus."""
    p = parameters()
    bus = p["BUS_BYTES"]
    for name in NAMES:
        for limit, address, beats, error in (
            (1024, 1024 - 2 * bus, 2, False),
            (1024, 1024 - bus, 2, True),
            (1024, 1024, 1, True),
            (0, 0, 1, True),
            ((1 << 32) - 64, (1 << 32) - 64, 1, True),
            ((1 << 32) - 64, (1 << 32) - bus, 1, True),
            ((1 << 32) - 64, (1 << 32) - 64 - bus, 1, False),
        ):
            for other in NAMES:
                getattr(dut, f"{other}_req_i").value = 0
            dut.m_axi_rvalid_i.value = 0
            await reset(dut)
            dut.limit_i.value = limit
            getattr(dut, f"{name}_req_i").value = 1
            getattr(dut, f"{name}_addr_i").value = address
            getattr(dut, f"{name}_beats_i").value = beats
            await settle()
            compare(dut, {"address_error_o": int(error)}, 0)
            await edge(dut)
            getattr(dut, f"{name}_req_i").value = 0
            await settle()
            compare(dut, {"address_error_o": 0, "m_axi_arvalid_o": int(not error)}, 1)
            await edge(dut)
