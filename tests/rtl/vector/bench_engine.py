"""The whole vector engine, every output in every cycle, against the model made from its page."""

from __future__ import annotations

import os
import random
from typing import Any

import cocotb
import numpy as np

from machine import isa
from machine.isa import Instruction
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.vector import model

STATES = {"idle": 0, "busy": 1, "start": 2, "wait_bank": 4, "wait_accumulator": 5, "drain": 10}
INSTRUCTIONS = int(os.environ.get("TPUKIT_VECTOR_INSTRUCTIONS", "250"))
COVERING_INSTRUCTIONS = 250
"""So many random instructions must show every state; fewer may miss one."""


def _shape() -> model.Shape:
    names = ("ROWS", "COLUMNS", "BANKS", "BANK_WORDS", "ACC_ROWS", "PARAM_ENTRIES")
    return model.Shape(*(parameters()[name] for name in names))


def _clear(dut: Any) -> None:
    for name in ("instr", "instr_valid", "claim_grant", "claim_bank_denied", "a_rdata", "b_rdata", "acc_rdata",
                 "param_wen", "param_addr", "param_wdata", "table_wen", "table_addr", "table_wdata"):  # fmt: skip
        getattr(dut, f"{name}_i").value = 0


def _write_table_word(dut: Any, memories: model.Memories, word: int) -> None:
    """Drive the write of one word of the table memory."""
    data = memories.tables.tobytes()[word * memories.shape.word :][: memories.shape.word]
    dut.table_wen_i.value = 1
    dut.table_addr_i.value = word
    dut.table_wdata_i.value = int.from_bytes(data, "little")


