"""The load engine in lockstep with its model: random instructions, denied claims, a memory with random gaps."""

from __future__ import annotations

import random
from typing import Any

import cocotb

from machine.isa import LoadSpace, Opcode, make
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.load.model import LoadModel
from tests.rtl.memory.port import MODULO, ReadMemory, compare
from tests.rtl.queue_entry import queue_entry

MEMORY_BYTES = 1 << 16
MOST_CYCLES = 200_000
"""Many times what the longest of these programs takes."""
PORTS = {LoadSpace.SCRATCHPAD: "load", LoadSpace.PARAMETERS: "param", LoadSpace.TABLES: "table"}
"""Prefix of the write port of each destination."""


def instruction(model: LoadModel, load_beats: int, kind: str) -> dict[str, int]:
    """Return the fields of a random legal instruction."""
    word, bus, buffer = model.word, model.bus, load_beats * model.bus
    space = random.choices(tuple(LoadSpace), (6, 1, 1))[0]
    window = random.randint(1, word) if space is LoadSpace.SCRATCHPAD else word
    most_words = model.limits[space] if space is LoadSpace.TABLES else 70
    counts = [random.choice((1, 1, 2, 3)) for _ in range(3)]
    if kind == "short":
        words, length, stride, pad = 1, random.randint(0, 2 * word), random.randint(0, 20), random.randint(0, 4)
        counts = [random.randint(1, 12), random.choice((1, 2)), 1]
    elif kind == "stream":
        words = min(random.randint(20, 70), most_words)
        window = word
        stride = word
        length, pad = words * word - random.randint(0, 3), 0
        counts = [1, 1, 1]
    else:
        words = min(random.choice((1, 2, 15, 16, 17, 31, 32, 33, 50, random.randint(1, 70))), most_words)
        most = (buffer - 256 - bus - window) // 15
        stride = random.choice((0, 1, window, random.randint(0, min(most, 3 * word))))
        pad = random.choice((0, 0, random.randint(0, 3 * word), random.randint(0, 200)))
        natural = max(0, words * stride + window - pad)
        length = random.choice((0, 1, natural, max(0, natural - random.randint(0, 9)), random.randint(0, natural + 40)))
    return _fields(model, words, length, window, stride, pad, counts, space)


