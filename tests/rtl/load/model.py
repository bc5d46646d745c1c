"""The load engine's page, cycle by cycle: docs/units/load.md, docs/timing.md. Free of cocotb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from machine.config import TABLE_BYTES, TABLE_COUNT
from machine.isa import LoadSpace
from machine.registers import EngineState
from tests.rtl.memory.port import burst, line_starts, pieces


@dataclass
class Line:
    """A line: its start in memory, first destination, beats and how many of them arrived."""

    start: int
    destination: int
    beats: int
    arrived: int = 0


@dataclass
class Segment:
    """Up to 16 words of a line; `needed` and `passed` count beats of the line."""

    line: Line
    first_word: int
    count: int
    needed: int
    passed: int
    freed: int
    final: bool = False


@dataclass
class Job:
    """An instruction in flight."""

    values: Mapping[str, int]
    issued: int
    bursts: list[tuple[Line, int, int]] = field(default_factory=list)
    segments: list[Segment] = field(default_factory=list)


class LoadModel:
    """One engine. Each cycle: `request()`, `segment()`, then `step()` with the inputs, which returns the outputs."""

    def __init__(self, parameters: Mapping[str, int], memory: bytes) -> None:
        """Take the RTL's parameters and the memory's bytes."""
        self.bus = parameters["BUS_BYTES"]
        self.rows, self.columns = parameters["ROWS"], parameters["COLUMNS"]
        self.word = max(self.rows, self.columns)
        self.word_granules = self.word // min(self.rows, self.columns)
        self.banks = parameters["BANKS"]
        self.bank_granules = parameters["BANK_WORDS"] * self.word_granules
        self.limits = {
            LoadSpace.SCRATCHPAD: self.bank_granules * self.banks,
            LoadSpace.PARAMETERS: parameters["PARAM_ENTRIES"] * 4 * (4 * self.columns // self.word),
            LoadSpace.TABLES: TABLE_COUNT * TABLE_BYTES // self.word,
        }
        """Addresses of each destination."""
        self.memory = memory
        self.cycle = 0
        self.free = parameters["LOAD_BEATS"]
        self.jobs: list[Job] = []  # in flight
        self.active: Job | None = None
        self.writing: list[Job] = []  # with segments not granted
        self.seen = 0  # cycle from which the write side sees the first of them, beyond its issue
        self.coming: list[Line] = []  # line of each beat that is to arrive
        self.running: tuple[int, Segment, Job] | None = None

    def make(self, values: Mapping[str, int]) -> Job:
        """Lay out an instruction: its bursts and segments by the formulas of the page."""
        job = Job(values, self.cycle)
        length, words = values["line_bytes"], values["words"]
        stride, pad = values["window_stride"], values["window_pad"]
        starts = line_starts(values, "memory_address", "memory_stride", 32)
        destinations = line_starts(values, "destination", "destination_stride", 18)
        for start, destination in zip(starts, destinations, strict=True):
            offset = start % self.bus
            bursts = [burst(*piece, self.bus) for piece in pieces(start, start + length)]
            line = Line(start, destination, sum(beats for _, beats in bursts))
            job.bursts += [(line, address, beats) for address, beats in bursts]
            before = 0
            for first in range(0, words, 16):
                count = min(16, words - first)
                end = min(length, (first + count - 1) * stride + values["window_bytes"] - pad)
                needed = 0 if end <= 0 else -(-(offset + end) // self.bus)
                passed = min(needed, (offset + max(0, (first + count) * stride - pad)) // self.bus)
                if first + count == words:
                    needed = passed = line.beats
                job.segments.append(Segment(line, first, count, needed, passed, passed - before))
                before = passed
        job.segments[-1].final = True
        return job

    def request(self) -> tuple[int, int] | None:
        """Return the burst that is presented in this cycle."""
        if self.active is None or not self.active.bursts or self.active.bursts[0][2] > self.free:
            return None
        return self.active.bursts[0][1:]

    def segment(self) -> Segment | None:
        """Return the segment that is presented in this cycle."""
        if not self.writing or self.cycle < max(self.writing[0].issued + 1, self.seen):
            return None
        segment = self.writing[0].segments[0]
        ready = segment.line.arrived >= segment.needed
        return segment if ready and (self.running is None or self.last_access()) else None

    def last_access(self) -> bool:
        """Say whether this cycle is the last access of a segment."""
        return self.running is not None and self.cycle == self.running[0] + self.running[1].count

    def step_of(self, space: int) -> int:
        """Return the addresses from one word to the next."""
        return self.word_granules if space == LoadSpace.SCRATCHPAD else 1

    def addresses(self, segment: Segment, job: Job) -> list[int]:
        """Return the addresses of a segment's words, not wrapped."""
        step = self.step_of(job.values["space"])
        first = segment.line.destination + segment.first_word * step
        return [first + word * step for word in range(segment.count)]

    def banks_of(self, segment: Segment, job: Job) -> int:
        """Return the mask of the banks that a segment writes."""
        banks = {address // self.bank_granules for address in self.addresses(segment, job)}
        return sum(1 << bank for bank in banks if bank < self.banks) if not job.values["space"] else 0

    def write(self) -> dict[str, int]:
        """Return the write of this cycle: enable, address, and the bytes that it changes as data and mask."""
        if self.running is None:
            return {"wen": 0}
        granted, segment, job = self.running
        index = self.cycle - granted - 1
        values, data, mask = job.values, 0, 0
        for b in range(values["window_bytes"]):
            p = (segment.first_word + index) * values["window_stride"] + b - values["window_pad"]
            inside = 0 <= p < values["line_bytes"]
            byte = self.memory[segment.line.start + p] if inside else values["fill"] & 255
            data |= byte << 8 * (values["lane_offset"] + b)
            mask |= 1 << (values["lane_offset"] + b)
        address = self.addresses(segment, job)[index] % (1 << 18)
        return {"wen": 1, "space": values["space"], "address": address, "data": data, "mask": mask}

    def step(self, issue: Mapping[str, int] | None, granted: bool, beat: bool, claimed: bool) -> dict[str, int]:
        """Go through one cycle; `granted` and `claimed` matter only where something is presented.

        Returns:
            the outputs of the cycle by port name, and the write under `write()`'s keys.
        """
        request, segment = self.request(), self.segment()
        job = self.writing[0] if self.writing else None
        at_once = bool(segment and job and job.values["space"] != LoadSpace.SCRATCHPAD)
        segment_grant = segment is not None and (at_once or claimed)
        finishes = self.active is not None and not self.active.bursts
        finishes |= bool(request and granted and self.active and len(self.active.bursts) == 1)
        accept = (self.active is None or finishes) and len(self.jobs) < 4
        issued = accept and issue is not None
        access, last = self.running is not None, self.last_access()
        retire = last and self.running is not None and self.running[1].final
        out = {
            "accept_o": accept,
            "mem_req_o": request is not None,
            "retire_o": retire,
            "idle_o": not self.jobs,
            "quiet_o": not (issued or segment_grant or (request and granted) or access or beat),
            "claim_req_o": segment is not None and not at_once,
            "hold_write_o": 0,
            "address_error_o": 0,
            **self.write(),
        }
        if request:
            out |= {"mem_addr_o": request[0], "mem_beats_o": request[1]}
        if retire and self.running:
            out["retire_send_o"] = self.running[2].values["send"]
        if segment and job:
            limit = self.limits[LoadSpace(job.values["space"])]
            out["address_error_o"] = max(self.addresses(segment, job)) >= limit
            if not at_once:
                out["claim_write_o"] = self.banks_of(segment, job)
        if self.running and not last:
            out["hold_write_o"] = self.banks_of(self.running[1], self.running[2])
        if access:
            state = EngineState.BUSY
        elif segment_grant or issued:
            state = EngineState.START
        elif segment:
            state = EngineState.WAIT_BANK
        else:
            state = EngineState.WAIT_MEMORY if self.jobs else EngineState.IDLE
        out["state_o"] = state

        if beat:
            self.coming.pop(0).arrived += 1
        if last and self.running:
            self.free += self.running[1].freed
            if retire:
                self.jobs.remove(self.running[2])
            self.running = None
        if request and granted and self.active:
            line, _, beats = self.active.bursts.pop(0)
            self.free -= beats
            self.coming += [line] * beats
        if finishes:
            self.active = None
        if segment_grant and segment and job:
            self.running = (self.cycle, segment, job)
            job.segments.pop(0)
            if not job.segments:
                self.writing.pop(0)
                self.seen = self.cycle + segment.count
        if issued and issue is not None:
            self.active = self.make(issue)
            self.jobs.append(self.active)
            self.writing.append(self.active)
        self.cycle += 1
        return {name: int(value) for name, value in out.items()}
