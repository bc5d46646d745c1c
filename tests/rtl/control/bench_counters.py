"""The counters under random states, beats and clears, against a table."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import edge, reset, settle

ENGINES, STATES = 5, 11


@cocotb.test()
async def random_states(dut: Any) -> None:
    for name in ("clear_i", "running_i", "state_i", "read_beat_i", "write_beat_i"):
        getattr(dut, name).value = 0
    await reset(dut)
    table = [[0] * 16 for _ in range(ENGINES)]
    latest: list[int] = []  # states of the latest cycle that counted, which a read does not show yet
    cycles = reads = writes = 0
    for cycle in range(4000):
        states = [random.randrange(STATES) for _ in range(ENGINES)]
        running, clear = random.random() < 0.9, cycle in (1000, 1001, 2500)
        read, write = random.random() < 0.5, random.random() < 0.5
        engine, state = random.randrange(8), random.randrange(16)
        dut.state_i.value = sum(value << 4 * q for q, value in enumerate(states))
        dut.running_i.value = running and not clear
        dut.clear_i.value = clear
        dut.read_beat_i.value = read
        dut.write_beat_i.value = write
        dut.counter_engine_i.value = engine
        dut.counter_state_i.value = state
        await settle()
        assert int(dut.counter_o.value) == (table[engine][state] if engine < ENGINES else 0)
        assert int(dut.cycles_o.value) == cycles
        assert int(dut.read_beats_o.value) == reads
        assert int(dut.write_beats_o.value) == writes
        await edge(dut)
        for q, value in enumerate(latest):
            table[q][value] += 1
        latest = states if running and not clear else []
        if clear:
            table = [[0] * 16 for _ in range(ENGINES)]
            cycles = reads = writes = 0
        elif running:
            cycles, reads, writes = cycles + 1, reads + read, writes + write
    assert sum(map(sum, table)) + len(latest) == ENGINES * cycles > 0
