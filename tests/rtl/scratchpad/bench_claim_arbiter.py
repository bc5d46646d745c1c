"""The claim arbiter: random requests and holds against the rules of docs/timing.md, told as sets of ports."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from tests.rtl.bench import parameters, settle

ORDER = ("store", "vector", "matrix", "load")
KINDS = {
    "store": ("read",),
    "vector": ("read", "write", "acc"),
    "matrix": ("read", "acc"),
    "load": ("write",),
}
Port = tuple[str, int]


def ports(masks: dict[str, int]) -> set[Port]:
    return {(kind, i) for kind, mask in masks.items() for i in range(16) if mask >> i & 1}


def decide(wants: dict[str, set[Port] | None], holds: dict[str, set[Port]]) -> tuple[dict[str, bool], dict[str, bool]]:
    """Return who is granted, and who is denied by a scratchpad port."""
    taken: set[Port] = set()
    granted = {}
    bank_denied = {}
    for engine in ORDER:
        want = wants[engine]
        if want is None:
            granted[engine] = bank_denied[engine] = False
            continue
        busy = set(taken)
        for other in ORDER:
            if other != engine:
                busy |= holds[other]
        if engine == "vector":
            busy |= {("read", bank) for kind, bank in holds["vector"] if kind == "write"}
        granted[engine] = not want & busy
        bank_denied[engine] = any(kind != "acc" for kind, _ in want & busy)
        if granted[engine]:
            taken |= want
    return granted, bank_denied


def mask(bits: int, density: float) -> int:
    return sum(1 << i for i in range(bits) if random.random() < density)


@cocotb.test()
async def random_requests(dut: Any) -> None:
    banks = parameters()["BANKS"]
    seen = dict.fromkeys(("granted", "bank", "acc", "own write", "same cycle"), 0)
    for _ in range(4000):
        density = random.choice((0.02, 0.1, 0.3))
        wants: dict[str, set[Port] | None] = {}
        holds: dict[str, set[Port]] = {}
        for engine in ORDER:
            asks = random.random() < 0.7
            getattr(dut, f"{engine}_req_i").value = int(asks)
            wanted = {}
            held = {}
            for kind in KINDS[engine]:
                bits = 2 if kind == "acc" else banks
                # What is not asked for must not matter, so it is driven all the same.
                wanted[kind] = mask(bits, 2 * density)
                held[kind] = mask(bits, density)
                getattr(dut, f"{engine}_{kind}_i").value = wanted[kind]
                getattr(dut, f"{engine}_hold_{kind}_i").value = held[kind]
            wants[engine] = ports(wanted) if asks else None
            holds[engine] = ports(held)
        await settle()
        granted, bank_denied = decide(wants, holds)
        for engine in ORDER:
            assert bool(getattr(dut, f"{engine}_grant_o").value) == granted[engine], (engine, wants, holds)
        for engine in ("vector", "matrix"):
            assert bool(getattr(dut, f"{engine}_bank_denied_o").value) == bank_denied[engine], (engine, wants, holds)
            denied = wants[engine] is not None and not granted[engine]
            seen["bank"] += bank_denied[engine]
            seen["acc"] += denied and not bank_denied[engine]
        seen["granted"] += sum(granted.values())
        nothing = {engine: set[Port]() for engine in ORDER}
        seen["own write"] += decide(wants, {**nothing, "vector": holds["vector"]})[0]["vector"] != (
            wants["vector"] is not None
        )
        seen["same cycle"] += not all(granted[e] for e in ORDER if wants[e]) and all(
            not (wants[e] or set()) & holds[o] for e in ORDER for o in ORDER
        )
    assert all(seen.values()), seen
