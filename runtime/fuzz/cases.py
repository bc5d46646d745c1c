"""One case of the fuzzer: a machine and the code that it runs, drawn by number, kept as a program file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from accel_sim.time import WHOLE_MEMORY_BYTES
from compiler.verify_program import verify_program
from machine.config import Machine
from machine.errors import ProgramError
from machine.isa import INSTRUCTION_BYTES, Instruction, decode, encode
from machine.program import Program, Segment, load_program
from runtime.fuzz.damage import damaged
from runtime.fuzz.edges import EDGES, LARGEST_MACHINES, EdgeProgram, edge_program
from runtime.fuzz.random_images import random_image
from runtime.fuzz.random_machines import largest_drawn, random_machine, with_other_timing
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program

LENGTHS = (3, 10, 30, 60)
"""Least instructions of a program, each as often as the others."""
VARIANTS = 8
"""Cases that are made of one drawn program: drawing takes longer than running."""
EDGE_EVERY = 8
"""Of so many cases the last is a program at the edge of a field."""
LARGEST = (8, 32, 256)
"""Bounds of a random machine's rows and columns, likewise; small machines reach their edges sooner."""

BUILT = (8,)
"""The same for machines that the RTL is built for, in seconds."""


@dataclass(frozen=True)
class Case:
    """What is compared.

    Attributes:
        machine: the machine.
        code: encoded instructions, legal or not.
        data: uint8[MEMORY_BYTES] as bytes, the memory before the run, over which the code lies. Empty where
            only time is wanted.
        source: where it came from, in words.
        memory_bytes: MEMORY_LIMIT; what lies behind `data` is zero.
        program_address: where the code lies.
    """

    machine: Machine
    code: bytes
    data: bytes
    source: str
    memory_bytes: int = MEMORY_BYTES
    program_address: int = 0

    @property
    def words(self) -> list[bytes]:
        """The encoded instructions, one by one."""
        return [self.code[first : first + INSTRUCTION_BYTES] for first in range(0, len(self.code), INSTRUCTION_BYTES)]

    def decoded(self) -> list[Instruction | None]:
        """Return the instructions; None for those that no machine knows."""
        return [_decoded(word) for word in self.words]

    def memory(self) -> npt.NDArray[np.uint8]:
        """Return the memory before the run, uint8[MEMORY_BYTES]."""
        memory = np.zeros(max(MEMORY_BYTES, len(self.data)), np.uint8)
        memory[: len(self.data)] = np.frombuffer(self.data, np.uint8)
        memory[self.program_address : self.program_address + len(self.code)] = np.frombuffer(self.code, np.uint8)
        return memory

    def refusal(self) -> str | None:
        """Return why the program is not proved legal; None where it is: then the bytes that it leaves are defined."""
        instructions = self.decoded()
        known = [instruction for instruction in instructions if instruction is not None]
        if len(known) < len(instructions):
            return "an instruction that no machine knows"
        try:
            verify_program(self.machine, known, self.memory_bytes, self.program_address)
        except ProgramError as error:
            return str(error)
        return None

    def with_code(self, code: bytes) -> Case:
        """Return a case that differs in its code only."""
        return replace(self, code=code)

    def program(self) -> Program:
        """Return it as a program file holds it: a kernel without layers.

        Instructions that no machine knows have no place in one; then it has no segments, and its image is the code.
        """
        instructions = [instruction for instruction in self.decoded() if instruction is not None]
        if len(instructions) * INSTRUCTION_BYTES < len(self.code):
            return Program(self.machine, (), np.frombuffer(self.code, np.uint8), MEMORY_BYTES, source=self.source)
        segment = Segment(tuple(instructions), program_address=self.program_address)
        return Program(self.machine, (segment,), self.memory(), self.memory_bytes, source=self.source)


def _decoded(word: bytes) -> Instruction | None:
    try:
        return decode(word)
    except ProgramError:
        return None


