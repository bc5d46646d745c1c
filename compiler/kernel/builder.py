"""The builder of kernels: instructions with named operands, in program order; tokens and addresses are its work."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import index
from typing import Literal, SupportsIndex

import numpy as np

from compiler.backend.accesses import AccessTable, Space
from compiler.backend.geometry import ceil_div
from compiler.backend.instructions import build
from compiler.backend.legality import check_instruction
from compiler.backend.memory import ACTIVATION_BASE, Extent, allocate
from compiler.backend.tokens import insert_tokens
from compiler.backend.transfers import load_parameters, load_table
from compiler.kernel.kernel import Kernel, Output
from compiler.kernel.regions import Region, operand
from compiler.kernel.storage import Storage
from compiler.verify_program import InstructionError, verify_program
from machine.errors import KernelError, ProgramError
from machine.isa import Instruction, Opcode, VectorReduce, encode
from machine.program import Program
from machine.sections import check_section_name

Lines = Sequence[tuple[int, int, int]]
"""Loops over lines, the innermost first, at most three: (count, bytes of memory, granules of scratchpad) of a step."""
Rows = Sequence[tuple[int, int]]
"""Loops, the innermost first, at most three: (count, granules of a step)."""

REDUCES = tuple(each.name.lower() for each in VectorReduce)
"""What a vector instruction does with the taps of a result."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop of a vector instruction: its count, and the step of each operand in granules (of accumulators, rows)."""

    count: int
    a: int = 0
    b: int = 0
    d: int = 0


ONCE = Loop(1)


