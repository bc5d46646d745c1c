"""Control with engines that accept when they please: order, tokens, dispatch and the sums of the counters."""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import cocotb

from machine.isa import Engine, Instruction, Opcode, encode, make
from machine.registers import EngineState, Status
from tests.rtl.bench import edge, parameters, reset, settle
from tests.rtl.queue_entry import queue_entry

ENGINES = len(Engine)
WINDOW = {Opcode.LOAD: {"window_bytes": 4}, Opcode.STORE: {"window_bytes": 4}}


def random_program(length: int) -> list[Instruction]:
    """Instructions that wait only for tokens that an earlier one sends."""
    sent = [[0] * ENGINES for _ in range(ENGINES)]
    program = []
    for _ in range(length):
        opcode = random.choice(list(Opcode)[1:])
        q = int(opcode) - 1
        wait = sum(1 << p for p in range(ENGINES) if sent[p][q] and random.random() < 0.5)
        send = random.getrandbits(ENGINES) & random.getrandbits(ENGINES) & ~(1 << q)
        for p in range(ENGINES):
            sent[p][q] -= wait >> p & 1
            sent[q][p] += send >> p & 1
        program.append(make(opcode, wait=wait, send=send, **WINDOW.get(opcode, {})))
    return [*program, make(Opcode.HALT)]


class Bench:
    """The world of `control`: a memory for fetch, and five engines."""

    def __init__(self, dut: Any, program: list[Instruction], pace: float) -> None:
        self.dut = dut
        self.pace = pace
        self.program = program
        self.data = b"".join(map(encode, program))
        self.bus = parameters()["BUS_BYTES"]
        self.beats: deque[int] = deque()
        self.expected = [deque(encode(entry) for entry in program if entry.engine is Engine(q)) for q in range(ENGINES)]
        self.in_flight: list[deque[Instruction]] = [deque() for _ in range(ENGINES)]
        self.tokens = [[0] * ENGINES for _ in range(ENGINES)]
        self.queued: list[deque[Instruction]] = [
            deque(entry for entry in program if entry.engine is Engine(q)) for q in range(ENGINES)
        ]
        self.issued = 0

    async def begin(self) -> None:
        dut = self.dut
        for name in ("start_i", "reset_i", "accept_i", "retire_i", "retire_send_i", "state_i", "quiet_i",
                     "bus_error_i", "address_error_i", "port_quiet_i", "read_beat_i", "write_beat_i", "mem_grant_i",
                     "mem_rvalid_i", "counter_engine_i", "counter_state_i"):  # fmt: skip
            getattr(dut, name).value = 0
        dut.idle_i.value = 31
        dut.drained_i.value = 1
        dut.program_address_i.value = 0
        dut.program_length_i.value = len(self.program)
        await reset(dut)
        dut.start_i.value = 1
        await edge(dut)
        dut.start_i.value = 0

    def chance(self) -> bool:
        return random.random() < self.pace

    async def cycle(self) -> bool:
        """One cycle; return whether the program still runs."""
        dut = self.dut
        await settle()
        if not int(dut.running_o.value):
            return False
        accept = [self.chance() for _ in range(ENGINES)]
        retire = [bool(flight) and self.chance() for flight in self.in_flight]
        sends = [flight[0]["send"] if flight else random.getrandbits(5) for flight in self.in_flight]
        grant = bool(int(dut.mem_req_o.value)) and self.chance()
        beat = bool(self.beats) and self.chance()
        dut.accept_i.value = sum(bit << q for q, bit in enumerate(accept))
        dut.retire_i.value = sum(bit << q for q, bit in enumerate(retire))
        dut.retire_send_i.value = sum(mask << 5 * q for q, mask in enumerate(sends))
        dut.idle_i.value = sum((not flight) << q for q, flight in enumerate(self.in_flight))
        dut.mem_grant_i.value = grant
        dut.mem_rvalid_i.value = beat
        dut.read_beat_i.value = beat
        dut.mem_rdata_i.value = self.beats[0] if beat else 0
        idle = int(EngineState.IDLE)
        dut.state_i.value = sum(idle << 4 * q for q in range(ENGINES))
        await settle()
        valid, issue = int(dut.instr_valid_o.value), int(dut.issue_o.value)
        heads = int(dut.instr_o.value)
        address, beats = int(dut.mem_addr_o.value), int(dut.mem_beats_o.value)
        for q in range(ENGINES):
            assert issue >> q & 1 == (valid >> q & 1 and accept[q])
            if issue >> q & 1:
                self.issue(q, heads >> 512 * q & (1 << 512) - 1)
        await edge(dut)
        if beat:
            self.beats.popleft()
        if grant:
            chunk = self.data[address : address + beats * self.bus]
            self.beats.extend(
                int.from_bytes(chunk[at : at + self.bus], "little") for at in range(0, len(chunk), self.bus)
            )
        for p in range(ENGINES):
            if retire[p]:
                send = self.in_flight[p].popleft()["send"]
                for q in range(ENGINES):
                    self.tokens[p][q] += send >> q & 1
        return True

    def issue(self, q: int, head: int) -> None:
        instruction = self.queued[q].popleft()
        assert head == queue_entry(instruction)
        for p in range(ENGINES):
            if instruction["wait"] >> p & 1:
                assert self.tokens[p][q] > 0, f"{Engine(q).name} issued without a token of {Engine(p).name}"
                self.tokens[p][q] -= 1
        self.in_flight[q].append(instruction)
        self.issued += 1


async def run(dut: Any, program: list[Instruction], pace: float) -> Bench:
    bench = Bench(dut, program, pace)
    await bench.begin()
    cycles = 0
    while await bench.cycle():
        cycles += 1
        assert cycles < 100_000
    await edge(dut)
    await edge(dut)
    await settle()
    assert int(dut.cycles_o.value) == cycles
    for q in range(ENGINES):
        total = 0
        for state in range(16):
            dut.counter_engine_i.value = q
            dut.counter_state_i.value = state
            await settle()
            total += int(dut.counter_o.value)
        assert total == cycles, "every engine is in exactly one state in each cycle"
    return bench


@cocotb.test()
async def random_programs(dut: Any) -> None:
    for pace in (1.0, 0.6, 0.15):
        program = random_program(120)
        bench = await run(dut, program, pace)
        assert Status(int(dut.status_o.value)) is Status.DONE
        assert bench.issued == len(program) - 1


@cocotb.test()
async def illegal_instruction_ends_it(dut: Any) -> None:
    program = random_program(20)
    program.insert(7, make(Opcode.LOAD, window_bytes=0))
    bench = await run(dut, program, 1.0)
    assert Status(int(dut.status_o.value)) is Status.ILLEGAL_INSTRUCTION
    assert bench.issued <= 7
