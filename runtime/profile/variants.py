"""A machine with one thing changed, for each thing that might be what limits a program; and with the array and the bus.

One thing may be several fields: where the machine's rules tie a buffer to a field, and the buffer is too small for the
new value, the buffer grows with it; a wider array keeps the depth of its accumulators, which every column has for
itself. All changed fields are listed, so the same machine can be written as a TOML file.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from machine.config import Machine, parse_machine
from machine.errors import MachineError


@dataclass(frozen=True)
class Change:
    """A field of the machine's configuration with another value."""

    field: str
    old: int
    new: int

    def __str__(self) -> str:
        """Return it as `field: old -> new`."""
        return f"{self.field}: {self.old} -> {self.new}"


@dataclass(frozen=True)
class Variant:
    """A machine with one thing changed.

    Attributes:
        name: what is changed, one of `VARIANTS` or `WIDER`.
        change: the change in words: "twice the bandwidth".
        changes: the fields that differ.
        machine: the changed machine; None where no rule of the configuration allows it.
        error: the rule that it breaks; "" where it breaks none.
        compiled_for: whether the compiler looks at what is changed, so that a network's best program is another one.
    """

    name: str
    change: str
    changes: tuple[Change, ...]
    machine: Machine | None
    error: str
    compiled_for: bool


@dataclass(frozen=True)
class _Kind:
    """A thing that can be changed, and candidates for it (words, new values), of which the first legal one counts."""

    name: str
    compiled_for: bool
    candidates: Callable[[Machine], Iterator[tuple[str, dict[str, int]]]]


def _bandwidth(machine: Machine) -> Iterator[tuple[str, dict[str, int]]]:
    """More beats a cycle, or a wider bus; where neither can be doubled, all the beats that the bus can take."""
    rate, full = machine.bus_rate_numerator, machine.bus_rate_denominator
    twice = "twice the bandwidth"
    if 2 * rate <= full:
        yield twice, {"bus_rate_numerator": 2 * rate}
    wider = {"bus_bytes": 2 * machine.bus_bytes}
    buffer = {"load_buffer_bytes": 2 * machine.load_buffer_bytes}
    fifo = {"weight_fifo_tiles": 2 * machine.weight_fifo_tiles}
    for tied in ({}, buffer, fifo, buffer | fifo):
        yield twice, wider | tied
    if rate < full:
        yield f"{full / rate:.2f} times the bandwidth", {"bus_rate_numerator": full}


def _latency(machine: Machine) -> Iterator[tuple[str, dict[str, int]]]:
    """A memory that answers in half the time."""
    halved = {name: (getattr(machine, name) + 1) // 2 for name in ("read_latency_cycles", "write_latency_cycles")}
    yield "half the memory latency", halved


def _dram(machine: Machine) -> Iterator[tuple[str, dict[str, int]]]:
    """No DRAM behind the bus, where there is one: what its rows, banks and refreshes cost together."""
    yield "a memory without DRAM's banks", {"dram_banks": 0}


def _columns(machine: Machine) -> Iterator[tuple[str, dict[str, int]]]:
    """Twice the columns, each with as many accumulators as before."""
    doubled = {"columns": 2 * machine.columns, "accumulator_bytes": 2 * machine.accumulator_bytes}
    yield "twice the array's columns", doubled


def _wider(machine: Machine) -> Iterator[tuple[str, dict[str, int]]]:
    """Twice the columns and the bandwidth."""
    for (columns, wide), (bandwidth, fast) in itertools.product(_columns(machine), _bandwidth(machine)):
        yield f"{columns} and {bandwidth}", wide | fast


def _twice(words: str, field: str) -> Callable[[Machine], Iterator[tuple[str, dict[str, int]]]]:
    """Return a candidate that doubles one field."""

    def candidates(machine: Machine) -> Iterator[tuple[str, dict[str, int]]]:
        yield words, {field: 2 * getattr(machine, field)}

    return candidates


_KINDS = (
    _Kind("bandwidth", True, _bandwidth),
    _Kind("latency", True, _latency),
    _Kind("dram", False, _dram),
    _Kind("scratchpad", True, _twice("twice the scratchpad", "scratchpad_bytes")),
    _Kind("accumulators", True, _twice("twice the accumulators", "accumulator_bytes")),
    _Kind("columns", True, _columns),
    _Kind("rows", True, _twice("twice the array's rows", "rows")),
    _Kind("weight_fifo", False, _twice("twice the weight FIFO", "weight_fifo_tiles")),
    _Kind("queues", False, _twice("queues of twice the depth", "queue_depth")),
    _Kind("fetch_buffer", False, _twice("twice the fetch buffer", "fetch_buffer_instructions")),
)

VARIANTS = tuple(kind.name for kind in _KINDS)
"""The names of what is changed alone."""
WIDER = "columns_and_bandwidth"
"""The name of the array and the bus together: a machine may be balanced such that neither helps without the other."""


def machine_variants(machine: Machine) -> tuple[Variant, ...]:
    """Return the machine with one thing changed, for each of `VARIANTS` of which there is anything to change."""
    made = (_variant(machine, kind) for kind in _KINDS)
    return tuple(variant for variant in made if variant.changes)


def wider_machine(machine: Machine) -> Variant:
    """Return the machine with a wider array and the bandwidth that it needs: `WIDER`."""
    return _variant(machine, _Kind(WIDER, True, _wider))


def _variant(machine: Machine, kind: _Kind) -> Variant:
    """Return the first candidate that is legal, or the last one with the rule that it breaks."""
    illegal: Variant | None = None
    for words, values in kind.candidates(machine):
        changes = tuple(
            Change(field, getattr(machine, field), new) for field, new in values.items()
            if new != getattr(machine, field)
        )
        try:
            changed = parse_machine(machine.to_dict() | values)
        except MachineError as error:
            illegal = Variant(kind.name, words, changes, None, str(error), kind.compiled_for)
        else:
            return Variant(kind.name, words, changes, changed, "", kind.compiled_for)
    assert illegal is not None, "every kind has a candidate"
    return illegal
