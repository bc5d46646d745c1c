"""The store engine: in lockstep with its model on the memory law, and byte for byte on a slave that stalls."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import cocotb

from machine.isa import Opcode, encode, make
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.memory.port import BURST_BYTES, compare
from tests.rtl.store.model import StoreModel

LIMIT = 1 << 16
PROGRAM = (1 << 14, (1 << 14) + 64 * 5)


def instruction(model: StoreModel, *, short: bool = False) -> dict[str, int]:
    """Return the fields of a random legal instruction."""
    granules = model.bank_granules * model.banks
    step = model.word // model.granule
    window = random.choice((1, model.word, random.randint(1, model.word)))
    words = random.randint(1, 3) if short else random.choice((1, 2, 16, random.randint(1, 90)))
    counts = [random.choice((1, 1, 2, 3)) for _ in range(3)]
    word_stride = random.choice((0, step, random.randrange(0, 3 * step + 1)))
    span = (words - 1) * word_stride
    if span >= granules // 2:
        word_stride = span = 0
    s_strides = [random.randrange(granules // 16) for _ in range(3)]
    reach = span + sum((count - 1) * stride for count, stride in zip(counts, s_strides, strict=True))
    length = words * window
    m_strides = [random.choice((length, length + random.randrange(300))) for _ in range(3)]
    m_strides = [m_strides[0], m_strides[0] * counts[0], m_strides[0] * counts[0] * counts[1]]
    extent = m_strides[2] * counts[2] + length
    low = random.random() < 0.2 and extent < PROGRAM[0]
    if reach >= granules or extent > LIMIT - PROGRAM[1]:
        return instruction(model, short=short)
    address = PROGRAM[0] - extent if low else random.randint(PROGRAM[1], LIMIT - extent)
    return {
        "send": random.randrange(16),
        "memory_address": address,
        "source": random.randrange(granules - reach),
        "source_span": span,
        "words": words,
        "word_stride": word_stride,
        "window_bytes": window,
        "lane_offset": random.randint(0, model.word - window),
        **{f"count{i + 1}": count for i, count in enumerate(counts)},
        **{f"memory_stride{i + 1}": stride for i, stride in enumerate(m_strides)},
        **{f"source_stride{i + 1}": stride for i, stride in enumerate(s_strides)},
    }


def encoded(values: Mapping[str, int]) -> int:
    """Return an instruction as an integer."""
    return int.from_bytes(encode(make(Opcode.STORE, **values)), "little")


async def prepare(dut: Any) -> StoreModel:
    """Reset the engine; return a model over a random scratchpad."""
    p = parameters()
    scratchpad = random.randbytes(p["BANKS"] * p["BANK_WORDS"] * max(p["ROWS"], p["COLUMNS"]))
    dut.limit_i.value, dut.program_first_i.value, dut.program_end_i.value = LIMIT, *PROGRAM
    for name in ("instr_valid_i", "claim_grant_i", "m_axi_bvalid_i"):
        getattr(dut, name).value = 0
    dut.m_axi_awready_i.value = dut.m_axi_wready_i.value = 1
    await reset(dut)
    return StoreModel(p, scratchpad, LIMIT, PROGRAM)


def read_word(dut: Any, model: StoreModel) -> int:
    """Return what the scratchpad shows in the next cycle: the word that is read now, or anything."""
    word = model.word_at(int(dut.store_addr_o.value)) if int(dut.store_ren_o.value) else random.randbytes(model.word)
    return int.from_bytes(word, "little")


def bits_of(strobe: int, bus: int) -> int:
    """Return the mask of the bits that a strobe covers."""
    return sum(255 << 8 * lane for lane in range(bus) if strobe >> lane & 1)


async def lockstep(
    dut: Any,
    instructions: int,
    *,
    issue_rate: float = 1.0,
    claim_rate: float = 1.0,
    latency: int = 20,
    short: bool = False,
    broken: Mapping[str, int] | None = None,
) -> None:
    """Run random instructions on the memory law; every output is compared in every cycle."""
    model = await prepare(dut)
    left = [instruction(model, short=short) for _ in range(instructions)]
    if broken is not None:
        left[-1] |= broken
    words = [encoded(values) for values in left]
    responses: list[int] = []
    idle = 0
    while idle < 3:
        cycle = model.cycle
        valid = bool(left) and random.random() < issue_rate
        claimed = model.presented() is not None and random.random() < claim_rate
        response = bool(responses) and responses[0] == cycle
        if response:
            responses.pop(0)
        dut.instr_valid_i.value = int(valid)
        dut.instr_i.value = words[0] if left else random.getrandbits(512)
        dut.claim_grant_i.value = int(claimed)
        dut.m_axi_bvalid_i.value = int(response)
        expected = model.step(left[0] if valid else None, claimed, response)
        await settle()
        compare(dut, {name: value for name, value in expected.items() if name.endswith("_o")}, cycle)
        if expected["m_axi_wvalid_o"]:
            data = int(dut.m_axi_wdata_o.value.resolve("zeros")) & bits_of(expected["m_axi_wstrb_o"], model.bus)
            assert data == expected["wdata"], f"cycle {cycle}: data {data:x}, expected {expected['wdata']:x}"
            if expected["m_axi_wlast_o"]:
                responses.append(cycle + latency)
        if expected["address_error_o"]:
            assert broken is not None, "the model finds an address error in a legal instruction"
            await nothing_outside(dut)
            return
        if valid and expected["accept_o"]:
            left.pop(0)
            words.pop(0)
        idle = idle + 1 if expected["idle_o"] and not left else 0
        word = read_word(dut, model)
        await edge(dut)
        dut.store_rdata_i.value = word
    assert broken is None, "no address error"


async def nothing_outside(dut: Any) -> None:
    """Go on after an address error: what is buffered may be sent, the burst outside and later ones may not."""
    dut.instr_valid_i.value = 0
    dut.m_axi_bvalid_i.value = 0
    reads = 0
    for cycle in range(300):
        await edge(dut)
        dut.claim_grant_i.value = 1
        await settle()
        compare(dut, {"claim_req_o": 0, "address_error_o": 0}, cycle)
        reads += int(dut.store_ren_o.value)
        first = int(dut.m_axi_awaddr_o.value)
        if int(dut.m_axi_awvalid_o.value):
            assert first < LIMIT and not PROGRAM[0] <= first < PROGRAM[1]
    assert reads == 0, "words of the burst outside are read"


class StallingSlave:
    """A legal AXI slave that stalls at random and checks what it is sent."""

    def __init__(self, dut: Any, bus: int, rate: float) -> None:
        """Take the device and the chance of READY in a cycle."""
        self.dut, self.bus, self.rate = dut, bus, rate
        self.memory = bytearray(LIMIT)
        self.addresses: list[tuple[int, int]] = []
        self.beats: list[tuple[int, int, int]] = []
        self.held: dict[str, tuple[int, ...]] = {}
        self.answers = 0
        self.bursts = 0

    def drive(self) -> None:
        """Choose the slave's outputs of this cycle."""
        self.dut.m_axi_awready_i.value = int(random.random() < self.rate)
        self.dut.m_axi_wready_i.value = int(random.random() < self.rate)
        answer = self.answers > 0 and random.random() < self.rate
        self.answers -= answer
        self.dut.m_axi_bvalid_i.value = int(answer)

    def observe(self) -> None:
        """Take what is transferred in this cycle; check that what waits does not change."""
        dut = self.dut
        for channel, names in (("aw", ("addr", "len", "size", "burst")), ("w", ("data", "strb", "last"))):
            valid = int(getattr(dut, f"m_axi_{channel}valid_o").value)
            assert valid or channel not in self.held, f"{channel}valid fell before ready"
            if not valid:
                continue
            # Bytes without strobe may be undefined on a simulator that knows X.
            values = (getattr(dut, f"m_axi_{channel}{name}_o").value for name in names)
            payload = tuple(int(value.resolve("zeros")) if len(value) > 1 else int(value) for value in values)
            if channel == "w":
                payload = (payload[0] & bits_of(payload[1], self.bus), *payload[1:])
            assert self.held.get(channel, payload) == payload, f"{channel} changed before ready"
            self.held[channel] = payload
            if int(getattr(dut, f"m_axi_{channel}ready_i").value):
                del self.held[channel]
                self._take(channel, payload)
        self._match()

    def _take(self, channel: str, payload: tuple[int, ...]) -> None:
        if channel == "w":
            self.beats.append((payload[0], payload[1], payload[2]))
            return
        address, length, size, kind = payload
        assert address % self.bus == 0 and 1 << size == self.bus and kind == 1
        assert address % BURST_BYTES + (length + 1) * self.bus <= BURST_BYTES
        self.addresses.append((address, length + 1))

    def _match(self) -> None:
        while self.addresses and len(self.beats) >= self.addresses[0][1]:
            address, count = self.addresses.pop(0)
            for index, (data, strobe, last) in enumerate(self.beats[:count]):
                assert last == int(index == count - 1)
                for lane in range(self.bus):
                    if strobe >> lane & 1:
                        self.memory[address + index * self.bus + lane] = data >> 8 * lane & 255
            del self.beats[:count]
            self.answers += 1
            self.bursts += 1


