"""The weights engine's page and its FIFO, cycle by cycle: docs/units/weights.md, docs/timing.md. Free of cocotb."""

from __future__ import annotations

from collections.abc import Mapping

from machine.registers import EngineState
from tests.rtl.memory.port import burst, pieces


class WeightsModel:
    """One engine. Each cycle: `request()`, then `step()` with the inputs, which returns the outputs."""

    def __init__(self, parameters: Mapping[str, int], memory: bytes) -> None:
        """Take the RTL's parameters and the memory's bytes."""
        self.rows, self.columns, self.bus = parameters["ROWS"], parameters["COLUMNS"], parameters["BUS_BYTES"]
        self.tile_bytes = self.rows * self.columns
        self.tile_beats = self.tile_bytes // self.bus
        self.free = parameters["FIFO_TILES"] * self.tile_beats
        self.memory = memory
        self.cycle = 0
        self.active: list[tuple[int, int]] = []  # bursts left of the active instruction
        self.jobs: list[dict[str, int]] = []  # in flight: send mask and beats left to arrive
        self.tiles: list[list[int]] = []  # whole and coming tiles, oldest first: address, zero point, beats missing
        self.shift_left = 0  # rows of the going shift still to be read
        self.rows_read: list[list[int] | None] = [None, None]  # what row_data_o shows in this cycle and the next

    def request(self) -> tuple[int, int] | None:
        """Return the burst that is presented in this cycle."""
        return self.active[0] if self.active and self.active[0][1] <= self.free else None

    def present(self) -> bool:
        """Say whether a whole tile is there beyond those that are being shifted."""
        ahead = 1 if self.shift_left else 0
        return len(self.tiles) > ahead and self.tiles[ahead][2] == 0

    def step(self, issue: Mapping[str, int] | None, granted: bool, beat: bool, shift: bool) -> dict[str, int]:
        """Go through one cycle; `shift` says that a row is read."""
        request = self.request()
        grant = request is not None and granted
        finishes = grant and len(self.active) == 1
        accept = not self.active or finishes
        issued = accept and issue is not None
        retire = beat and self.jobs[0]["beats"] == 1
        if beat:
            state = EngineState.BUSY
        elif grant or issued:
            state = EngineState.START
        elif self.active and request is None:
            state = EngineState.WAIT_ROOM
        else:
            state = EngineState.WAIT_MEMORY if self.jobs else EngineState.IDLE
        out = {
            "accept_o": accept,
            "mem_req_o": request is not None,
            "retire_o": retire,
            "idle_o": not self.jobs,
            "quiet_o": not (issued or grant or beat),
            "address_error_o": 0,
            "tile_present_o": self.present(),
            "state_o": state,
        }
        if request:
            out |= {"mem_addr_o": request[0], "mem_beats_o": request[1]}
        if retire:
            out["retire_send_o"] = self.jobs[0]["send"]
        shown = self.rows_read.pop(0)
        if shown is not None:
            out["row_data_o"] = sum((value & 511) << 9 * column for column, value in enumerate(shown))

        self.rows_read.append(self._read_row() if shift else None)
        if beat:
            next(tile for tile in self.tiles if tile[2])[2] -= 1
            self.jobs[0]["beats"] -= 1
            if retire:
                self.jobs.pop(0)
        if grant:
            self.free -= self.active.pop(0)[1]
        if issued and issue is not None:
            first = issue["memory_address"] // self.bus * self.bus
            end = first + issue["tiles"] * self.tile_bytes
            self.active = [burst(*piece, self.bus) for piece in pieces(first, end)]
            self.jobs.append({"send": issue["send"], "beats": issue["tiles"] * self.tile_beats})
            starts = range(first, end, self.tile_bytes)
            self.tiles += [[start, issue["zero_point"], self.tile_beats] for start in starts]
        self.cycle += 1
        return {name: int(value) for name, value in out.items()}

    def _read_row(self) -> list[int]:
        if not self.shift_left:
            self.shift_left = self.rows
        address, zero_point, missing = self.tiles[0]
        assert missing == 0
        first = address + (self.rows - self.shift_left) * self.columns
        row = [(byte ^ 128) - 128 - zero_point for byte in self.memory[first : first + self.columns]]
        self.shift_left -= 1
        if not self.shift_left:
            self.tiles.pop(0)
            self.free += self.tile_beats
        return row