async def _load_memories(dut: Any, memories: model.Memories) -> None:
    """Write every parameter entry by words of B bytes, also section 3, which does not exist; and the tables."""
    shape = memories.shape
    words = 4 * shape.columns // shape.word
    dut.param_wen_i.value = 1
    for entry in range(shape.entries):
        for section in (0, 1, 2, 3):
            data = memories.parameters[entry, section % 3].tobytes()
            if section == 3:
                data = random.randbytes(len(data))
            for word in range(words):
                dut.param_addr_i.value = (entry * 4 + section) * words + word
                dut.param_wdata_i.value = int.from_bytes(data[word * shape.word :][: shape.word], "little")
                await edge(dut)
    dut.param_wen_i.value = 0
    for word in range(memories.tables.size // shape.word):
        _write_table_word(dut, memories, word)
        await edge(dut)
    dut.table_wen_i.value = 0


class Bench:
    """Drives the engine's ports cycle by cycle and compares all outputs."""

    def __init__(self, dut: Any, memories: model.Memories, program: list[Instruction], pressure: float) -> None:
        self.dut, self.memories, self.shape = dut, memories, memories.shape
        self.model = model.VectorModel(self.shape, memories)
        self.program = list(program)
        self.pressure = pressure
        self.states: dict[str, int] = {}
        self.reloaded: int | None = None
        """Table of which words are rewritten while the program runs."""

    def _reload(self) -> None:
        """Write new bytes to a word of the table that is reloaded, or leave the port alone."""
        self.dut.table_wen_i.value = 0
        if self.reloaded is None or random.random() < 0.3:
            return
        flat, size = self.memories.tables.reshape(-1), self.shape.word
        words = len(self.memories.tables[0]) // size
        word = self.reloaded * words + random.randrange(words)
        flat[word * size :][:size] = np.frombuffer(random.randbytes(size), dtype=np.int8)
        _write_table_word(self.dut, self.memories, word)

    def _foreign(self) -> tuple[int, int, int]:
        """Ports that the other engines have in this cycle: scratchpad read, write, accumulator halves."""
        if random.random() >= self.pressure:
            return 0, 0, 0
        kind = random.choice(("scratchpad", "accumulators", "both"))
        read, write = random.getrandbits(self.shape.banks), random.getrandbits(self.shape.banks)
        if kind == "accumulators":
            read, write = 0, 0
        return read, write, 0 if kind == "scratchpad" else random.getrandbits(2)

    def _read_data(self, seen: model.Seen) -> None:
        """What the memories show in the cycle after the reads; noise where nothing was read."""
        dut, columns = self.dut, self.shape.columns
        for port, where in ((dut.a_rdata_i, seen.read_a), (dut.b_rdata_i, seen.read_b)):
            data = random.randbytes(columns)
            if where is not None:
                data = self.memories.scratchpad[self.memories.row(where)].tobytes()
            port.value = int.from_bytes(data, "little")
        data = random.randbytes(4 * columns)
        if seen.read_accumulator is not None:
            data = self.memories.accumulators[seen.read_accumulator % self.shape.accumulator_rows].tobytes()
        dut.acc_rdata_i.value = int.from_bytes(data, "little")

    def _check(self, what: str, port: Any, expected: int) -> None:
        assert int(port.value) == expected, f"cycle {self.model.cycle}: {what} = {int(port.value)}, not {expected}"

    def _check_registered(self, seen: model.Seen) -> None:
        dut, check = self.dut, self._check
        check("claim_req", dut.claim_req_o, seen.asks)
        check("hold_read", dut.hold_read_o, seen.hold_read)
        check("hold_write", dut.hold_write_o, seen.hold_write)
        check("hold_acc", dut.hold_acc_o, seen.hold_halves)
        check("address_error", dut.address_error_o, seen.error)
        check("idle", dut.idle_o, seen.idle)
        for name, where in (("a", seen.read_a), ("b", seen.read_b)):
            check(f"{name}_ren", getattr(dut, f"{name}_ren_o"), where is not None)
            if where is not None:
                check(f"{name}_addr", getattr(dut, f"{name}_addr_o"), where)
        check("acc_ren", dut.acc_ren_o, seen.read_accumulator is not None)
        if seen.read_accumulator is not None:
            check("acc_raddr", dut.acc_raddr_o, seen.read_accumulator)
        check("wen", dut.wen_o, seen.write is not None)
        if seen.write is not None:
            check("waddr", dut.waddr_o, seen.write[0])
            check("wdata", dut.wdata_o, int.from_bytes(seen.write[1], "little"))
        check("retire", dut.retire_o, seen.retire is not None)
        check("retire_send", dut.retire_send_o, seen.retire or 0)

    async def cycle(self) -> None:
        """One cycle, from just after its edge to its end."""
        dut, engine = self.dut, self.model
        self._reload()
        head = self.program[0] if self.program and random.random() > self.pressure / 2 else None
        dut.instr_valid_i.value = head is not None
        word = int.from_bytes(isa.encode(head), "little") if head else random.getrandbits(512)
        dut.instr_i.value = word
        seen = engine.observe()
        dut.claim_grant_i.value = 0
        dut.claim_bank_denied_i.value = 0
        await settle()
        self._check_registered(seen)
        wanted = model.Request(0, 0, 0, False)
        if seen.asks:
            assert engine.active is not None
            wanted = model.request(self.shape, engine.active)
            self._check("claim_read", dut.claim_read_o, wanted.reads)
            self._check("claim_write", dut.claim_write_o, wanted.writes)
            self._check("claim_acc", dut.claim_acc_o, wanted.halves)
        read, write, halves = self._foreign()
        bank_denied = bool(wanted.reads & read or wanted.writes & write)
        grant = seen.asks and not bank_denied and not wanted.halves & halves
        dut.claim_grant_i.value = grant
        dut.claim_bank_denied_i.value = bank_denied
        await settle()
        accept = engine.active is None or grant
        issue = accept and head is not None
        state = engine.state(seen, grant, issue, bank_denied)
        self.states[state] = self.states.get(state, 0) + 1
        self._check("accept", dut.accept_o, accept)
        self._check(f"state ({state})", dut.state_o, STATES[state])
        self._check("quiet", dut.quiet_o, engine.quiet(grant, issue))
        await edge(dut)
        self._read_data(seen)
        engine.finish_cycle(seen, grant, head if issue else None)
        if issue:
            self.program.pop(0)

    async def run(self) -> None:
        """Run the program to its end and some cycles more."""
        while self.program or not self.model.idle:
            await self.cycle()
        for _ in range(4):
            await self.cycle()


async def _started(dut: Any, shape: model.Shape) -> model.Memories:
    """Reset the engine, fill its memories at random and return them."""
    memories = model.random_memories(shape)
    _clear(dut)
    await reset(dut)
    await edge(dut)
    await _load_memories(dut, memories)
    return memories


@cocotb.test()
async def random_programs(dut: Any) -> None:
    """Every mode back to back and under pressure, own holds and address errors included."""
    shape = _shape()
    states: dict[str, int] = {}
    _clear(dut)
    await reset(dut)
    await edge(dut)
    for pressure in (0.0, 0.3, 0.8):
        memories = model.random_memories(shape)
        await _load_memories(dut, memories)
        program = [model.random_instruction(shape) for _ in range(INSTRUCTIONS // 3)]
        bench = Bench(dut, memories, program, pressure)
        await bench.run()
        for name, number in bench.states.items():
            states[name] = states.get(name, 0) + number
    dut._log.info("cycles in each state: %s", states)
    if INSTRUCTIONS >= COVERING_INSTRUCTIONS:
        assert set(states) == set(STATES), "the programs did not reach every state"


@cocotb.test()
async def single_results_back_to_back(dut: Any) -> None:
    """Instructions of one read each fill the pipeline: a read, a write and a retirement in every cycle."""
    shape = _shape()
    memories = await _started(dut, shape)
    one = dict.fromkeys(("blocks", "y_count", "x_count", "ky_count", "kx_count"), 1)
    program = []
    for number in range(60):
        values = dict(model.random_instruction(shape).values) | one
        del values["opcode"]
        # Reads from the lower banks, writes to the last one: no interlock.
        for operand, bank in (("a", 0), ("b", 1), ("d", shape.banks - 1)):
            values |= {operand: bank * shape.bank_granules + number % shape.bank_granules, f"{operand}_span": 0}
        if values["source"]:
            values["a"] = number % shape.accumulator_rows
        program.append(isa.make(isa.Opcode.VECTOR, **values))
    bench = Bench(dut, memories, program, 0.0)
    await bench.run()
    # Issue in 0, grants in 1 .. 60, reads in 2 .. 61, the last retirement in 81.
    assert bench.states["busy"] == 60
    assert bench.states["drain"] == 20


@cocotb.test()
async def one_table_is_reloaded_while_the_other_is_used(dut: Any) -> None:
    """Words of one table change all the time, results come from the other; then the two change places."""
    shape = _shape()
    memories = await _started(dut, shape)
    for round_ in range(4):
        used = round_ % 2
        program = [model.with_table(model.random_instruction(shape), used + 1) for _ in range(INSTRUCTIONS // 10)]
        bench = Bench(dut, memories, program, 0.2)
        bench.reloaded = 1 - used
        await bench.run()


@cocotb.test()
async def every_entry_of_both_tables(dut: Any) -> None:
    """All 256 values from the scratchpad, looked up in either table and passed by in turn, a result a cycle."""
    shape = _shape()
    memories = await _started(dut, shape)
    one = dict.fromkeys(("blocks", "y_count", "x_count", "ky_count", "kx_count"), 1)
    step = max(1, shape.columns // shape.granule)
    program, d = [], (shape.banks - 1) * shape.bank_granules
    rows = shape.bank_granules // step
    values = np.arange(-128, 128, dtype=np.int8)
    for first in range(0, len(values), shape.columns):
        a = first // shape.columns % rows * step
        for table in (1, 0, 2):
            program.append(isa.make(isa.Opcode.VECTOR, **one, a=a, d=d, low=-128, high=127, table=table))
    for first in range(0, len(values), rows * shape.columns):
        for a, part in enumerate(np.split(values[first:][: rows * shape.columns], rows)):
            memories.scratchpad[memories.row(a * step)] = part
        bench = Bench(dut, memories, program[: 3 * rows], 0.0)
        del program[: 3 * rows]
        await bench.run()
        assert bench.states["busy"] == 3 * rows


@cocotb.test()
async def reset_empties_the_pipeline(dut: Any) -> None:
    """A reset with instructions in flight leaves nothing behind; parameter memory and tables keep their contents."""
    shape = _shape()
    memories = await _started(dut, shape)
    for length in (1, 3, 12, 30):
        program = [model.random_instruction(shape) for _ in range(10)]
        bench = Bench(dut, memories, program, 0.0)
        for _ in range(length):
            await bench.cycle()
        dut.instr_valid_i.value = 0
        dut.claim_grant_i.value = 0
        dut.rst_ni.value = 0
        await edge(dut)
        dut.rst_ni.value = 1
        bench = Bench(dut, memories, program, 0.0)
        await bench.run()
