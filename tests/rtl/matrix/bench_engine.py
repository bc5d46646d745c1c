"""The matrix engine: random programs, denials and weight arrivals; every output in every cycle against the law."""

from __future__ import annotations

import os
import random
from collections import Counter
from typing import Any

import cocotb
import numpy as np

from machine.isa import Opcode, make
from machine.registers import EngineState
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.matrix.schedule import Matrix, Schedule, build
from tests.rtl.queue_entry import queue_entry

P = parameters()
ROWS, COLUMNS, BANKS, ACC_ROWS = P["ROWS"], P["COLUMNS"], P["BANKS"], P["ACC_ROWS"]
HALF = ACC_ROWS // 2
GRANULE = min(ROWS, COLUMNS)
BANK_GRANULES = P["BANK_WORDS"] * max(ROWS, COLUMNS) // GRANULE
GRANULES = BANKS * BANK_GRANULES
PROGRAMS = int(os.environ.get("TPUKIT_PROGRAMS", "24"))
COVERING_PROGRAMS = 24
"""So many random programs must show every state and every coincidence; fewer may miss one."""


def encoded(instruction: Matrix) -> int:
    values = {
        "a": instruction.a,
        "a_span": instruction.a_span,
        "blocks": instruction.blocks,
        "block_stride": instruction.block_stride,
        "accumulator": instruction.accumulator,
        "accumulator_stride": instruction.accumulator_stride,
        "accumulate": instruction.accumulate,
        "zero_point": instruction.zero_point,
        "send": instruction.send,
        "wait": random.getrandbits(5) & 0b11011,
    }
    for i in range(3):
        values[f"row_count{i}"] = instruction.row_counts[i]
        values[f"row_stride{i}"] = instruction.row_strides[i]
        values[f"tap_count{i}"] = instruction.tap_counts[i]
        values[f"tap_stride{i}"] = instruction.tap_strides[i]
    return queue_entry(make(Opcode.MATRIX, **values))


