"""What the models of the engines at the memory port share: lines, bursts, a memory that answers reads, comparison."""

from __future__ import annotations

import itertools
import random
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

BURST_BYTES = 256
MODULO = 1 << 32


def pieces(first: int, end: int) -> list[tuple[int, int]]:
    """Cut a byte range at every multiple of 256."""
    cuts = [first, *range((first // BURST_BYTES + 1) * BURST_BYTES, end, BURST_BYTES), end]
    return list(itertools.pairwise(cuts)) if end > first else []


def burst(first: int, end: int, bus_bytes: int) -> tuple[int, int]:
    """Return address and beats of the burst that covers a piece."""
    return first // bus_bytes * bus_bytes, -(-end // bus_bytes) - first // bus_bytes


def line_starts(values: Mapping[str, int], base: str, stride: str, bits: int) -> Iterator[int]:
    """Return the address of each line of a load or store instruction, in program order."""
    for d3 in range(values["count3"]):
        for d2 in range(values["count2"]):
            for d1 in range(values["count1"]):
                offset = d3 * values[stride + "3"] + d2 * values[stride + "2"] + d1 * values[stride + "1"]
                yield (values[base] + offset) % (1 << bits)


class ReadMemory:
    """Answers bursts in order: each no earlier than its latency allows, with random gaps between beats."""

    def __init__(self, content: bytes, bus_bytes: int, latency: int, rate: float) -> None:
        """Take the memory's bytes; `rate` is the chance that a due beat is delivered in a cycle."""
        self.content, self.bus_bytes, self.latency, self.rate = content, bus_bytes, latency, rate
        self.beats: deque[tuple[int, int, bool]] = deque()

    def accept(self, cycle: int, address: int, beats: int) -> None:
        """Take a burst that was granted in `cycle`: its address is on the bus one cycle later."""
        for beat in range(beats):
            due = cycle + 1 + self.latency
            self.beats.append((due, address + beat * self.bus_bytes, beat == beats - 1))

    def outstanding(self) -> int:
        """Return how many bursts are granted and not answered."""
        return sum(last for _, _, last in self.beats)

    def deliver(self, cycle: int) -> tuple[bytes, bool] | None:
        """Return the beat that arrives in `cycle`, and whether it is its burst's last."""
        if not self.beats or self.beats[0][0] > cycle or random.random() >= self.rate:
            return None
        _, address, last = self.beats.popleft()
        return self.content[address : address + self.bus_bytes], last


def compare(dut: Any, expected: Mapping[str, int], cycle: int) -> None:
    """Compare outputs with what the model says of this cycle."""
    for name, value in expected.items():
        received = int(getattr(dut, name).value)
        assert received == value, f"cycle {cycle}: {name} is {received:#x}, expected {value:#x}"
