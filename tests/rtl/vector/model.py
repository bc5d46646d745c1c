"""The vector engine by its page (docs/units/vector.md, docs/timing.md), cycle by cycle, free of cocotb.

`VectorModel.observe` says what the engine must show in a cycle, `VectorModel.finish_cycle` moves on. Everything is
written from the page's formulas: a granted instruction is remembered with its grant cycle `S` and its reads `n`, and
holds, writes and retirements are computed from these.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from machine import isa, numerics
from machine.config import TABLE_BYTES, TABLE_COUNT, VECTOR_LATENCY_CYCLES
from machine.isa import Instruction, VectorReduce, VectorSource

ADDRESSES = 1 << 18
MULTIPLIER_MASK = (1 << 31) - 1
LOOPS = ("block", "y", "x", "ky", "kx")


@dataclass(frozen=True)
class Shape:
    """The sizes of the machine under test."""

    rows: int
    columns: int
    banks: int
    bank_words: int
    accumulator_rows: int
    entries: int

    @property
    def word(self) -> int:
        return max(self.rows, self.columns)

    @property
    def granule(self) -> int:
        return min(self.rows, self.columns)

    @property
    def bank_granules(self) -> int:
        return self.bank_words * self.word // self.granule

    @property
    def granules(self) -> int:
        return self.banks * self.bank_granules


@dataclass
class Memories:
    """Scratchpad bytes, accumulators, parameter entries [entry, section, lane] and tables [table, entry]."""

    shape: Shape
    scratchpad: npt.NDArray[np.int8]
    accumulators: npt.NDArray[np.int32]
    parameters: npt.NDArray[np.int32]
    tables: npt.NDArray[np.int8]

    def row(self, address: int) -> slice:
        """Bytes of the `columns` bytes at a granule (lower address bits ignored, wrapping at the scratchpad's end)."""
        first = address % self.shape.granules * self.shape.granule
        first -= first % self.shape.columns
        return slice(first, first + self.shape.columns)


def uses_b(instruction: Instruction) -> bool:
    return bool(instruction["use_residual"]) or instruction["reduce"] == VectorReduce.MAC


def counts(instruction: Instruction) -> dict[str, int]:
    return {"block": instruction["blocks"]} | {name: instruction[f"{name}_count"] for name in LOOPS[1:]}


def taps(instruction: Instruction) -> list[dict[str, int]]:
    """Loop indices of every read, in order."""
    sizes = counts(instruction)
    return [dict(zip(LOOPS, index, strict=True)) for index in np.ndindex(*(sizes[name] for name in LOOPS))]


def address(instruction: Instruction, operand: str, index: Mapping[str, int]) -> int:
    """Address of an operand (a, b or d) at the loop indices."""
    names = LOOPS[:3] if operand == "d" else LOOPS
    offset = sum(index[name] * instruction[f"{operand}_{name}_stride"] for name in names)
    return (instruction[operand] + offset) % ADDRESSES


def result(
    instruction: Instruction, memories: Memories, reads: list[tuple[npt.NDArray[np.int32], ...]], block: int
) -> npt.NDArray[np.int8]:
    """The bytes of one result from the rows of A and B that its taps read."""
    a = np.stack([row[0] for row in reads]).astype(np.int64)
    b = np.stack([row[1] for row in reads]).astype(np.int64)
    if instruction["reduce"] == VectorReduce.MAX:
        value = a.max(axis=0)
    else:
        terms = a - (instruction["a_zero_point"] if instruction["source"] == VectorSource.SCRATCHPAD else 0)
        if instruction["reduce"] == VectorReduce.MAC:
            terms = terms * (b - instruction["b_zero_point"])
        value = terms.sum(axis=0)
    x0 = numerics.wrap32(value)
    low, high, zero_point = instruction["low"], instruction["high"], instruction["zero_point"]
    if instruction["rescale"]:
        entry = memories.parameters[(instruction["parameters"] + block) % memories.shape.entries]
        left, right = entry[2] & 31, entry[2] >> 8 & 31
        v = numerics.finish(x0, entry[0], entry[1] & MULTIPLIER_MASK, left, right, zero_point, low, high)
    else:
        v = numerics.clamp_int8(x0, low, high)
    if instruction["use_residual"]:
        record = memories.parameters[instruction["record"] % memories.shape.entries]
        scales = [numerics.Rescale(int(record[0, i]), int(record[1, i]), int(record[2, i])) for i in range(3)]
        last = b[-1].astype(np.int8)
        v = numerics.add(
            v,
            zero_point,
            last,
            instruction["b_zero_point"],
            numerics.AddRescale(*scales),
            int(record[0, 3]),
            int(record[1, 3]),
            int(record[2, 3]),
            subtract=bool(instruction["subtract"]),
        )
    if instruction["table"]:
        v = numerics.look_up(v, memories.tables[instruction["table"] - 1])
    return v


@dataclass
class Request:
    """What an instruction claims, and whether it reaches outside."""

    reads: int
    writes: int
    halves: int
    error: bool


def request(shape: Shape, instruction: Instruction) -> Request:
    """Masks of an instruction's claims (bit = bank or half) and its address error."""

    def banks(operand: str) -> set[int]:
        first = instruction[operand]
        last = first + instruction[f"{operand}_span"]
        return set(range(first // shape.bank_granules, last // shape.bank_granules + 1))

    def mask(numbers: set[int]) -> int:
        return sum(1 << bank for bank in numbers if bank < shape.banks)

    d = banks("d")
    b = banks("b") if uses_b(instruction) else set()
    a: set[int] = set()
    halves, error = 0, False
    if instruction["source"] == VectorSource.SCRATCHPAD:
        a = banks("a")
        error = bool(a & b)
    else:
        half_rows = shape.accumulator_rows // 2
        first, last = instruction["a"], instruction["a"] + instruction["a_span"]
        halves = 1 << (first // half_rows % 2)
        error = last >= shape.accumulator_rows or first // half_rows != last // half_rows
    error = error or any(bank >= shape.banks for bank in a | b | d)
    return Request(mask(a | b), mask(d), halves, error)


@dataclass
class Granted:
    """An instruction after its grant in `start`."""

    instruction: Instruction
    request: Request
    start: int
    taps: list[dict[str, int]]
    rows: list[tuple[npt.NDArray[np.int32], ...]] = field(default_factory=list)

    @property
    def last_read(self) -> int:
        return self.start + len(self.taps)

    @property
    def retire(self) -> int:
        return self.last_read + VECTOR_LATENCY_CYCLES


@dataclass
class Seen:
    """What the engine shows in a cycle."""

    presents: bool = False
    asks: bool = False
    hold_read: int = 0
    hold_write: int = 0
    hold_halves: int = 0
    error: bool = False
    read_a: int | None = None
    read_b: int | None = None
    read_accumulator: int | None = None
    write: tuple[int, bytes] | None = None
    retire: int | None = None
    idle: bool = True


class VectorModel:
    """The engine. In each cycle: `observe`, then `finish_cycle` with the arbitration's and the queue's outcome."""

    def __init__(self, shape: Shape, memories: Memories) -> None:
        self.shape, self.memories = shape, memories
        self.cycle = 0
        self.active: Instruction | None = None
        self.granted: list[Granted] = []
        self.writes: dict[int, tuple[int, bytes]] = {}

    @property
    def idle(self) -> bool:
        """Nothing active, and nothing in flight before this cycle."""
        return self.active is None and all(entry.retire < self.cycle for entry in self.granted)

    def observe(self) -> Seen:
        """Return what holds in this cycle whatever the arbitration says."""
        t, seen = self.cycle, Seen()
        self.granted = [entry for entry in self.granted if entry.retire >= t]
        for entry in self.granted:
            if entry.start + 1 <= t <= entry.last_read - 1:
                seen.hold_read |= entry.request.reads
                seen.hold_halves |= entry.request.halves
            if entry.start + 1 <= t <= entry.last_read + VECTOR_LATENCY_CYCLES - 1:
                seen.hold_write |= entry.request.writes
            if t == entry.retire:
                seen.retire = entry.instruction["send"]
            if entry.start < t <= entry.last_read:
                self._read(entry, t - entry.start - 1, seen)
        seen.write = self.writes.pop(t, None)
        if self.active is not None:
            wanted = request(self.shape, self.active)
            seen.presents = not any(entry.start < t < entry.last_read for entry in self.granted)
            seen.asks = seen.presents and not wanted.reads & seen.hold_write
            seen.error = seen.presents and wanted.error
        seen.idle = self.idle
        return seen

    def _read(self, entry: Granted, number: int, seen: Seen) -> None:
        instruction, index = entry.instruction, entry.taps[number]
        nothing = np.zeros(self.shape.columns, dtype=np.int32)
        a, b = nothing, nothing
        if instruction["source"] == VectorSource.SCRATCHPAD:
            seen.read_a = address(instruction, "a", index)
            a = self.memories.scratchpad[self.memories.row(seen.read_a)].astype(np.int32)
        else:
            seen.read_accumulator = address(instruction, "a", index) % (1 << 16)
            a = self.memories.accumulators[seen.read_accumulator % self.shape.accumulator_rows].copy()
        if uses_b(instruction):
            seen.read_b = address(instruction, "b", index)
            b = self.memories.scratchpad[self.memories.row(seen.read_b)].astype(np.int32)
        entry.rows.append((a, b))
        if index["ky"] + 1 == instruction["ky_count"] and index["kx"] + 1 == instruction["kx_count"]:
            values = result(instruction, self.memories, entry.rows, index["block"])
            entry.rows.clear()
            self.writes[self.cycle + VECTOR_LATENCY_CYCLES] = (address(instruction, "d", index), values.tobytes())

    def state(self, seen: Seen, grant: bool, issue: bool, bank_denied: bool) -> str:
        """Name of the engine's state of this cycle."""
        if any(entry.start < self.cycle <= entry.last_read for entry in self.granted):
            return "busy"
        if grant or issue:
            return "start"
        if seen.presents:
            return "wait_bank" if bank_denied or not seen.asks else "wait_accumulator"
        return "drain" if self.granted else "idle"

    def quiet(self, grant: bool, issue: bool) -> bool:
        """Say whether nothing happens in this cycle that the deadlock rule calls an event."""
        return not (grant or issue or self.granted)

    def finish_cycle(self, seen: Seen, grant: bool, issued: Instruction | None) -> None:
        """Move on to the next cycle."""
        if seen.write is not None:
            where, data = seen.write
            self.memories.scratchpad[self.memories.row(where)] = np.frombuffer(data, dtype=np.int8)
        if grant:
            assert self.active is not None
            entry = Granted(self.active, request(self.shape, self.active), self.cycle, taps(self.active))
            self.granted.append(entry)
            self.active = None
        if issued is not None:
            assert self.active is None
            self.active = issued
        self.cycle += 1


def random_memories(shape: Shape) -> Memories:
    """Memories full of random values: accumulators of all magnitudes, sensible and extreme parameters."""
    generator = np.random.default_rng(random.getrandbits(32))
    scratchpad = generator.integers(-128, 128, shape.granules * shape.granule, dtype=np.int8)
    size = (shape.accumulator_rows, shape.columns)
    accumulators = generator.integers(-(2**31), 2**31, size, dtype=np.int32)
    accumulators >>= generator.integers(0, 32, size, dtype=np.int32)
    parameters = np.zeros((shape.entries, 3, shape.columns), dtype=np.int32)
    for entry in range(shape.entries):
        if entry % 2:
            parameters[entry] = _record(shape, generator)
        else:
            parameters[entry] = _channels(shape, generator)
    return Memories(shape, scratchpad, accumulators, parameters, random_tables(generator))


def random_tables(generator: np.random.Generator) -> npt.NDArray[np.int8]:
    """Return tables of random bytes."""
    return generator.integers(-128, 128, (TABLE_COUNT, TABLE_BYTES), dtype=np.int8)


def _channels(shape: Shape, generator: np.random.Generator) -> npt.NDArray[np.int32]:
    lanes = shape.columns
    bias = generator.integers(-(2**31), 2**31, lanes) >> generator.integers(0, 32, lanes)
    multiplier = generator.integers(2**30, 2**31, lanes) >> generator.choice([0, 0, 0, 12], lanes)
    left = generator.choice([0, 0, 0, 1, 7, 31], lanes)
    right = generator.integers(0, 32, lanes)
    return np.stack([bias, multiplier, left | right << 8]).astype(np.int32)


def _record(shape: Shape, generator: np.random.Generator) -> npt.NDArray[np.int32]:
    lanes = generator.integers(0, 2**31, (3, shape.columns)).astype(np.int32)
    typical = numerics.add_rescale(*(float(x) for x in generator.uniform(0.01, 0.1, 3)))
    scales = (typical.a, typical.b, typical.out)
    if generator.random() < 0.3:
        numbers = [(int(generator.integers(2**31)), *map(int, generator.integers(0, 32, 2))) for _ in range(3)]
        scales = tuple(numerics.Rescale(*number) for number in numbers)
    for i, scale in enumerate(scales):
        lanes[:, i] = scale.multiplier, scale.left, scale.right
    low, high = sorted(int(x) for x in generator.integers(-128, 128, 2))
    if generator.random() < 0.6:
        low, high = -128, 127
    lanes[:, 3] = int(generator.integers(-128, 128)), low, high
    return lanes


def with_table(instruction: Instruction, table: int) -> Instruction:
    """Return the instruction, with its results looked up in a table (1, 2) in place of a residual addition."""
    values = dict(instruction.values) | {"use_residual": 0, "subtract": 0, "table": table}
    del values["opcode"]
    return isa.make(isa.Opcode.VECTOR, **values)


def random_instruction(shape: Shape) -> Instruction:
    """One legal instruction of any mode; now and then one whose ranges reach outside."""
    mode = random.choice(("sum", "sum", "max", "mac", "mac", "accumulator", "accumulator"))
    residual = mode != "mac" and random.random() < 0.5
    sizes = {name: random.choice((1, 1, 1, 2, 3)) for name in LOOPS}
    if random.random() < 0.3:
        sizes = dict.fromkeys(LOOPS, 1)
    elif random.random() < 0.2:
        sizes["x"] = random.randrange(10, 40)
    elif random.random() < 0.04:
        sizes[random.choice(LOOPS)] = random.randrange(200, 257)
    low, high = sorted(random.randrange(-128, 128) for _ in range(2))
    if random.random() < 0.7:
        low, high = -128, 127
    values: dict[str, int] = {
        "wait": random.getrandbits(5) & ~(1 << isa.Engine.VECTOR),
        "send": random.getrandbits(5) & ~(1 << isa.Engine.VECTOR),
        "source": VectorSource.ACCUMULATOR if mode == "accumulator" else VectorSource.SCRATCHPAD,
        "reduce": {"max": VectorReduce.MAX, "mac": VectorReduce.MAC}.get(mode, VectorReduce.SUM),
        "use_residual": int(residual),
        "subtract": int(residual and random.random() < 0.5),
        "table": 0 if residual else random.choice((0, 1, 2)),
        "rescale": int(random.random() < 0.7),
        "blocks": sizes["block"],
        **{f"{name}_count": sizes[name] for name in LOOPS[1:]},
        "low": low,
        "high": high,
        "parameters": random.randrange(0, shape.entries, 2),
        "record": random.randrange(1, shape.entries, 2),
        **{name: random.choice((-128, 127, random.randrange(-128, 128)))
           for name in ("a_zero_point", "b_zero_point", "zero_point")},
    }  # fmt: skip
    if mode == "accumulator" and random.random() < 0.3:
        values["reduce"] = VectorReduce.MAX
    banks = random.sample(range(shape.banks), 2)
    for operand, bank in (("a", banks[0]), ("b", banks[1]), ("d", random.randrange(shape.banks))):
        values |= _operand(shape, operand, bank, sizes, values["source"])
    return isa.make(isa.Opcode.VECTOR, **values)


def _operand(shape: Shape, operand: str, bank: int, sizes: Mapping[str, int], source: int) -> dict[str, int]:
    names = LOOPS[:3] if operand == "d" else LOOPS
    step = 1 if shape.rows >= shape.columns else shape.columns // shape.granule
    size, first = shape.bank_granules, bank * shape.bank_granules
    if operand == "a" and source == VectorSource.ACCUMULATOR:
        step, size = 1, shape.accumulator_rows // 2
        first = random.randrange(2) * size
    elif operand != "d" and random.random() < 0.2:
        size += shape.bank_granules  # may share a bank with the other operand, or end outside
    base = first + random.randrange(size)
    strides = {name: step * random.choice((0, 1, 1, 2)) for name in names}
    span = sum((sizes[name] - 1) * strides[name] for name in names)
    if random.random() < 0.95:
        base = max(first, min(base, first + size - 1 - span))
    if random.random() < 0.1:
        span += random.randrange(4)
    if random.random() < 0.02:
        base = random.randrange(ADDRESSES)
    if random.random() < 0.1:
        # The claims go by base and span alone, and addresses wrap: any stride.
        strides, span = {name: random.randrange(ADDRESSES) for name in names}, 0
    return {operand: base, f"{operand}_span": span} | {f"{operand}_{name}_stride": strides[name] for name in names}
