"""Access ranges against an enumeration of every address, straight from the text of docs/isa.md."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.backend.accesses import Space, accesses
from machine.config import Machine, load_machine
from machine.isa import Instruction, Opcode, make

MACHINES = ["nano4", "edge4x8", "edge8x4"]
SMALL = st.integers(1, 3)
STRIDE = st.integers(0, 12)
Addresses = dict[tuple[Space, bool], set[int]]


def enumerated(machine: Machine, i: Instruction) -> Addresses:
    """Every address that an instruction touches, one at a time."""
    found: Addresses = {}
    granules, size, word = machine.granules_per_word, machine.granule_bytes, machine.block_bytes

    def touch(space: Space, write: bool, address: int) -> None:
        found.setdefault((space, write), set()).add(address)

    def lanes(write: bool, address: int, first: int, count: int) -> None:
        base = address % (1 << 18) // granules * granules * size
        for byte in range(base + first, base + first + count):
            touch(Space.SCRATCHPAD, write, byte // size)

    def aligned(write: bool, address: int, count: int) -> None:
        base = address % (1 << 18) * size // count * count
        for byte in range(base, base + count):
            touch(Space.SCRATCHPAD, write, byte // size)

    outer = [(d3, d2, d1) for d3, d2, d1 in itertools.product(
        *(range(i.values.get(f"count{n}", 1)) for n in (3, 2, 1)))]

    def at(side: str, d: tuple[int, int, int]) -> int:
        return sum(d[3 - n] * i[f"{side}_stride{n}"] for n in (1, 2, 3))

    if i.opcode is Opcode.LOAD:
        for d in outer:
            for b in range(i["line_bytes"]):
                touch(Space.MEMORY, False, (i["memory_address"] + at("memory", d) + b) % (1 << 32))
            for w in range(i["words"]):
                if i["space"]:
                    space = {1: Space.PARAMETER, 2: Space.TABLE}[i["space"]]
                    touch(space, True, i["destination"] + at("destination", d) + w)
                else:
                    address = i["destination"] + at("destination", d) + w * granules
                    lanes(True, address, i["lane_offset"], i["window_bytes"])
    elif i.opcode is Opcode.STORE:
        for d in outer:
            for b in range(i["words"] * i["window_bytes"]):
                touch(Space.MEMORY, True, (i["memory_address"] + at("memory", d) + b) % (1 << 32))
            for w in range(i["words"]):
                lanes(False, i["source"] + at("source", d) + w * i["word_stride"], i["lane_offset"], i["window_bytes"])
    elif i.opcode is Opcode.MATRIX:
        taps = list(itertools.product(*(range(i[f"tap_count{n}"]) for n in (2, 1, 0))))
        rows = list(itertools.product(*(range(i[f"row_count{n}"]) for n in (2, 1, 0))))
        for b, t, (m, r) in itertools.product(range(i["blocks"]), taps, enumerate(rows)):
            offset = sum(t[2 - n] * i[f"tap_stride{n}"] + r[2 - n] * i[f"row_stride{n}"] for n in (0, 1, 2))
            aligned(False, i["a"] + b * i["block_stride"] + offset, machine.rows)
            touch(Space.ACCUMULATOR, True, (i["accumulator"] + b * i["accumulator_stride"] + m) % (1 << 16))
    elif i.opcode is Opcode.VECTOR:
        names = ("block", "y", "x", "ky", "kx")
        counts = (i["blocks"], *(i[f"{name}_count"] for name in names[1:]))
        for position in itertools.product(*(range(count) for count in counts)):
            offset = {
                o: sum(p * i[f"{o}_{name}_stride"] for p, name in zip(position, names, strict=True)) for o in "ab"
            }
            if i["source"]:
                touch(Space.ACCUMULATOR, False, (i["a"] + offset["a"]) % (1 << 16))
            else:
                aligned(False, i["a"] + offset["a"], machine.columns)
            if i["reduce"] == 2 or i["use_residual"]:
                aligned(False, i["b"] + offset["b"], machine.columns)
            to = sum(p * i[f"d_{name}_stride"] for p, name in zip(position[:3], names[:3], strict=True))
            aligned(True, i["d"] + to, machine.columns)
        section = machine.parameter_words_per_section
        entries = range(i["parameters"], i["parameters"] + i["blocks"]) if i["rescale"] else []
        for b in range(256 * (i["table"] - 1), 256 * i["table"]) if i["table"] else []:
            touch(Space.TABLE, False, b // word)
        for entry in [*entries, *([i["record"]] if i["use_residual"] else [])]:
            for w in range(3 * section):
                touch(Space.PARAMETER, False, entry * 4 * section + w)
    elif i.opcode is Opcode.WEIGHTS:
        start = i["memory_address"] // machine.bus_bytes * machine.bus_bytes
        for b in range(i["tiles"] * machine.tile_bytes):
            touch(Space.MEMORY, False, start + b)
    return found


def described(machine: Machine, instruction: Instruction) -> Addresses:
    found: Addresses = {}
    for access in accesses(machine, instruction):
        assert (access.starts < access.stops).all()
        assert (access.starts[1:] > access.stops[:-1]).all()
        for start, stop in zip(access.starts, access.stops, strict=True):
            found.setdefault((access.space, access.write), set()).update(range(start, stop))
    return found


def _fields(draw: Any, opcode: Opcode, machine: Machine) -> dict[str, int]:
    address = st.one_of(st.integers(0, 400), st.integers((1 << 18) - 30, (1 << 18) - 1))
    fields: dict[str, int] = {}
    if opcode in (Opcode.LOAD, Opcode.STORE):
        side = "destination" if opcode is Opcode.LOAD else "source"
        window = draw(st.integers(1, machine.block_bytes))
        fields = {side: draw(st.integers(0, 400)), "memory_address": draw(st.integers(0, 400)), "words": draw(SMALL),
                  "window_bytes": window, "lane_offset": draw(st.integers(0, machine.block_bytes - window))}
        for n in (1, 2, 3):
            fields |= {f"count{n}": draw(SMALL), f"memory_stride{n}": draw(STRIDE), f"{side}_stride{n}": draw(STRIDE)}
        if opcode is Opcode.LOAD:
            fields |= {"line_bytes": draw(st.integers(0, 9)), "space": draw(st.integers(0, 2))}
        else:
            fields["word_stride"] = draw(STRIDE)
    elif opcode is Opcode.WEIGHTS:
        fields = {"memory_address": draw(st.integers(0, 400)), "tiles": draw(SMALL)}
    elif opcode is Opcode.MATRIX:
        fields = {"a": draw(address), "blocks": draw(SMALL), "block_stride": draw(STRIDE),
                  "accumulator": draw(st.integers(0, 65535)), "accumulator_stride": draw(STRIDE)}
        for kind, n in itertools.product(("row", "tap"), (0, 1, 2)):
            fields |= {f"{kind}_count{n}": draw(SMALL), f"{kind}_stride{n}": draw(STRIDE)}
    else:
        reduce = draw(st.integers(0, 2))
        fields = {"a": draw(address), "b": draw(address), "d": draw(address), "blocks": draw(SMALL), "reduce": reduce,
                  "use_residual": draw(st.integers(0, 1)) if reduce < 2 else 0, "rescale": draw(st.integers(0, 1)),
                  "source": draw(st.integers(0, 1)) if reduce < 2 else 0, "parameters": draw(st.integers(0, 9)),
                  "record": draw(st.integers(0, 9))}
        fields["table"] = 0 if fields["use_residual"] else draw(st.integers(0, 2))
        if fields["source"]:
            fields["a"] = draw(st.integers(0, 65535))
        for name in ("y", "x", "ky", "kx"):
            fields |= {f"{name}_count": draw(SMALL), f"a_{name}_stride": draw(STRIDE), f"b_{name}_stride": draw(STRIDE)}
        fields |= {f"{o}_block_stride": draw(STRIDE) for o in "abd"}
        fields |= {f"d_{name}_stride": draw(STRIDE) for name in "yx"}
    return fields


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_ranges_are_the_enumerated_addresses(data: Any) -> None:
    machine = load_machine(data.draw(st.sampled_from(MACHINES)))
    opcode = data.draw(st.sampled_from([o for o in Opcode if o is not Opcode.HALT]))
    instruction = make(opcode, **_fields(data.draw, opcode, machine))
    assert described(machine, instruction) == enumerated(machine, instruction)


def test_a_negative_stride_wraps() -> None:
    machine = load_machine("nano4")
    store = make(Opcode.STORE, source=10, words=3, word_stride=(1 << 18) - 2, window_bytes=4)
    assert described(machine, store) == {
        (Space.SCRATCHPAD, False): {6, 8, 10}, (Space.MEMORY, True): set(range(12)),
    }


@pytest.mark.parametrize("machine_name", MACHINES)
def test_halt_touches_nothing(machine_name: str) -> None:
    assert accesses(load_machine(machine_name), make(Opcode.HALT)) == ()
