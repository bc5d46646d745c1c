"""Random machines, every parameter at its edges often: what a model of time must not depend on being round."""

from __future__ import annotations

from random import Random

from machine.config import BURST_BYTES, Machine
from machine.errors import MachineError

BANKS, BANK_WORDS, ACCUMULATOR_ROWS, PARAMETER_ENTRIES = (4, 8, 16), (32, 64, 256), (32, 64, 512), (8, 64)
"""What is drawn of the sizes that decide which programs are legal."""


def random_machine(seed: int, largest: int = 32) -> Machine:
    """Return a machine whose rows and columns are at most `largest`; deterministic."""
    random = Random(seed)
    while True:
        try:
            return _draw(random, largest)
        except MachineError:
            continue  # a rule that ties several parameters together


def largest_drawn(rows: int, columns: int) -> Machine:
    """Return a machine of a shape with as much of everything as random ones have."""
    return Machine(
        name="largest",
        rows=rows,
        columns=columns,
        scratchpad_bytes=BANKS[-1] * max(rows, columns) * BANK_WORDS[-1],
        scratchpad_banks=BANKS[-1],
        accumulator_bytes=columns * 4 * ACCUMULATOR_ROWS[-1],
        weight_fifo_tiles=1024,
        parameter_entries=PARAMETER_ENTRIES[-1],
        load_buffer_bytes=1 << 20,
        bus_bytes=4,
        read_latency_cycles=1,
    )


def with_other_timing(machine: Machine, random: Random) -> Machine:
    """Return a machine of the same sizes with another rate, other latencies, other queues and another DRAM.

    Its weight FIFO and its load buffer hold as much or more, so a program that is legal on the one is on the other.
    """
    while True:
        timing = _timing(random, machine.tile_bytes, machine.bus_bytes)
        for name in ("weight_fifo_tiles", "load_buffer_bytes"):
            timing[name] = max(timing[name], getattr(machine, name))
        try:
            return Machine(**{**machine.to_dict(), **timing})
        except MachineError:
            continue


def _draw(random: Random, largest: int) -> Machine:
    sizes = [size for size in (4, 8, 16, 32, 64, 128, 256) if size <= largest]
    rows, columns = random.choice(sizes), random.choice(sizes)
    bus_bytes, banks = random.choice([4, 8, 16, 32, 64]), random.choice(BANKS)
    return Machine(
        name="random",
        rows=rows,
        columns=columns,
        scratchpad_bytes=banks * max(rows, columns) * random.choice(BANK_WORDS),
        scratchpad_banks=banks,
        accumulator_bytes=columns * 4 * random.choice(ACCUMULATOR_ROWS),
        parameter_entries=random.choice(PARAMETER_ENTRIES),
        bus_bytes=bus_bytes,
        **_timing(random, rows * columns, bus_bytes),
    )


def _timing(random: Random, tile_bytes: int, bus_bytes: int) -> dict[str, int]:
    """Draw rate, latencies, queues, the DRAM, and a FIFO and a buffer that are large enough for them."""
    denominator = random.choice([1, 1, 1, 2, 3, 7, 112, 1000, 65536])
    numerator = random.choice([1, denominator, random.randint(1, denominator)])
    latency = random.choice([1, 2, 3, 10, 100, random.randint(1, 300)])
    in_flight = latency * bus_bytes * numerator // denominator
    fifo = _power_from(-(-max(in_flight + 2 * tile_bytes, 2 * BURST_BYTES) // tile_bytes), 2)
    buffer = _power_from(in_flight + 2 * BURST_BYTES, 256)
    return {
        "weight_fifo_tiles": min(1024, fifo * random.choice([1, 1, 2, 8])),
        "load_buffer_bytes": min(1 << 20, buffer * random.choice([1, 1, 2, 16])),
        "bus_rate_numerator": numerator,
        "bus_rate_denominator": denominator,
        "read_latency_cycles": latency,
        "write_latency_cycles": random.choice([1, 2, 100, random.randint(1, 300)]),
        "memory_outstanding": random.choice([1, 2, 3, 16, 64]),
        "queue_depth": random.choice([2, 4, 8, 64]),
        "fetch_buffer_instructions": random.choice([4, 8, 16, 64]),
        **_draw_dram(random),
    }


def _draw_dram(random: Random) -> dict[str, int]:
    """Draw the fields of a DRAM; half of the machines have none.

    Rows of few banks are often as small as a burst, and refreshes often shorter than it, so that programs of a few
    thousand cycles meet conflicts and the edges of periods.
    """
    if random.random() < 0.5:
        return {"dram_banks": 0}
    interval = random.choice([0, 0, 1, 2, 3, 17, 64, 300, 7_800, random.randint(1, 2_000)])
    refresh = random.choice([0, 1, interval // 2, interval - 1, random.randint(0, interval)])
    return {
        "dram_banks": random.choice([1, 2, 2, 4, 8, 64]),
        "dram_row_bytes": random.choice([256, 256, 512, 1024, 2048, 65_536]),
        "dram_activate_cycles": random.choice([0, 1, 2, 14, random.randint(0, 100), random.choice([300, 4_096])]),
        "dram_precharge_cycles": random.choice([0, 1, 2, 14, random.randint(0, 100), random.choice([300, 4_096])]),
        "dram_refresh_interval_cycles": interval,
        "dram_refresh_cycles": max(0, min(refresh, interval - 1)),
    }


def _power_from(least: int, start: int) -> int:
    while start < least:
        start *= 2
    return start
