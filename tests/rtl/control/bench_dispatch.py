"""Dispatch: legality against machine.isa's decoder and the page's rules, and the way into the queues."""

from __future__ import annotations

import itertools
import random
from typing import Any

import cocotb

from machine.errors import ProgramError
from machine.isa import ENGINE_OF, FORMATS, INSTRUCTION_BYTES, LoadSpace, Opcode, VectorReduce, decode
from tests.rtl.bench import parameters, settle


def is_illegal(word: int, block: int) -> bool:
    try:
        instruction = decode(word.to_bytes(INSTRUCTION_BYTES, "little"))
    except ProgramError:
        return True
    values = instruction.values
    match instruction.opcode:
        case Opcode.LOAD | Opcode.STORE:
            if values["window_bytes"] == 0 or values["window_bytes"] + values["lane_offset"] > block:
                return True
            if instruction.opcode is Opcode.STORE or values["space"] == LoadSpace.SCRATCHPAD:
                return False
            return values["window_bytes"] != block or values["lane_offset"] != 0
        case Opcode.VECTOR:
            if (values["table"] and values["use_residual"]) or (values["subtract"] and not values["use_residual"]):
                return True
            return values["reduce"] == VectorReduce.MAC and bool(values["use_residual"] or values["source"])
    return False


def random_word(opcode: Opcode, block: int) -> int:
    """A word that is legal more often than not."""
    word, position = 0, 0
    for field in FORMATS[opcode].fields:
        value = random.getrandbits(field.bits)
        if field.name == "opcode":
            value = int(opcode)
        elif field.name in ("wait", "send"):
            engine = ENGINE_OF[opcode]
            value &= ~(1 << engine) if random.random() < 0.9 else 31
        elif field.legal is not None and random.random() < 0.9:
            value = random.choice(field.legal)
        elif field.name == "window_bytes" and random.random() < 0.9:
            value = random.randint(1, block)
        elif field.name == "lane_offset" and random.random() < 0.9:
            value = random.randrange(block) if random.random() < 0.3 else 0
        word |= value << position
        position += field.bits
    if random.random() < 0.1:
        word |= 1 << random.randint(position, 511)
    return word


async def check(dut: Any, word: int, full: int, valid: int = 1, running: int = 1) -> bool:
    """Check the answer of the module; return whether the word is illegal."""
    block = max(parameters()["ROWS"], parameters()["COLUMNS"])
    dut.head_i.value = word
    dut.full_i.value = full
    dut.head_valid_i.value = valid
    dut.running_i.value = running
    await settle()
    illegal = is_illegal(word, block)
    opcode = word & 15
    active = bool(valid and running)
    assert int(dut.illegal_o.value) == (active and illegal), hex(word)
    assert int(dut.halt_o.value) == (active and not illegal and opcode == Opcode.HALT)
    push = 1 << (opcode - 1) & ~full if active and not illegal and opcode != Opcode.HALT else 0
    assert int(dut.push_o.value) == push
    assert int(dut.pop_o.value) == (push != 0)
    return illegal


@cocotb.test()
async def random_instructions(dut: Any) -> None:
    block = max(parameters()["ROWS"], parameters()["COLUMNS"])
    for opcode in list(Opcode)[1:]:
        legal = 0
        for _ in range(1500):
            word = random_word(opcode, block)
            full, valid, running = random.getrandbits(5), random.random() < 0.95, random.random() < 0.95
            legal += not await check(dut, word, full, int(valid), int(running))
        assert 100 < legal < 1450, f"{opcode.name}: {legal} of 1500 legal"


@cocotb.test()
async def each_reserved_bit(dut: Any) -> None:
    block = max(parameters()["ROWS"], parameters()["COLUMNS"])
    for opcode in Opcode:
        used = FORMATS[opcode].used_bits
        base = int(opcode)
        for name in ("window_bytes",):
            if any(field.name == name for field in FORMATS[opcode].fields):
                base |= block << FORMATS[opcode].offsets()[name]
        assert not await check(dut, base, 0)
        for bit in range(used, 512):
            assert await check(dut, base | 1 << bit, 0)


@cocotb.test()
async def vector_modes(dut: Any) -> None:
    """Every combination of the fields that the rules for vector name."""
    at = FORMATS[Opcode.VECTOR].offsets()
    sizes = {"reduce": 8, "source": 2, "use_residual": 2, "table": 4, "subtract": 2}
    legal = 0
    for values in itertools.product(*map(range, sizes.values())):
        word = int(Opcode.VECTOR)
        for name, value in zip(sizes, values, strict=True):
            word |= value << at[name]
        legal += not await check(dut, word, 0)
    # Sum and max from either source: no residual with 3 tables, or a residual added or subtracted. Mac: 3 tables.
    assert legal == 2 * 2 * (3 + 2) + 3


@cocotb.test()
async def reserved_opcodes(dut: Any) -> None:
    for opcode in range(6, 16):
        assert await check(dut, opcode, 0)


@cocotb.test()
async def windows(dut: Any) -> None:
    block = max(parameters()["ROWS"], parameters()["COLUMNS"])
    for opcode in (Opcode.LOAD, Opcode.STORE):
        at = FORMATS[opcode].offsets()
        for window in (0, 1, block - 1, block, block + 1, 255, 256, 511):
            for lane in (0, 1, block - 1, block, 255):
                for space in (0, 1, 2, 3) if opcode is Opcode.LOAD else (0,):
                    word = int(opcode) | window << at["window_bytes"] | lane << at["lane_offset"]
                    if opcode is Opcode.LOAD:
                        word |= space << at["space"]
                    await check(dut, word, 0)