def bank_mask(first: int, last: int) -> int:
    return sum(1 << k for k in range(BANKS) if first // BANK_GRANULES <= k <= last // BANK_GRANULES)


def half_mask(row: int) -> int:
    return 2 if row % ACC_ROWS >= HALF else 1


def counts(limit: int) -> tuple[int, int, int]:
    """Return three loop counts with a product of at most `limit`, often all of them above 1."""
    while True:
        c0, c1, c2 = (random.choice([1, 2, 2, 3, random.randint(1, limit)]) for _ in range(3))
        if c0 * c1 * c2 <= limit:
            return c0, c1, c2


def random_instruction(short: bool) -> Matrix:
    while True:
        row_counts = counts(random.choice([1, 3, ROWS, 3 * ROWS]))
        m = row_counts[0] * row_counts[1] * row_counts[2]
        row_strides = tuple(random.choice([0, 1, 2, random.randrange(24)]) for _ in range(3))
        tap_counts = counts(random.choice([1, 2, 4 if short else 12]))
        blocks = random.choice([1, 1, 2, 3])
        instruction = Matrix(
            a=random.randrange(GRANULES),
            a_span=sum((c - 1) * s for c, s in zip(row_counts, row_strides, strict=True)),
            row_counts=row_counts,
            row_strides=row_strides,
            tap_counts=tap_counts,
            tap_strides=tuple(random.randint(-20, 20) % 2**18 for _ in range(3)),
            blocks=blocks,
            block_stride=random.randint(-40, 40) % 2**18,
            accumulator=random.choice([0, HALF, random.randrange(ACC_ROWS)]),
            accumulator_stride=random.choice([0, m, HALF, HALF + m, random.randint(-8, 8) % 2**16]),
            accumulate=random.randrange(2),
            zero_point=random.choice([-128, 127, random.randint(-128, 127)]),
            send=random.getrandbits(5) & 0b11011,
        )
        inside = all(
            first + instruction.a_span < GRANULES and row + m <= ACC_ROWS and row // HALF == (row + m - 1) // HALF
            for first, row, _ in instruction.passes()
        )
        if inside:
            return instruction


class Program:
    """A random program, its surroundings and its schedule."""

    def __init__(self, generator: np.random.Generator) -> None:
        self.granules = generator.integers(-128, 128, (GRANULES, GRANULE))
        while True:
            self.instructions = [random_instruction(random.random() < 0.8) for _ in range(random.randint(1, 8))]
            tokens = random.choice([0, 0, 20, 80])
            gap = 0
            ready = []
            for _ in self.instructions:
                gap += random.randint(0, tokens)
                ready.append(gap)
            self.ready = ready
            total = sum(len(instruction.passes()) for instruction in self.instructions)
            # The tile after the last one is shifted in; one more stays in the FIFO.
            pace = random.choice([0, 0, ROWS - 1, ROWS, 4 * ROWS])
            self.arrivals = [random.choice([0, 0, random.randrange(40)])]
            for _ in range(total + 1):
                self.arrivals.append(self.arrivals[-1] + random.randint(0, pace))
            self.tiles = [generator.integers(-255, 256, (ROWS, COLUMNS)) for _ in self.arrivals]
            density = random.choice([0, 0, 0.2, 0.8])
            self.denials = [
                random.choice(["bank", "accumulator"]) if random.random() < density else "" for _ in range(9000)
            ]
            self.before = generator.integers(0, 2**32, (ACC_ROWS, COLUMNS))
            self.after = self.before.copy()
            self.schedule: Schedule = build(
                self.instructions,
                self.ready,
                self.arrivals,
                lambda cycle: bool(self.denials[cycle]),
                self.tiles,
                self.granules,
                self.after,
            )
            if not self.schedule.hazard and self.schedule.end < 1200:
                return


def pack(values: Any, bits: int) -> int:
    return sum((int(value) & ((1 << bits) - 1)) << (bits * i) for i, value in enumerate(values))


def row_at(program: Program, address: int) -> int:
    lanes = ROWS // GRANULE
    first = address // lanes * lanes
    return pack(program.granules[first : first + lanes].reshape(-1), 8)


async def play(dut: Any, program: Program, cycles: int, seen: Counter[str]) -> None:
    """Play a program from reset for some cycles, and check every output in each."""
    schedule = program.schedule
    accumulators = [[int(value) for value in row] for row in program.before]
    weight_rows = {
        start + row + 2: pack(program.tiles[tile][row], 9)
        for start, tile in schedule.shift_starts.items()
        for row in range(ROWS)
    }
    issues = sorted(schedule.issue)
    starts = sorted(schedule.shift_starts)
    issued = shifted = 0
    words = [encoded(instruction) for instruction in program.instructions]
    scratchpad_data = accumulator_data = 0
    for now in range(cycles):
        # What the units around show in this cycle.
        while issued < len(issues) and issues[issued] < now:
            issued += 1
        while shifted < len(starts) and starts[shifted] < now:
            shifted += 1
        waiting = issued < len(issues) and program.ready[issued] <= now
        denial = program.denials[now]
        dut.instr_valid_i.value = int(waiting)
        dut.instr_i.value = words[issued] if waiting else random.getrandbits(512)
        dut.tile_present_i.value = int(shifted < len(program.arrivals) and program.arrivals[shifted] <= now)
        dut.row_data_i.value = weight_rows.get(now, random.getrandbits(9 * COLUMNS))
        dut.scratchpad_rdata_i.value = scratchpad_data
        dut.acc_rdata_i.value = accumulator_data
        await settle()
        asks = bool(dut.claim_req_o.value)
        dut.claim_grant_i.value = int(asks and not denial)
        dut.claim_bank_denied_i.value = int(asks and denial == "bank")
        await settle()

        where = f"cycle {now}"
        assert asks == (now in schedule.requests), where
        if asks:
            first, last, row = schedule.requests[now]
            assert int(dut.claim_read_o.value) == bank_mask(first, last), where
            assert int(dut.claim_acc_o.value) == half_mask(row), where
        held = schedule.hold_read.get(now)
        assert int(dut.hold_read_o.value) == (bank_mask(*held) if held else 0), where
        halves = {half_mask(row) for row in schedule.hold_accumulator.get(now, ())}
        assert int(dut.hold_acc_o.value) == sum(halves), where
        assert bool(dut.accept_o.value) == (now not in schedule.active or now in schedule.accepting), where
        state = schedule.state(now, denial)
        assert int(dut.state_o.value) == state, f"{where}: {dut.state_o.value} is not {state!r}"
        assert bool(dut.idle_o.value) == (now not in schedule.in_flight), where
        assert bool(dut.quiet_o.value) == schedule.quiet(now), where
        assert not dut.address_error_o.value, where
        assert bool(dut.row_ren_o.value) == (now in schedule.shifting), where
        assert bool(dut.scratchpad_ren_o.value) == (now in schedule.reads), where
        if now in schedule.reads:
            assert int(dut.scratchpad_addr_o.value) == schedule.reads[now], where
        assert bool(dut.acc_ren_o.value) == (now in schedule.accumulator_reads), where
        if now in schedule.accumulator_reads:
            assert int(dut.acc_raddr_o.value) == schedule.accumulator_reads[now], where
        assert bool(dut.retire_o.value) == (now in schedule.retire), where
        if now in schedule.retire:
            assert int(dut.retire_send_o.value) == schedule.retire[now], where

        # The memories: a read sees the writes of the cycles before; what is not read is noise.
        scratchpad_data = (
            row_at(program, schedule.reads[now]) if now in schedule.reads else random.getrandbits(8 * ROWS)
        )
        accumulator_data = random.getrandbits(32 * COLUMNS)
        if now in schedule.accumulator_reads:
            accumulator_data = pack(accumulators[schedule.accumulator_reads[now]], 32)
        assert bool(dut.acc_wen_o.value) == (now in schedule.writes), where
        if now in schedule.writes:
            row, values = schedule.writes[now]
            assert int(dut.acc_waddr_o.value) == row, where
            assert int(dut.acc_wdata_o.value) == pack(values, 32), where
            accumulators[row] = values
        seen[state.name] += 1
        seen["issue with the last grant"] += now in schedule.issue and now in schedule.accepting
        seen["grant in the last read"] += now in schedule.grants and now in schedule.reads
        seen["shift starts with a grant"] += now in schedule.shift_starts and now in schedule.grants
        seen["retire while reading"] += now in schedule.retire and now in schedule.reads
        seen["both halves held"] += int(dut.hold_acc_o.value) == 3
        seen["quiet with an active instruction"] += schedule.quiet(now) and now in schedule.active
        await edge(dut)
    if cycles >= schedule.end:
        assert accumulators == [[int(value) for value in row] for row in program.after]


@cocotb.test()
async def random_programs(dut: Any) -> None:
    generator = np.random.default_rng(random.getrandbits(32))
    seen: Counter[str] = Counter()
    await reset(dut)
    for number in range(PROGRAMS):
        program = Program(generator)
        # Some programs are cut off by a reset of one cycle.
        cut = number % 4 == 3
        await play(dut, program, random.randrange(program.schedule.end) if cut else program.schedule.end, seen)
        dut.rst_ni.value = 0
        await edge(dut)
        dut.rst_ni.value = 1
    dut._log.info("%s", dict(seen))
    if PROGRAMS < COVERING_PROGRAMS:
        return
    states = {"IDLE", "BUSY", "START", "WAIT_BANK", "WAIT_ACCUMULATOR", "WAIT_WEIGHTS", "WAIT_SHIFT", "DRAIN"}
    assert states <= {name for name in seen if name in EngineState.__members__ and seen[name]}
    assert all(seen.values()), seen


@cocotb.test()
async def full_rate(dut: Any) -> None:
    """With weights there and nobody in the way, passes of `rows` rows follow each other without a gap."""
    await reset(dut)
    dut.claim_bank_denied_i.value = 0
    dut.tile_present_i.value = 1
    dut.instr_valid_i.value = 1
    dut.instr_i.value = queue_entry(
        make(Opcode.MATRIX, row_count0=ROWS, tap_count0=4, a_span=ROWS - 1, row_stride0=1)
    )
    reads = 0
    for now in range(20 * ROWS):
        dut.claim_grant_i.value = 0
        await settle()
        dut.claim_grant_i.value = dut.claim_req_o.value
        await settle()
        # Issue in 0, the tile is there from cycle ROWS on.
        reads += int(dut.scratchpad_ren_o.value)
        assert reads == max(0, now - ROWS), f"cycle {now}"
        await edge(dut)


@cocotb.test()
async def address_errors(dut: Any) -> None:
    """A pass that reaches outside is an error in each cycle in which it is presented, granted or not."""
    await reset(dut)
    dut.tile_present_i.value = 1
    seen: Counter[bool] = Counter()
    for number in range(300):
        m0, m1, m2 = counts(random.choice([1, HALF, ACC_ROWS]))
        if number % 20 == 0:
            m0, m1, m2 = random.choice([(4096, 4096, 256), (4096, 16, 1), (4096, 32, 256), (1, 4096, 32)])
        m = m0 * m1 * m2
        base = random.choice([0, BANK_GRANULES, GRANULES - 1, GRANULES, 2**18 - 1, random.randrange(GRANULES)])
        base %= 2**18
        span = random.choice([0, 1, max(0, GRANULES - 1 - base), max(0, GRANULES - base), 2**18 - 1])
        span = min(span, 2**18 - 1)
        row = random.choice([0, HALF, max(0, HALF - m), max(0, ACC_ROWS - m), random.randrange(ACC_ROWS), 2**16 - 1])
        row = (row + random.choice([-1, 0, 0, 1])) % 2**16
        wrong = base + span >= GRANULES or row + m > ACC_ROWS or row // HALF != (row + m - 1) // HALF
        seen[wrong] += 1
        word = make(
            Opcode.MATRIX, a=base, a_span=span, accumulator=row, row_count0=m0, row_count1=m1, row_count2=m2
        )  # fmt: skip
        dut.instr_i.value = queue_entry(word)
        dut.instr_valid_i.value = 1
        dut.claim_grant_i.value = 0
        dut.claim_bank_denied_i.value = 1
        presented = 0
        for _ in range(ROWS + 4):
            await settle()
            assert bool(dut.address_error_o.value) == (wrong and bool(dut.claim_req_o.value)), (base, span, row, m)
            presented += int(dut.claim_req_o.value)
            await edge(dut)
            dut.instr_valid_i.value = 0
        assert presented == 4, presented
        dut.rst_ni.value = 0
        await edge(dut)
        dut.rst_ni.value = 1
    assert seen[True] > 30 and seen[False] > 30, seen