async def stalling(dut: Any, instructions: int, rate: float) -> None:
    """Run random instructions on a stalling slave; compare memory and the retirements' masks at the end."""
    model = await prepare(dut)
    slave = StallingSlave(dut, model.bus, rate)
    left = [instruction(model) for _ in range(instructions)]
    expected = bytearray(LIMIT)
    sends = [values["send"] for values in left]
    bursts = 0
    for values in left:
        for entry in model.bursts(values):
            expected[entry.first : entry.end] = entry.data
            bursts += 1
    words = [encoded(values) for values in left]
    retired: list[int] = []
    for _ in range(200_000):
        dut.instr_valid_i.value = int(bool(words))
        dut.instr_i.value = words[0] if words else 0
        dut.claim_grant_i.value = int(random.random() < 0.7)
        slave.drive()
        await settle()
        slave.observe()
        if words and int(dut.accept_o.value):
            words.pop(0)
        if int(dut.retire_o.value):
            retired.append(int(dut.retire_send_o.value))
        done = not words and int(dut.idle_o.value) and not int(dut.instr_valid_i.value)
        word = read_word(dut, model)
        await edge(dut)
        dut.store_rdata_i.value = word
        if done:
            break
    assert retired == sends
    assert slave.bursts == bursts
    assert slave.memory == expected


