"""The instruction set executed element by element with Python integers: the effect texts of machine/isa.py, literally.

Slow and obvious; what the function simulator is compared with.
"""

from __future__ import annotations

from collections import deque
from itertools import product

from machine.config import Machine
from machine.isa import Instruction, Opcode

ADDRESS = 1 << 18


def signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def rescale(x: int, multiplier: int, left: int, right: int) -> int:
    shifted = signed(x << left, 32)
    high = (shifted * multiplier + (1 << 30)) >> 31
    if right == 0:
        return high
    magnitude = (abs(high) + (1 << (right - 1))) >> right  # nearest, ties away from zero
    return magnitude if high >= 0 else -magnitude


class LiteralMachine:
    def __init__(self, machine: Machine, memory: bytearray) -> None:
        self.m, self.memory = machine, memory
        self.scratchpad = bytearray(machine.scratchpad_bytes)
        self.accumulators = [[0] * machine.columns for _ in range(machine.accumulator_rows)]
        self.parameters = bytearray(machine.parameter_entries * 16 * machine.columns)
        self.tables = bytearray(2 * 256)
        self.fifo: deque[list[list[int]]] = deque()

    def run(self, instructions: list[Instruction]) -> None:
        for i in instructions:
            if i.opcode is Opcode.HALT:
                return
            getattr(self, i.opcode.name.lower())(i)

    def byte(self, granule: int, index: int, width: int) -> int:
        """Signed byte `index` of the `width` bytes at a granule address, aligned to the width."""
        address = (granule % ADDRESS) * self.m.granule_bytes // width * width
        return signed(self.scratchpad[address + index], 8)

    def load(self, i: Instruction) -> None:
        block = self.m.block_bytes
        target = (self.scratchpad, self.parameters, self.tables)[i["space"]]
        for d3, d2, d1 in product(range(i["count3"]), range(i["count2"]), range(i["count1"])):
            steps = ((d3, 3), (d2, 2), (d1, 1))
            line = (i["memory_address"] + sum(d * i[f"memory_stride{k}"] for d, k in steps)) % (1 << 32)
            at = (i["destination"] + sum(d * i[f"destination_stride{k}"] for d, k in steps)) % ADDRESS
            word = at if i["space"] else at * self.m.granule_bytes // block
            for w, b in product(range(i["words"]), range(i["window_bytes"])):
                p = w * i["window_stride"] + b - i["window_pad"]
                value = self.memory[line + p] if 0 <= p < i["line_bytes"] else i["fill"] & 255
                target[(word + w) * block + i["lane_offset"] + b] = value

    def weights(self, i: Instruction) -> None:
        rows, columns = self.m.rows, self.m.columns
        start = i["memory_address"] // self.m.bus_bytes * self.m.bus_bytes
        for t in range(i["tiles"]):
            base = start + t * rows * columns
            self.fifo.append([
                [signed(self.memory[base + r * columns + c], 8) - i["zero_point"] for c in range(columns)]
                for r in range(rows)
            ])

    def matrix(self, i: Instruction) -> None:
        rows, columns = self.m.rows, self.m.columns
        for block in range(i["blocks"]):
            taps = product(range(i["tap_count2"]), range(i["tap_count1"]), range(i["tap_count0"]))
            for number, (t2, t1, t0) in enumerate(taps):
                tile = self.fifo.popleft()
                start = i["a"] + block * i["block_stride"]
                start += t2 * i["tap_stride2"] + t1 * i["tap_stride1"] + t0 * i["tap_stride0"]
                points = product(range(i["row_count2"]), range(i["row_count1"]), range(i["row_count0"]))
                for m, (r2, r1, r0) in enumerate(points):
                    at = start + r2 * i["row_stride2"] + r1 * i["row_stride1"] + r0 * i["row_stride0"]
                    x = [self.byte(at, r, rows) - i["zero_point"] for r in range(rows)]
                    row = self.accumulators[(i["accumulator"] + block * i["accumulator_stride"] + m) % (1 << 16)]
                    for c in range(columns):
                        p = sum(x[r] * tile[r][c] for r in range(rows))
                        keep = 0 if number == 0 and not i["accumulate"] else row[c]
                        row[c] = signed(keep + p, 32)

    def parameter(self, entry: int, section: int, lane: int) -> int:
        at = (entry * 4 + section) * 4 * self.m.columns + 4 * lane
        return int.from_bytes(self.parameters[at : at + 4], "little", signed=True)

    def vector(self, i: Instruction) -> None:
        columns = self.m.columns
        writes = []
        for k, y, x in product(range(i["blocks"]), range(i["y_count"]), range(i["x_count"])):
            def address(operand: str, ky: int, kx: int, at: tuple[int, int, int] = (k, y, x)) -> int:
                steps = zip(("block", "y", "x", "ky", "kx"), (*at, ky, kx), strict=True)
                return i[operand] + sum(i[f"{operand}_{name}_stride"] * n for name, n in steps)

            d = i["d"] + k * i["d_block_stride"] + y * i["d_y_stride"] + x * i["d_x_stride"]
            result = []
            for c in range(columns):
                taps = []
                for ky, kx in product(range(i["ky_count"]), range(i["kx_count"])):
                    if i["source"]:
                        a = self.accumulators[address("a", ky, kx) % (1 << 16)][c]
                    else:
                        a = self.byte(address("a", ky, kx), c, columns) - (i["a_zero_point"] if i["reduce"] != 1 else 0)
                    b = self.byte(address("b", ky, kx), c, columns) - i["b_zero_point"] \
                        if i["reduce"] == 2 or i["use_residual"] else 0
                    taps.append(a * b if i["reduce"] == 2 else a)
                value = signed(max(taps) if i["reduce"] == 1 else sum(taps), 32)
                result.append(self.finish(i, k, c, value, b) & 255)
            writes.append((d, result))
        for d, result in writes:
            at = (d % ADDRESS) * self.m.granule_bytes // columns * columns
            self.scratchpad[at : at + columns] = bytes(result)

    def finish(self, i: Instruction, k: int, c: int, value: int, b: int) -> int:
        if i["rescale"]:
            bias, multiplier, shifts = (self.parameter(i["parameters"] + k, section, c) for section in range(3))
            value = signed(value + bias, 32)
            value = signed(rescale(value, multiplier & 0x7FFFFFFF, shifts & 31, shifts >> 8 & 31) + i["zero_point"], 32)
        value = min(max(value, i["low"]), i["high"])
        if i["table"]:
            return signed(self.tables[256 * (i["table"] - 1) + value % 256], 8)
        if not i["use_residual"]:
            return value
        record = [[self.parameter(i["record"], section, lane) for lane in range(4)] for section in range(3)]
        scalars = [(record[0][n] & 0x7FFFFFFF, record[1][n] & 31, record[2][n] & 31) for n in range(3)]
        other = rescale(b, *scalars[1])
        total = rescale(value - i["zero_point"], *scalars[0]) + (-other if i["subtract"] else other)
        value = signed(rescale(signed(total, 32), *scalars[2]) + signed(record[0][3], 8), 32)
        return min(max(value, signed(record[1][3], 8)), signed(record[2][3], 8))

    def store(self, i: Instruction) -> None:
        block, width = self.m.block_bytes, i["window_bytes"]
        for d3, d2, d1 in product(range(i["count3"]), range(i["count2"]), range(i["count1"])):
            steps = ((d3, 3), (d2, 2), (d1, 1))
            line = (i["memory_address"] + sum(d * i[f"memory_stride{k}"] for d, k in steps)) % (1 << 32)
            source = i["source"] + sum(d * i[f"source_stride{k}"] for d, k in steps)
            for w in range(i["words"]):
                at = (source + w * i["word_stride"]) % ADDRESS * self.m.granule_bytes // block * block
                for b in range(width):
                    self.memory[line + w * width + b] = self.scratchpad[at + i["lane_offset"] + b]