def _fields(
    model: LoadModel,
    words: int,
    length: int,
    window: int,
    stride: int,
    pad: int,
    counts: list[int],
    space: LoadSpace,
) -> dict[str, int]:
    lines = counts[0] * counts[1] * counts[2]
    room = model.limits[space] - words * model.step_of(space)
    d_strides = [random.randrange(max(1, room // 8)) for _ in range(3)]
    reach = sum((count - 1) * stride for count, stride in zip(counts, d_strides, strict=True))
    if reach > room:
        d_strides, reach = [0, 0, 0], 0
    destination = random.randint(0, room - reach)
    m_strides = [random.choice((length, random.randrange(1000), MODULO - random.randrange(1, 300))) for _ in range(3)]
    lowest = sum((count - 1) * 300 for count in counts)
    highest = MEMORY_BYTES - length - 1 - sum((count - 1) * max(length, 1000) for count in counts)
    assert lowest <= highest and lines
    return {
        "send": random.randrange(16) << 1,
        "space": int(space),
        "memory_address": random.randint(lowest, highest),
        "line_bytes": length,
        "destination": destination,
        "words": words,
        "window_bytes": window,
        "window_stride": stride,
        "window_pad": pad,
        "lane_offset": random.randint(0, model.word - window),
        "fill": random.randint(-128, 127),
        **{f"count{i + 1}": count for i, count in enumerate(counts)},
        **{f"memory_stride{i + 1}": stride for i, stride in enumerate(m_strides)},
        **{f"destination_stride{i + 1}": stride for i, stride in enumerate(d_strides)},
    }


async def lockstep(
    dut: Any,
    *,
    kind: str,
    instructions: int,
    issue_rate: float = 1.0,
    claim_rate: float = 1.0,
    grant_rate: float = 1.0,
    beat_rate: float = 1.0,
    latency: int = 10,
    broken: bool = False,
) -> LoadModel:
    """Run random instructions; every output is compared in every cycle."""
    p = parameters()
    content = random.randbytes(MEMORY_BYTES)
    model = LoadModel(p, content)
    memory = ReadMemory(content, model.bus, latency, beat_rate)
    left = [instruction(model, p["LOAD_BEATS"], kind) for _ in range(instructions)]
    if broken:
        space = LoadSpace(left[-1]["space"])
        beyond = random.randint(-2, left[-1]["words"] - 1) * model.step_of(space)
        left[-1]["destination"] = max(0, model.limits[space] - beyond)
    words = [queue_entry(make(Opcode.LOAD, **values)) for values in left]
    for name in ("instr_valid_i", "mem_grant_i", "mem_rvalid_i", "mem_rlast_i", "claim_grant_i"):
        getattr(dut, name).value = 0
    await reset(dut)
    idle = 0
    while idle < 3:
        valid = bool(left) and random.random() < issue_rate
        request, segment = model.request(), model.segment()
        granted = request is not None and random.random() < grant_rate
        claimed = segment is not None and not model.writing[0].values["space"] and random.random() < claim_rate
        beat = memory.deliver(model.cycle)
        dut.instr_valid_i.value = int(valid)
        dut.instr_i.value = words[0] if left else random.getrandbits(512)
        dut.mem_grant_i.value = int(granted)
        dut.claim_grant_i.value = int(claimed)
        dut.mem_rvalid_i.value = int(beat is not None)
        dut.mem_rlast_i.value = int(beat[1]) if beat else 0
        dut.mem_rdata_i.value = int.from_bytes(beat[0] if beat else random.randbytes(model.bus), "little")
        cycle = model.cycle
        assert cycle < MOST_CYCLES, "an instruction waits for ever"
        if request and granted:
            memory.accept(cycle, *request)
        expected = model.step(left[0] if valid else None, granted, beat is not None, claimed)
        await settle()
        check_write(dut, expected, cycle)
        compare(dut, {name: value for name, value in expected.items() if name.endswith("_o")}, cycle)
        if expected["address_error_o"]:
            assert broken, "the model finds an address error in a legal instruction"
            await edge(dut)
            await settle()
            compare(dut, {f"{port}_wen_o": 0 for port in PORTS.values()}, cycle + 1)
            return model
        if valid and expected["accept_o"]:
            left.pop(0)
            words.pop(0)
        idle = idle + 1 if expected["idle_o"] and not left else 0
        await edge(dut)
    assert not broken
    return model


def check_write(dut: Any, expected: dict[str, int], cycle: int) -> None:
    """Compare the write ports: enables, address, and the bytes under the mask."""
    port = PORTS[LoadSpace(expected.get("space", 0))]
    outputs = {f"{name}_wen_o": int(name == port and expected["wen"]) for name in PORTS.values()}
    if not expected["wen"]:
        compare(dut, outputs, cycle)
        return
    outputs[f"{port}_addr_o"] = expected["address"]
    if port == PORTS[LoadSpace.SCRATCHPAD]:
        outputs["load_be_o"] = expected["mask"]
    compare(dut, outputs, cycle)
    data = int(getattr(dut, f"{port}_wdata_o").value.resolve("zeros"))
    mask = sum(255 << 8 * lane for lane in range(expected["mask"].bit_length()) if expected["mask"] >> lane & 1)
    assert data & mask == expected["data"], f"cycle {cycle}: data {data & mask:x}, expected {expected['data']:x}"


@cocotb.test()
async def free_machine(dut: Any) -> None:
    await lockstep(dut, kind="any", instructions=35)


@cocotb.test()
async def denied_and_slow(dut: Any) -> None:
    await lockstep(dut, kind="any", instructions=30, issue_rate=0.3, claim_rate=0.4, grant_rate=0.3, beat_rate=0.5)


@cocotb.test()
async def short_lines_back_to_back(dut: Any) -> None:
    await lockstep(dut, kind="short", instructions=150, latency=2)
    await lockstep(dut, kind="short", instructions=100, claim_rate=0.6, latency=40)


@cocotb.test()
async def full_buffer(dut: Any) -> None:
    await lockstep(dut, kind="stream", instructions=30, claim_rate=0.2)
    await lockstep(dut, kind="stream", instructions=20, latency=100)


@cocotb.test()
async def address_errors(dut: Any) -> None:
    for _ in range(12):
        await lockstep(dut, kind=random.choice(("any", "short")), instructions=3, broken=True, claim_rate=0.5)


@cocotb.test()
async def one_word_a_cycle(dut: Any) -> None:
    """Lines of one word without memory reads: after the first word, a word in every cycle, over eight instructions."""
    p = parameters()
    for name in ("instr_valid_i", "mem_grant_i", "mem_rvalid_i", "mem_rlast_i"):
        getattr(dut, name).value = 0
    dut.claim_grant_i.value = 1
    await reset(dut)
    word = max(p["ROWS"], p["COLUMNS"])
    values = make(Opcode.LOAD, words=1, window_bytes=word, count1=5, count2=1, count3=1, destination_stride1=8)
    dut.instr_i.value = queue_entry(values)
    dut.instr_valid_i.value = 1
    written, issued, gaps = 0, 0, 0
    while written < 40:
        await settle()
        issued += int(dut.accept_o.value) & int(dut.instr_valid_i.value)
        enable = int(dut.load_wen_o.value)
        gaps += int(written > 0 and not enable)
        written += enable
        await edge(dut)
        dut.instr_valid_i.value = int(issued < 8)
    assert gaps == 0