@cocotb.test()
async def free_machine(dut: Any) -> None:
    await lockstep(dut, 25)


@cocotb.test()
async def denied(dut: Any) -> None:
    await lockstep(dut, 15, issue_rate=0.1, claim_rate=0.2)


@cocotb.test()
async def short_bursts(dut: Any) -> None:
    await lockstep(dut, 60, short=True, latency=3)
    await lockstep(dut, 60, short=True, latency=150)


@cocotb.test()
async def address_errors(dut: Any) -> None:
    p = parameters()
    granules = p["BANKS"] * p["BANK_WORDS"] * max(p["ROWS"], p["COLUMNS"]) // min(p["ROWS"], p["COLUMNS"])
    one = {"words": 1, "window_bytes": 4, "lane_offset": 0, "count1": 1, "count2": 1, "count3": 1, "source_span": 0}
    for broken in (
        {"source": granules},
        {"source": granules - 4, "source_span": 4},
        {"source": (1 << 18) - 1, "source_span": 2},
        one | {"memory_address": LIMIT - 3},
        one | {"memory_address": (1 << 32) - 4},
        one | {"memory_address": PROGRAM[0] - 1},
        one | {"memory_address": PROGRAM[1] - 1},
        one | {"memory_address": PROGRAM[0] + 64},
    ):
        await lockstep(dut, 3, short=True, claim_rate=0.5, broken=broken)


@cocotb.test()
async def stalling_slave(dut: Any) -> None:
    await stalling(dut, 12, 0.3)
    await stalling(dut, 12, 0.8)
