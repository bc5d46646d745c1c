"""Random legal programs for a machine: the fuzzer that the simulator's two clocks and the Verilog share.

`random_program(machine, seed, length)` is deterministic. The program stands at memory address 0 of a memory of
`memory_bytes`; stores write only into its upper half, weights are read only from its lower half, loads read anywhere.
Conflicting accesses of different engines are ordered by tokens; every weight tile is consumed; the last instruction is
halt. Any bytes may be in memory. What an instruction reads and writes is taken as whole words and whole ranges, so
that some tokens order accesses that do not meet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

from machine.config import BURST_BYTES, SEGMENT_WORDS, TABLE_COUNT, Machine
from machine.isa import (
    INSTRUCTION_BYTES,
    Instruction,
    LoadSpace,
    Opcode,
    VectorReduce,
    VectorSource,
    make,
)
from runtime.fuzz.token_order import Draft, add_tokens

MEMORY_BYTES = 1 << 16
ACCUMULATOR_SLOT_ROWS = 16
"""Matrix instructions start at multiples of this many rows: so each visits a row at the same time of its pass, and no
row is visited again within fewer than `rows` cycles (docs/units/matrix.md)."""

MOST_TAPS = 256
"""Weight tiles that one dimension of a matrix instruction can take."""


def random_program(machine: Machine, seed: int, length: int, memory_bytes: int = MEMORY_BYTES) -> list[Instruction]:
    """Return a legal program of about `length` instructions (at least that many, halt included)."""
    maker = _Maker(machine, Random(seed), memory_bytes)
    drafts: list[Draft] = []
    while len(drafts) + 1 < length:
        drafts += maker.draw()
    drafts += maker.consume_tiles()
    if INSTRUCTION_BYTES * (len(drafts) + 1) > memory_bytes // 2:
        raise ValueError(f"{len(drafts) + 1} instructions do not fit the lower half of {memory_bytes} bytes")
    add_tokens(drafts, maker.random)
    program = [make(draft.opcode, wait=draft.wait, send=draft.send, **draft.values) for draft in drafts]
    return [*program, make(Opcode.HALT)]


def _range_bits(first: int, last: int) -> int:
    return (1 << (last + 1)) - (1 << first)


class _Maker:
    """Draws instructions; remembers how many weight tiles wait for a matrix instruction, and what has been loaded."""

    def __init__(self, machine: Machine, random: Random, memory_bytes: int) -> None:
        self.machine = machine
        self.random = random
        self.memory_bytes = memory_bytes
        self.tiles = 0
        self.loaded_entries: list[int] = []

    def draw(self) -> list[Draft]:
        """Return the next instruction or few."""
        kinds = [self.load, self.parameters, self.tables, self.weights, self.matrix, self.vector, self.store]
        (kind,) = self.random.choices(kinds, weights=[4, 2, 2, 2, 3, 4, 3])
        return kind()

    def small(self, most: int) -> int:
        """Return 1 to `most`, small numbers more often."""
        return self.random.randint(1, self.random.randint(1, max(1, most)))

    def strides(self, counts: Sequence[int], room: int) -> tuple[list[int], int]:
        """Return a stride for each count, and the span sum((count - 1) * stride), which is at most `room`."""
        strides, span = [], 0
        for count in counts:
            most = (room - span) // (count - 1) if count > 1 else room
            strides.append(self.random.randint(0, self.random.choice([min(most, 4), most])))
            span += (count - 1) * strides[-1]
        return strides, span

    def words(self, base: int, span: int) -> int:
        """Return the mask of the scratchpad words of the granules [base, base + span]."""
        each = self.machine.granules_per_word
        return _range_bits(base // each, (base + span) // each)

    def memory(self, first: int, last: int) -> int:
        """Return the mask of the 64-byte pieces of the bytes [first, last]."""
        return _range_bits(first // 64, last // 64)

    def load(self) -> list[Draft]:
        """Memory to scratchpad, any window; or fill only."""
        machine, random = self.machine, self.random
        each = machine.granules_per_word
        words = self.small(3 * SEGMENT_WORDS)
        window = self.small(machine.block_bytes)
        stride, pad = random.choice([window, random.randint(0, 2 * window)]), random.randint(0, window)
        line_bytes = self.line_bytes(words, window, stride, pad)
        counts = [self.small(4), self.small(3), self.small(2)]
        outer, span = self.strides(counts, machine.scratchpad_granules // 4)
        last = span + words * each - 1
        destination = random.randrange(machine.scratchpad_granules - last)
        reads, fields = self.memory_lines(counts, max(line_bytes, 1), 0)
        values = {
            "line_bytes": line_bytes, "destination": destination, "words": words,
            "window_bytes": window, "window_stride": stride, "window_pad": pad,
            "lane_offset": random.randint(0, machine.block_bytes - window), "fill": random.randint(-128, 127),
            **fields, **{f"destination_stride{n}": outer[n - 1] for n in (1, 2, 3)},
        }
        writes = {"scratchpad": self.words(destination, last)}
        return [Draft(Opcode.LOAD, values, {"memory": reads} if line_bytes else {}, writes)]

    def line_bytes(self, words: int, window: int, stride: int, pad: int) -> int:
        """Return the bytes of a line that the read buffer can always take (docs/units/load.md)."""
        machine, natural = self.machine, max(1, words * stride + window - pad)
        line_bytes = self.random.choice([0, natural, natural, self.random.randint(1, 2 * natural)])
        line_bytes = min(line_bytes, self.memory_bytes // 4)
        slack = machine.bus_bytes + BURST_BYTES
        last_segment = (words - 1) // SEGMENT_WORDS * SEGMENT_WORDS
        tail = line_bytes - max(0, last_segment * stride - pad)
        streams = (SEGMENT_WORDS - 1) * stride + window + slack <= machine.load_buffer_bytes
        if streams and tail + slack <= machine.load_buffer_bytes:
            return line_bytes
        return min(line_bytes, machine.load_buffer_bytes - 2 * machine.bus_bytes)

    def memory_lines(self, counts: Sequence[int], line_bytes: int, lowest: int) -> tuple[int, dict[str, int]]:
        """Return (mask, fields) of lines of memory that lie in [lowest, memory_bytes)."""
        room = (self.memory_bytes - lowest) // 2 - line_bytes
        strides, span = self.strides(counts, room)
        first = self.random.randint(lowest, self.memory_bytes - span - line_bytes)
        fields = {"memory_address": first}
        for number, (count, stride) in enumerate(zip(counts, strides, strict=True), start=1):
            fields |= {f"count{number}": count, f"memory_stride{number}": stride}
        return self.memory(first, first + span + line_bytes - 1), fields

    def parameters(self) -> list[Draft]:
        """Memory to whole entries of the parameter memory."""
        machine = self.machine
        entry_words = 4 * machine.parameter_words_per_section
        entries = self.small(min(4, machine.parameter_entries))
        entry = self.random.randint(0, machine.parameter_entries - entries)
        words = self.random.choice([entries * entry_words, self.random.randint(1, entries * entry_words)])
        line_bytes = min(words * machine.block_bytes, machine.load_buffer_bytes - 2 * machine.bus_bytes)
        reads, fields = self.memory_lines([1, 1, 1], line_bytes, 0)
        values = {
            "space": LoadSpace.PARAMETERS, "line_bytes": line_bytes, "destination": entry * entry_words,
            "words": words, "window_bytes": machine.block_bytes, "window_stride": machine.block_bytes, **fields,
        }
        self.loaded_entries += range(entry, entry + entries)
        writes = {"parameters": _range_bits(entry, entry + entries - 1)}
        return [Draft(Opcode.LOAD, values, {"memory": reads}, writes)]

    def entry(self, count: int) -> int:
        """Return the first of `count` parameter entries, more often one that has been loaded."""
        last = self.machine.parameter_entries - count
        loaded = [entry for entry in self.loaded_entries if entry <= last]
        return self.random.choice(loaded) if loaded and self.random.random() < 0.8 else self.random.randint(0, last)

    def tables(self) -> list[Draft]:
        """Memory to words of the table memory, often a whole table, in one or two lines; or fill only."""
        machine, random = self.machine, self.random
        block, size = machine.block_bytes, machine.table_words
        lines = random.randint(1, 2)
        words = random.choice([size // 2, random.randint(1, size // lines)])
        (line_stride,), span = self.strides([lines], size - words)
        destination = random.choice([0, size - words - span, random.randint(0, size - words - span)])
        stride, pad = random.choice([(block, 0), (random.randint(0, 2 * block), random.randint(0, block))])
        line_bytes = self.line_bytes(words, block, stride, pad)
        reads, fields = self.memory_lines([lines, 1, 1], max(line_bytes, 1), 0)
        values = {
            "space": LoadSpace.TABLES, "line_bytes": line_bytes, "destination": destination, "words": words,
            "window_bytes": block, "window_stride": stride, "window_pad": pad, "fill": random.randint(-128, 127),
            "destination_stride1": line_stride, **fields,
        }
        writes = {"tables": _range_bits(destination, destination + span + words - 1)}
        return [Draft(Opcode.LOAD, values, {"memory": reads} if line_bytes else {}, writes)]

    def weights(self) -> list[Draft]:
        """Tiles into the FIFO, no more than it holds; or, with a matrix instruction at once, many more."""
        machine, capacity = self.machine, self.machine.weight_fifo_tiles
        most = min(MOST_TAPS, self.memory_bytes // 2 // machine.tile_bytes - 1)
        if self.tiles == 0 and most > capacity and self.random.random() < 0.1:
            count = self.random.randint(capacity + 1, min(most, 2 * capacity))
            (matrix,) = self.matrix_of([count, 1, 1], 1)
            matrix.extra_tokens = False
            return [self.weights_of(count), matrix]
        count = min(self.small(12), capacity - self.tiles, most)
        if count <= 0:
            return []
        self.tiles += count
        return [self.weights_of(count)]

    def weights_of(self, tiles: int) -> Draft:
        total = tiles * self.machine.tile_bytes
        first = self.random.randint(0, self.memory_bytes // 2 - total)
        values = {"memory_address": first, "tiles": tiles, "zero_point": self.random.randint(-128, 127)}
        return Draft(Opcode.WEIGHTS, values, {"memory": self.memory(max(0, first - 64), first + total - 1)})

    def matrix(self) -> list[Draft]:
        """Consume some of the tiles that have been pushed."""
        if self.tiles == 0:
            return []
        taps = [1, 1, 1]
        for index in self.random.sample(range(3), 3):
            taps[index] = self.small(min(4, self.tiles // math.prod(taps)))
        slots = self.machine.accumulator_half_rows // ACCUMULATOR_SLOT_ROWS
        blocks = self.small(min(4, slots or 1, self.tiles // math.prod(taps)))
        self.tiles -= math.prod(taps) * blocks
        return self.matrix_of(taps, blocks)

    def consume_tiles(self) -> list[Draft]:
        """Return what empties the FIFO."""
        left, self.tiles = self.tiles, 0
        counts = [min(MOST_TAPS, left - first) for first in range(0, left, MOST_TAPS)]
        return [draft for count in counts for draft in self.matrix_of([count, 1, 1], 1)]

    def matrix_of(self, taps: list[int], blocks: int) -> list[Draft]:
        machine, random = self.machine, self.random
        slot = min(ACCUMULATOR_SLOT_ROWS, machine.accumulator_half_rows)
        slots = machine.accumulator_half_rows // slot
        rows = [self.small(6), self.small(3), self.small(2)]
        while math.prod(rows) > slot:
            rows[0] -= 1
        block_slots = random.randint(0, (slots - 1) // (blocks - 1)) if blocks > 1 else 0
        first_slot = random.randint(0, slots - 1 - (blocks - 1) * block_slots)
        half = random.randint(0, 1) * machine.accumulator_half_rows
        quarter = machine.scratchpad_granules // 4
        row_strides, a_span = self.strides(rows, random.choice([16, quarter]))
        tap_strides, tap_span = self.strides([*taps, blocks], random.choice([16, quarter]))
        a = random.randint(0, machine.scratchpad_granules - 1 - a_span - tap_span)
        accumulator = half + first_slot * slot
        values = {
            "a": a, "a_span": a_span, "blocks": blocks, "block_stride": tap_strides[3],
            "accumulator": accumulator, "accumulator_stride": block_slots * slot,
            "accumulate": random.randint(0, 1), "zero_point": random.randint(-128, 127),
            **{f"row_count{n}": rows[n] for n in range(3)}, **{f"row_stride{n}": row_strides[n] for n in range(3)},
            **{f"tap_count{n}": taps[n] for n in range(3)}, **{f"tap_stride{n}": tap_strides[n] for n in range(3)},
        }
        touched = _range_bits(accumulator, accumulator + (blocks - 1) * block_slots * slot + math.prod(rows) - 1)
        reads = {"scratchpad": self.words(a, a_span + tap_span), "accumulators": touched}
        return [Draft(Opcode.MATRIX, values, reads, {"accumulators": touched})]

    def vector(self) -> list[Draft]:
        """Any reduction of operands that lie in different banks, and what follows; often a store of the results.

        Results do not overlap operands.
        """
        machine, random = self.machine, self.random
        source = random.choice(list(VectorSource))
        reduce = random.choice([r for r in VectorReduce if r != VectorReduce.MAC or source == VectorSource.SCRATCHPAD])
        residual = 0 if reduce == VectorReduce.MAC else random.randint(0, 1)
        counts = [self.small(4), self.small(4), self.small(8), self.small(3), self.small(3)]
        half, bank = machine.accumulator_half_rows, machine.bank_granules
        banks = random.sample(range(machine.scratchpad_banks), 3)
        values = {
            "source": source, "reduce": reduce, "use_residual": residual, "rescale": random.randint(0, 1),
            "subtract": random.randint(0, residual), "table": 0 if residual else random.randint(0, 2),
            **dict(zip(("blocks", "y_count", "x_count", "ky_count", "kx_count"), counts, strict=True)),
            **{name: random.randint(-128, 127) for name in ("a_zero_point", "b_zero_point", "zero_point", "low")},
            "parameters": self.entry(counts[0]), "record": self.entry(1),
        }
        values["high"] = random.randint(values["low"], 127)
        reads = {"parameters": _range_bits(values["parameters"], values["parameters"] + counts[0] - 1)}
        reads["parameters"] |= 1 << values["record"]
        if values["table"]:
            last = values["table"] * (machine.table_words // TABLE_COUNT) - 1
            reads["tables"] = _range_bits(last + 1 - machine.table_words // TABLE_COUNT, last)
        if source == VectorSource.ACCUMULATOR:
            first = self.operand(values, "a", counts, random.randint(0, 1) * half, half)
            reads["accumulators"] = _range_bits(first, first + values["a_span"])
            reads["scratchpad"] = 0
        else:
            reads["scratchpad"] = self.words(self.operand(values, "a", counts, banks[0] * bank, bank), values["a_span"])
        b = self.operand(values, "b", counts, banks[1] * bank, bank)
        if reduce == VectorReduce.MAC or residual:
            reads["scratchpad"] |= self.words(b, values["b_span"])
        d = self.operand(values, "d", counts[:3], banks[2] * bank, bank)
        vector = Draft(Opcode.VECTOR, values, reads, {"scratchpad": self.words(d, values["d_span"])})
        return [vector, self.store_of(d, values["d_span"])] if random.random() < 0.5 else [vector]

    def store_of(self, base: int, span: int) -> Draft:
        """Return a store of the words of the granules [base, base + span], at most 64 of them, in one line."""
        machine = self.machine
        each = machine.granules_per_word
        words = min(64, (base + span) // each - base // each + 1)
        written, fields = self.memory_lines([1, 1, 1], words * machine.block_bytes, self.memory_bytes // 2)
        values = {
            "source": base, "source_span": (words - 1) * each, "words": words, "word_stride": each,
            "window_bytes": machine.block_bytes, **fields,
        }
        return Draft(Opcode.STORE, values, {"scratchpad": self.words(base, (words - 1) * each)}, {"memory": written})

    def operand(self, values: dict[str, int], name: str, counts: Sequence[int], base: int, size: int) -> int:
        """Choose address, span and strides of an operand in [base, base + size); return the address."""
        strides, span = self.strides(counts, self.random.choice([min(size - 1, 32), size - 1]))
        values |= {name: base + self.random.randint(0, size - 1 - span), f"{name}_span": span}
        dimensions = ("block", "y", "x", "ky", "kx")[: len(counts)]
        values |= {f"{name}_{where}_stride": stride for where, stride in zip(dimensions, strides, strict=True)}
        return values[name]

    def store(self) -> list[Draft]:
        """Scratchpad to the upper half of memory."""
        machine, random = self.machine, self.random
        words, window = self.small(40), self.small(machine.block_bytes)
        counts = [self.small(4), self.small(3), self.small(2)]
        (word_stride,), source_span = self.strides([words], random.choice([64, machine.scratchpad_granules // 4]))
        outer, span = self.strides(counts, random.choice([64, machine.scratchpad_granules // 4]))
        source = random.randrange(machine.scratchpad_granules - span - source_span)
        written, fields = self.memory_lines(counts, words * window, self.memory_bytes // 2)
        values = {
            "source": source, "source_span": source_span, "words": words, "word_stride": word_stride,
            "window_bytes": window, "lane_offset": random.randint(0, machine.block_bytes - window),
            **fields, **{f"source_stride{n}": outer[n - 1] for n in (1, 2, 3)},
        }
        reads = {"scratchpad": self.words(source, span + source_span)}
        return [Draft(Opcode.STORE, values, reads, {"memory": written})]