@dataclass(frozen=True)
class Draws:
    """A row of cases; the same row gives the same ones.

    Attributes:
        seed: of the whole row.
        illegal: damage the programs, which are legal otherwise.
        machine: the machine; None for random ones.
        largest: bounds of a random machine's rows and columns, each as often as the others.
        programs_per_machine: for the RTL: cases that have the same machine, each a program of its own; None for another
            machine for each program, and `VARIANTS` cases of each: other damage, or a machine with other timing.
    """

    seed: int
    illegal: bool
    machine: Machine | None = None
    largest: tuple[int, ...] = LARGEST
    programs_per_machine: int | None = None

    def case(self, number: int, with_memory: bool = True) -> Case:
        """Return a case by its number, from 0; its memory is drawn only where it is wanted."""
        random = Random(f"{self.seed}/{number}/variant")
        drawn = self._edge(number, random) if number % EDGE_EVERY == EDGE_EVERY - 1 else None
        drawn = drawn or self._program(number, random)
        code = drawn.code
        if self.illegal:
            # Damage may leave nothing, and repeats 260 instructions up to 16 times; both fit no program file.
            most = MEMORY_BYTES - drawn.program_address
            code = damaged(code, random.getrandbits(32))[:most] or encode(drawn.instructions[-1])
        kind = "damaged program" if self.illegal else "program"
        data = drawn.image().tobytes() if with_memory else b""
        source = f"{kind} {number} of fuzz seed {self.seed}"
        return Case(drawn.machine, code, data, source, drawn.memory_bytes, drawn.program_address)

    @property
    def edge_machines(self) -> tuple[Machine, ...]:
        """The machines by which it is decided what edges of fields legal programs can reach."""
        if self.machine is not None:
            return (self.machine,)
        if self.programs_per_machine is None:
            return LARGEST_MACHINES
        return tuple(largest_drawn(rows, columns) for rows in (4, *self.largest) for columns in (4, *self.largest))

    @property
    def edge_memory_bytes(self) -> int:
        """The memory of programs at an edge: for the RTL, which runs one machine after the other, the small one."""
        return WHOLE_MEMORY_BYTES if self.programs_per_machine is None else MEMORY_BYTES

    def _edge(self, number: int, random: Random) -> _Drawn | None:
        """Return a program at the edge of a field, one edge after the other; None where this machine has none."""
        machines = [self._machine(number)] if self.programs_per_machine or self.machine else list(LARGEST_MACHINES)
        random.shuffle(machines)
        edge = EDGES[number // EDGE_EVERY % len(EDGES)]
        for machine in machines:
            found = edge_program(machine, edge, self.edge_memory_bytes)
            if isinstance(found, EdgeProgram):
                code = b"".join(map(encode, found.instructions))
                if not self.programs_per_machine and not self.machine:
                    machine = with_other_timing(machine, random)
                address = found.program_address
                return _Drawn(machine, found.instructions, code, number, self.edge_memory_bytes, address)
        return None

    def _program(self, number: int, random: Random) -> _Drawn:
        """Return a random program, or a variant of one."""
        if self.programs_per_machine is not None:
            return _draw_program(self._key(number), self._machine(number), ())
        alone = self.machine is not None and not self.illegal  # nothing can be varied
        drawn = _draw_program(self._key(number if alone else number // VARIANTS), self.machine, self.largest)
        if self.machine is None and number % (2 if self.illegal else VARIANTS):
            return replace(drawn, machine=with_other_timing(drawn.machine, random))
        return drawn

    def _key(self, number: int) -> str:
        return f"{self.seed}/{number}"

    def _machine(self, number: int) -> Machine:
        """Return the machine of a case, where it is not drawn with the program."""
        if self.machine is not None:
            return self.machine
        random = Random(f"{self.seed}/machine/{number // (self.programs_per_machine or 1)}")
        return random_machine(random.getrandbits(32), random.choice(self.largest))


@dataclass(frozen=True)
class _Drawn:
    """A legal program before it becomes cases."""

    machine: Machine
    instructions: tuple[Instruction, ...]
    code: bytes
    image_seed: int
    memory_bytes: int = MEMORY_BYTES
    program_address: int = 0

    def image(self) -> npt.NDArray[np.uint8]:
        return random_image(self.machine, self.instructions, self.image_seed)


@lru_cache(maxsize=1)
def _draw_program(key: str, machine: Machine | None, largest: tuple[int, ...]) -> _Drawn:
    """Draw a legal program for a machine; where there is none, draw that too. The latest one is kept."""
    random = Random(key)
    chosen = machine or random_machine(random.getrandbits(32), random.choice(largest))
    instructions = random_program(chosen, random.getrandbits(32), random.choice(LENGTHS))
    code = b"".join(encode(instruction) for instruction in instructions)
    return _Drawn(chosen, tuple(instructions), code, random.getrandbits(32))


def load_case(path: str | Path) -> Case:
    """Read a case that was saved as a program file; any kernel is one.

    Raises:
        ProgramError: it cannot be read, or is a program of another kind.
    """
    program = load_program(path)
    data = program.image.tobytes()
    if not program.segments:
        if not data or len(data) % INSTRUCTION_BYTES or len(data) > MEMORY_BYTES or program.nodes:
            raise ProgramError(f"{str(path)!r} holds no instructions, not even such as no machine knows")
        return Case(program.machine, data, bytes(MEMORY_BYTES), program.source)
    (segment, *others) = program.segments
    if others or program.inputs or program.outputs:
        raise ProgramError(f"{str(path)!r} is no kernel, as fuzz saves it")
    code = program.code(segment)
    return Case(program.machine, code, data, program.source, program.memory_bytes, segment.program_address)