@dataclass
class KernelBuilder(Storage):
    """Builds a kernel for one machine. Instructions are executed as if in the order of the calls.

    Whatever two engines do with the same words is ordered by tokens, which `build` places; engines run side by side
    wherever nothing orders them.
    """

    name: str = "kernel"
    _instructions: list[Instruction] = field(default_factory=list, init=False)
    _sections: list[str] = field(default_factory=list, init=False)
    _callers: list[str] = field(default_factory=list, init=False)
    _path: tuple[str, ...] = field(default=(), init=False)

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Name what is called inside: the profile shows sections as it shows the layers of a network.

        A section inside another is called "outer/inner"; one name may be used again and again.

        Raises:
            KernelError: the name is empty, has a '#', or cannot be printed.
        """
        try:
            check_section_name(name)
        except ProgramError as error:
            raise KernelError(str(error)) from None
        before, self._path = self._path, (*self._path, name)
        try:
            yield
        finally:
            self._path = before

    def load(
        self, source: Region, target: Region, *, lines: Lines = (), line_bytes: int | None = None,
        words: int | None = None, window_bytes: int | None = None, window_stride: int | None = None,
        window_pad: int = 0, lane_offset: int = 0, fill: int = 0,
    ) -> None:
        """Load memory into the scratchpad, or whole entries into the parameter memory, or a table.

        Into the scratchpad go `lines` of `line_bytes` (by default the whole source) each, as `words` words; of each
        word `window_bytes`, every `window_stride` of the line, after `window_pad` bytes of `fill` before the line.
        By default a line's bytes follow each other in whole words. See docs/isa.md.

        Raises:
            KernelError: an operand is too small or of the wrong memory, or a field is not legal.
        """
        if target.space is Space.PARAMETER:
            self._load_entries(source, target)
        elif target.space is Space.TABLE:
            address = operand("a table's source", source, Space.MEMORY, 256)
            self._add(load_table(self.machine, address, target.base))
        else:
            window = self.machine.block_bytes if window_bytes is None else window_bytes
            stride = window if window_stride is None else window_stride
            length = source.size if line_bytes is None else line_bytes
            count = max(1, ceil_div(length, max(1, stride))) if words is None else words
            address = operand("load's source", source, Space.MEMORY, _reach([line[:2] for line in lines]) + length)
            self._add(build(
                Opcode.LOAD, memory_address=address, line_bytes=length, window_bytes=window, window_stride=stride,
                window_pad=window_pad, lane_offset=lane_offset, fill=fill, **self._target(target, count, lines),
            ))

    def fill(self, target: Region, value: int, *, words: int | None = None, lines: Rows = ()) -> None:
        """Write a value into every byte of words of the scratchpad, by default of the whole target.

        Raises:
            KernelError: the target is too small, or the value is not int8.
        """
        count = target.size // self.machine.granules_per_word if words is None else words
        loops = [(loop[0], 0, loop[1]) for loop in lines]
        self._add(build(
            Opcode.LOAD, window_bytes=self.machine.block_bytes, fill=value, **self._target(target, count, loops)
        ))

    def _target(self, target: Region, words: int, lines: Lines) -> dict[str, int]:
        reach = _reach([(count, step) for count, _, step in lines]) + words * self.machine.granules_per_word
        return {"destination": operand("load's target", target, Space.SCRATCHPAD, reach), "words": words,
                **_line_fields("load", lines, "destination")}

    def _load_entries(self, source: Region, target: Region) -> None:
        size = 12 * self.machine.columns
        address = operand("parameters' source", source, Space.MEMORY, 1)
        if source.size != target.size * size:
            raise KernelError(f"{target} takes {target.size * size} bytes, received {source}")
        self._add(load_parameters(self.machine, address, target.base, (1, target.size), 0))

    def weights(self, tiles: Region, *, zero_point: int = 0) -> None:
        """Push weight tiles, contiguous in memory, into the weight FIFO.

        Raises:
            KernelError: not whole tiles, or they do not begin at a beat of the bus.
        """
        address = operand("weights", tiles, Space.MEMORY, self.machine.tile_bytes)
        if tiles.size % self.machine.tile_bytes or address % self.machine.bus_bytes:
            raise KernelError(f"weights must be whole tiles of {self.machine.tile_bytes} bytes from a multiple of "
                              f"{self.machine.bus_bytes} on, received {tiles}")
        self._add(build(
            Opcode.WEIGHTS, memory_address=address, tiles=tiles.size // self.machine.tile_bytes, zero_point=zero_point
        ))

    def matrix(
        self, a: Region, into: Region, *, rows: Rows, taps: Rows = (), blocks: int = 1, block_stride: int = 0,
        accumulator_stride: int | None = None, accumulate: bool = False, zero_point: int = 0,
    ) -> None:
        """Multiply activation rows by weight tiles, one of each tap of each block, and add up into accumulators.

        `rows` are the loops over the rows of one pass, `taps` those over the tiles that are added up; `blocks` are of
        output channels, `accumulator_stride` rows apart (by default, one pass's).

        Raises:
            KernelError: an operand is too small or of the wrong memory, or a field is not legal.
        """
        count = int(np.prod([loop[0] for loop in rows], dtype=np.int64))
        step = count if accumulator_stride is None else accumulator_stride
        read = _reach(rows) + _reach(taps) + _reach([(blocks, block_stride)])
        address = operand("matrix a", a, Space.SCRATCHPAD, read + self.machine.rows // self.machine.granule_bytes)
        accumulator = operand("matrix into", into, Space.ACCUMULATOR, _reach([(blocks, step)]) + count)
        self._add(build(
            Opcode.MATRIX, a=address, a_span=_reach(rows), **_loop_fields("row", rows), **_loop_fields("tap", taps),
            blocks=blocks, block_stride=block_stride, accumulator=accumulator, accumulator_stride=step,
            accumulate=int(accumulate), zero_point=zero_point,
        ))

    def vector(
        self, a: Region, d: Region, *, x: Loop = ONCE, y: Loop = ONCE, blocks: Loop = ONCE, kx: Loop = ONCE,
        ky: Loop = ONCE, reduce: Literal["sum", "max", "mac"] = "sum", b: Region | None = None,
        parameters: Region | None = None, record: Region | None = None, subtract: bool = False,
        table: Region | None = None, a_zero_point: int = 0, b_zero_point: int = 0, zero_point: int = 0,
        low: int = -128, high: int = 127,
    ) -> None:
        """Compute results from accumulators or scratchpad `a` into scratchpad `d` (docs/units/vector.md).

        Results go over `blocks`, `y`, `x`; the values of the taps `ky`, `kx` of each are reduced: their sum, maximum,
        or the sum of products with `b` ("mac"). `parameters` add a bias and requantize; `record` adds `b` (or
        subtracts it); `table` looks the result up.

        Raises:
            KernelError: an operand is missing, too small or of the wrong memory, or a field is not legal.
        """
        if reduce not in REDUCES:
            raise KernelError(f"vector.reduce is {reduce!r}; legal are {', '.join(REDUCES)}")
        if (b is not None) != (reduce == "mac" or record is not None):
            raise KernelError("vector takes b if and only if reduce is 'mac' or there is a record")
        results = (("block", blocks), ("y", y), ("x", x))
        taps = (("ky", ky), ("kx", kx))
        if any(loop.d for _, loop in taps):
            raise KernelError("the taps of a result have no step of d")
        lanes = self.machine.columns // self.machine.granule_bytes
        spans = {
            "a": _reach([(loop.count, loop.a) for _, loop in (*results, *taps)]),
            "b": _reach([(loop.count, loop.b) for _, loop in (*results, *taps)]) if b is not None else 0,
            "d": _reach([(loop.count, loop.d) for _, loop in results]),
        }
        from_accumulators = a.space is Space.ACCUMULATOR
        space = Space.ACCUMULATOR if from_accumulators else Space.SCRATCHPAD
        fields = {
            "source": int(from_accumulators), "reduce": VectorReduce[reduce.upper()],
            "a": operand("vector a", a, space, spans["a"] + (1 if from_accumulators else lanes)),
            "d": operand("vector d", d, Space.SCRATCHPAD, spans["d"] + lanes),
            "blocks": blocks.count, "y_count": y.count, "x_count": x.count, "ky_count": ky.count, "kx_count": kx.count,
            **{f"{name}_span": span for name, span in spans.items()},
            **{f"a_{name}_stride": loop.a for name, loop in (*results, *taps)},
            **{f"d_{name}_stride": loop.d for name, loop in results},
        }
        if b is not None:
            fields |= {"b": operand("vector b", b, Space.SCRATCHPAD, spans["b"] + lanes)}
            fields |= {f"b_{name}_stride": loop.b for name, loop in (*results, *taps)}
        if parameters is not None:
            entry = operand("vector parameters", parameters, Space.PARAMETER, blocks.count)
            fields |= {"rescale": 1, "parameters": entry}
        if record is not None:
            fields |= {"use_residual": 1, "record": operand("vector record", record, Space.PARAMETER, 1)}
        if table is not None:
            fields |= {"table": operand("vector table", table, Space.TABLE, 1) + 1}
        self._add(build(
            Opcode.VECTOR, **fields, subtract=int(subtract), a_zero_point=a_zero_point, b_zero_point=b_zero_point,
            zero_point=zero_point, low=low, high=high,
        ))

    def store(
        self, source: Region, target: Region, *, lines: Lines = (), words: int | None = None,
        word_stride: int | None = None, window_bytes: int | None = None, lane_offset: int = 0,
    ) -> None:
        """Store scratchpad words into memory: of each of a line's `words`, `window_bytes` one behind the other.

        By default, as many whole words as the target takes.

        Raises:
            KernelError: an operand is too small or of the wrong memory, the target is data, or a field is not legal.
        """
        window = self.machine.block_bytes if window_bytes is None else window_bytes
        step = self.machine.granules_per_word if word_stride is None else word_stride
        count = target.size // max(1, window) if words is None else words
        read = _reach([(count, step)]) + _reach([(line[0], line[2]) for line in lines])
        address = operand("store's target", target, Space.MEMORY, _reach([line[:2] for line in lines]) + count * window)
        if address < ACTIVATION_BASE:
            raise KernelError(f"{target} is data, which can be read only; take an output or memory")
        self._add(build(
            Opcode.STORE, memory_address=address, words=count, word_stride=step, source_span=_reach([(count, step)]),
            source=operand("store's source", source, Space.SCRATCHPAD, read + self.machine.granules_per_word),
            window_bytes=window, lane_offset=lane_offset, **_line_fields("store", lines, "source"),
        ))

    def _add(self, given: Instruction) -> None:
        name = given.opcode.name.lower()
        try:  # integers of numpy are integers too
            instruction = Instruction(given.opcode, {field: index(value) for field, value in given.values.items()})
        except TypeError:
            field, value = next(item for item in given.values.items() if not isinstance(item[1], SupportsIndex))
            raise KernelError(f"{name}.{field} must be an integer, received {value!r}") from None
        reason = check_instruction(self.machine, instruction)
        if reason is not None:
            raise KernelError(f"{name}: {reason}")
        self._instructions.append(instruction)
        self._sections.append("/".join(self._path))
        self._callers.append(_caller())

    def build(self) -> Kernel:
        """Place the tokens, give everything its address, and prove the program legal.

        Raises:
            KernelError: it is not: an instruction, whose file and line are named, would wait for ever.
            ProgramError: weight tiles are left over.
        """
        constants = self._constants.image()
        (placement,) = allocate([Extent(len(self._instructions) + 1, constants.size, self._memory_bytes)])
        ordered = [*insert_tokens(AccessTable(self.machine), self._instructions), build(Opcode.HALT)]
        placed = [placement.place(instruction) for instruction in ordered]
        try:
            verify_program(self.machine, placed, placement.memory_bytes)
        except InstructionError as error:
            raise KernelError(f"{self._callers[error.index]}: {error}") from None
        image = np.zeros(placement.constants_at + constants.size, np.uint8)
        code = b"".join(encode(instruction) for instruction in placed)
        image[: len(code)] = np.frombuffer(code, np.uint8)
        image[placement.constants_at :] = constants
        program = Program.kernel(
            self.machine, placed, image, placement.memory_bytes, self.name, [*self._sections, ""]
        )
        return Kernel(self.name, program, tuple(
            Output(result.name, placement.move(result.region.base), result.shape, result.dtype, result.expected)
            for result in self.results.values()
        ))


def _caller() -> str:
    """Return the file and the line that called the builder."""
    frame = inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename}, line {frame.f_lineno}"


def _reach(loops: Sequence[tuple[int, int]]) -> int:
    """Return the largest offset of nested loops of (count, step).

    Raises:
        KernelError: a count below 1, or a step below 0.
    """
    for count, step in loops:
        if count < 1 or step < 0:
            raise KernelError(f"a loop of {count} with step {step}; legal are counts from 1 and steps from 0 on")
    return sum((count - 1) * step for count, step in loops)


def _loop_fields(kind: str, loops: Rows) -> dict[str, int]:
    _check_loops("matrix", loops)
    return {
        f"{kind}_{what}{number}": value
        for number, loop in enumerate(loops) for what, value in zip(("count", "stride"), loop, strict=True)
    }


def _line_fields(what: str, lines: Lines, side: str) -> dict[str, int]:
    _check_loops(what, lines)
    return {
        f"{name}{number}": value
        for number, line in enumerate(lines, start=1)
        for name, value in zip(("count", "memory_stride", f"{side}_stride"), line, strict=True)
    }


def _check_loops(what: str, loops: Sequence[object]) -> None:
    if len(loops) > 3:
        raise KernelError(f"{what} has three nested loops at most, received {len(loops)}")
