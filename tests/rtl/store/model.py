"""The store engine's page, cycle by cycle: docs/units/store.md, docs/timing.md. Free of cocotb."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from machine.registers import EngineState
from tests.rtl.memory.port import burst, line_starts, pieces


@dataclass
class Burst:
    """One burst: its piece of memory, the scratchpad words that it reads, and when things happen to it."""

    first: int
    end: int
    address: int
    beats: int
    source: int
    span: int
    words: list[int]
    data: bytes
    send: int
    final: bool
    granted: int = -1
    sent: int = -1

    def read(self, cycle: int) -> int | None:
        """Return the address that is read in a cycle."""
        index = cycle - self.granted - 1
        return self.words[index] if self.granted >= 0 and 0 <= index < len(self.words) else None

    def beat(self, index: int, bus: int) -> tuple[int, int]:
        """Return data and strobes of a beat; bytes without strobe are zero."""
        start = self.address + index * bus
        lanes = [lane for lane in range(bus) if self.first <= start + lane < self.end]
        data = sum(self.data[start + lane - self.first] << 8 * lane for lane in lanes)
        return data, sum(1 << lane for lane in lanes)


class StoreModel:
    """One engine with an ideal slave. Each cycle: `step()` with the inputs, which returns the outputs."""

    def __init__(self, parameters: Mapping[str, int], scratchpad: bytes, limit: int, program: tuple[int, int]) -> None:
        """Take the RTL's parameters, the scratchpad's bytes and the legal memory range."""
        self.bus, self.outstanding_limit = parameters["BUS_BYTES"], parameters["OUTSTANDING"]
        self.word = max(parameters["ROWS"], parameters["COLUMNS"])
        self.granule = min(parameters["ROWS"], parameters["COLUMNS"])
        self.banks = parameters["BANKS"]
        self.bank_granules = parameters["BANK_WORDS"] * self.word // self.granule
        self.scratchpad, self.limit, self.program = scratchpad, limit, program
        self.cycle = 0
        self.active: list[Burst] = []  # bursts of the active instruction that are not granted
        self.reading: Burst | None = None
        self.taken: list[Burst] = []  # in burst buffers, oldest first
        self.channel: Burst | None = None  # last that was granted the write channel
        self.waiting: list[Burst] = []  # granted the write channel, not answered

    def word_at(self, address: int) -> bytes:
        """Return the word that a granule address lies in."""
        first = address * self.granule // self.word * self.word
        return self.scratchpad[first : first + self.word]

    def bursts(self, values: Mapping[str, int]) -> list[Burst]:
        """Lay out an instruction by the formulas of the page."""
        window, lane = values["window_bytes"], values["lane_offset"]
        result = []
        starts = line_starts(values, "memory_address", "memory_stride", 32)
        sources = line_starts(values, "source", "source_stride", 18)
        for start, source in zip(starts, sources, strict=True):
            words = [(source + word * values["word_stride"]) % (1 << 18) for word in range(values["words"])]
            line = b"".join(self.word_at(word)[lane : lane + window] for word in words)
            for first, end in pieces(start, start + values["words"] * window):
                b0, b1 = first - start, end - start
                read = words[b0 // window : (b1 - 1) // window + 1]
                address, beats = burst(first, end, self.bus)
                data, span = line[b0:b1], values["source_span"]
                entry = Burst(first, end, address, beats, source, span, read, data, values["send"], False)
                result.append(entry)
        result[-1].final = True
        return result

    def banks_of(self, entry: Burst) -> int:
        """Return the mask of the banks that a burst claims."""
        first, last = entry.source // self.bank_granules, (entry.source + entry.span) // self.bank_granules
        return sum(1 << bank for bank in range(self.banks) if first <= bank <= last)

    def outside(self, entry: Burst) -> bool:
        """Say whether a burst is an address error."""
        end = entry.address + entry.beats * self.bus
        touches = entry.first < self.program[1] and entry.end > self.program[0]
        return end > self.limit or touches or entry.source + entry.span >= self.bank_granules * self.banks

    def presented(self) -> Burst | None:
        """Return the burst whose reads are presented in this cycle."""
        reading = self.reading is not None and self.cycle < self.reading.granted + len(self.reading.words)
        return self.active[0] if self.active and not reading and len(self.taken) < 4 else None

    def step(self, issue: Mapping[str, int] | None, claimed: bool, response: bool) -> dict[str, int]:
        """Go through one cycle; `claimed` matters only where something is presented."""
        t, entry = self.cycle, self.presented()
        grant = entry is not None and claimed
        accept = not self.active or (grant and len(self.active) == 1)
        issued = accept and issue is not None
        address = self.reading.read(t) if self.reading else None
        oldest = next((burst for burst in self.taken if burst.sent < 0), None)
        send = oldest is not None and oldest.granted >= 0 and t >= oldest.granted + len(oldest.words) + 2
        send = send and len(self.waiting) < self.outstanding_limit
        send = send and (self.channel is None or t >= self.channel.sent + self.channel.beats)
        retire = response and self.waiting[0].final
        out = {
            "accept_o": accept,
            "retire_o": retire,
            "idle_o": not self.active and not self.taken and not self.waiting,
            "quiet_o": not (issued or grant or send or address is not None or self.waiting),
            "address_error_o": entry is not None and self.outside(entry),
            "claim_req_o": entry is not None,
            "hold_read_o": 0,
            "store_ren_o": address is not None,
            "m_axi_awvalid_o": self.channel is not None and t == self.channel.sent + 1,
            "m_axi_wvalid_o": self.channel is not None
            and self.channel.sent < t <= self.channel.sent + self.channel.beats,
            "m_axi_bready_o": 1,
        }
        if address is not None:
            out["store_addr_o"] = address
        if retire:
            out["retire_send_o"] = self.waiting[0].send
        if entry:
            out["claim_read_o"] = self.banks_of(entry)
        if self.reading and self.reading.granted < t < self.reading.granted + len(self.reading.words):
            out["hold_read_o"] = self.banks_of(self.reading)
        if self.channel and out["m_axi_awvalid_o"]:
            out |= {"m_axi_awaddr_o": self.channel.address, "m_axi_awlen_o": self.channel.beats - 1}
        if self.channel and out["m_axi_wvalid_o"]:
            index = t - self.channel.sent - 1
            data, strobe = self.channel.beat(index, self.bus)
            out |= {"wdata": data, "m_axi_wstrb_o": strobe, "m_axi_wlast_o": index == self.channel.beats - 1}
        if address is not None:
            state = EngineState.BUSY
        elif grant or issued:
            state = EngineState.START
        elif self.active and len(self.taken) == 4:
            state = EngineState.WAIT_ROOM
        elif entry:
            state = EngineState.WAIT_BANK
        else:
            state = EngineState.WAIT_MEMORY if self.taken or self.waiting else EngineState.IDLE
        out["state_o"] = state

        if response:
            self.waiting.pop(0)
        if self.channel and t == self.channel.sent + self.channel.beats:
            self.taken.remove(self.channel)
        if send and oldest:
            oldest.sent = t
            self.channel = oldest
            self.waiting.append(oldest)
        if grant and entry:
            entry.granted = t
            self.reading = entry
            self.taken.append(self.active.pop(0))
        if issued and issue is not None:
            self.active = self.bursts(issue)
        self.cycle += 1
        return {name: int(value) for name, value in out.items()}
