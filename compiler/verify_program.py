"""The legality verifier: proves that an instruction list is race-free and runs to its end on a given machine.

Three proofs, none of which knows how the compiler works:

1. every instruction by itself: legal fields, ranges inside every memory, spans that are what the loops reach;
2. race freedom: of any two instructions of different engines that conflict, the earlier one's retirement is known at
   the later one's issue, by tokens and by every engine's own order (vector clocks);
3. progress: an abstract execution with finite queues, token counters and the weight FIFO comes to its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler.backend.accesses import Access, accesses
from compiler.backend.conflicts import engines_of, latest_conflicts
from compiler.backend.legality import check_accesses, check_instruction
from machine.config import BURST_BYTES, TOKEN_LIMIT, Machine
from machine.errors import ProgramError
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES, Engine, Instruction, Opcode
from machine.progress import during, steps

ENGINES = tuple(Engine)


def verify_program(
    machine: Machine, instructions: Sequence[Instruction], memory_bytes: int, program_address: int = 0
) -> None:
    """Prove that a program is legal.

    Raises:
        ProgramError: it is not; the message names the first instruction at fault and the reason.
    """
    if memory_bytes % 64:
        raise ProgramError(f"memory of {memory_bytes} bytes; legal is a multiple of 64")
    if not instructions or instructions[-1].opcode is not Opcode.HALT:
        raise ProgramError("the last instruction must be halt")
    program = (program_address, program_address + INSTRUCTION_BYTES * len(instructions))
    found: list[tuple[Access, ...]] = []
    for index, instruction in enumerate(steps("verifying", instructions, len(instructions))):
        if instruction.opcode is Opcode.HALT and index < len(instructions) - 1:
            raise InstructionError(index, instruction, "halt before the last instruction")
        reason = check_instruction(machine, instruction)
        if reason is None:
            found.append(accesses(machine, instruction))
            reason = check_accesses(machine, found[-1], memory_bytes, program)
        if reason is not None:
            raise InstructionError(index, instruction, reason)
    with during("verifying order, tokens and queues"):
        _verify_accumulator_revisits(instructions)
        _verify_order(instructions, found)
        _Execution(machine, instructions).run()
        _verify_tile_order(instructions)


class InstructionError(ProgramError):
    """An instruction is not legal where it stands; `index` is its place in the program."""

    def __init__(self, index: int, instruction: Instruction, reason: str) -> None:
        """Name the instruction and the reason."""
        super().__init__(f"instruction {index} ({instruction.opcode.name.lower()}): {reason}")
        self.index = index


def _verify_accumulator_revisits(instructions: Sequence[Instruction]) -> None:
    """A pass that adds must not begin on one of the last two rows of the pass before (docs/units/matrix.md)."""
    last_rows = range(0)
    for index, matrix in enumerate(instructions):
        if matrix.opcode is not Opcode.MATRIX:
            continue
        if matrix["accumulate"] and matrix["accumulator"] in last_rows:
            raise InstructionError(
                index, matrix, f"adds to accumulator row {matrix['accumulator']}, one of the last two of the one before"
            )
        rows = matrix["row_count0"] * matrix["row_count1"] * matrix["row_count2"]
        first = matrix["accumulator"] + (matrix["blocks"] - 1) * matrix["accumulator_stride"]
        last_rows = range(max(first + 1, first + rows - 2), first + rows)


def _tiles(matrix: Instruction) -> int:
    return matrix["tap_count0"] * matrix["tap_count1"] * matrix["tap_count2"] * matrix["blocks"]


def _verify_tile_order(instructions: Sequence[Instruction]) -> None:
    """A matrix instruction takes only tiles of weights instructions before it, as if each came after the other."""
    waiting = 0
    for index, instruction in enumerate(instructions):
        if instruction.opcode is Opcode.WEIGHTS:
            waiting += instruction["tiles"]
        elif instruction.opcode is Opcode.MATRIX:
            waiting -= _tiles(instruction)
            if waiting < 0:
                raise InstructionError(index, instruction, f"takes {-waiting} weight tiles of instructions behind it")


def _masked(mask: int) -> list[Engine]:
    return [engine for engine in ENGINES if mask >> engine & 1]


def _verify_order(instructions: Sequence[Instruction], found: Sequence[Sequence[Access]]) -> None:
    """Race freedom. A wait takes the oldest token that is left, so it must have been sent earlier in program order."""
    latest = latest_conflicts(engines_of(instructions), found).tolist()
    sent: dict[tuple[Engine, Engine], deque[int]] = {(p, q): deque() for p in ENGINES for q in ENGINES}
    known = [[-1] * ENGINE_COUNT for _ in ENGINES]
    at_issue: list[list[int]] = []
    for index, instruction in enumerate(instructions):
        engine = instruction.engine
        if engine is None:
            break
        for other in _masked(instruction["wait"]):
            if not sent[other, engine]:
                raise InstructionError(
                    index, instruction, f"waits for {other.name.lower()}, which has sent no token that is left"
                )
            cause = sent[other, engine].popleft()
            merged = [max(pair) for pair in zip(known[engine], at_issue[cause], strict=True)]
            merged[other] = max(merged[other], cause)
            known[engine] = merged
        at_issue.append(known[engine])
        for other in _masked(instruction["send"]):
            sent[engine, other].append(index)
            if len(sent[engine, other]) > TOKEN_LIMIT:
                raise InstructionError(index, instruction, f"more than {TOKEN_LIMIT} tokens to {other.name.lower()}")
        for other, cause in zip(ENGINES, latest[index], strict=True):
            if known[engine][other] < cause:
                raise InstructionError(
                    index, instruction,
                    f"race: it conflicts with instruction {cause} ({other.name.lower()}), and no token orders them",
                )
    for (sender, receiver), left in sent.items():
        if left:
            raise InstructionError(
                left[0], instructions[left[0]],
                f"its token from {sender.name.lower()} to {receiver.name.lower()} is never taken",
            )


@dataclass
class _Execution:
    """Untimed execution: everything that waits for nothing happens at once; what is left at the end is a deadlock."""

    machine: Machine
    instructions: Sequence[Instruction]
    queues: dict[Engine, deque[int]] = field(init=False)
    tokens: dict[tuple[Engine, Engine], int] = field(init=False)
    next: int = 0
    pushed_bytes: int = 0
    popped_bytes: int = 0
    pending_bytes: int = 0

    def __post_init__(self) -> None:
        """Start with empty queues and no tokens."""
        self.queues = {engine: deque() for engine in ENGINES}
        self.tokens = {(p, q): 0 for p in ENGINES for q in ENGINES}
        self.active: dict[Engine, int] = {}
        self.tiles_left = 0

    def run(self) -> None:
        """Execute.

        Raises:
            ProgramError: no instruction can go on, or weight tiles are left over.
        """
        while self._dispatch() | sum(self._advance(engine) for engine in ENGINES):
            pass
        blocked = sorted([*self.active.values(), *(queue[0] for queue in self.queues.values() if queue)])
        if blocked:
            index = blocked[0]
            raise InstructionError(index, self.instructions[index], f"deadlock: {self._why(index)}")
        if self.pushed_bytes != self.popped_bytes:
            tiles = (self.pushed_bytes - self.popped_bytes) // self.machine.tile_bytes
            raise ProgramError(f"{tiles} weight tiles are pushed and never used")

    def _dispatch(self) -> bool:
        moved = False
        while self.next < len(self.instructions):
            engine = self.instructions[self.next].engine
            if engine is None or len(self.queues[engine]) >= self.machine.queue_depth:
                return moved
            self.queues[engine].append(self.next)
            self.next += 1
            moved = True
        return moved

    def _advance(self, engine: Engine) -> bool:
        """Issue, and work as far as possible; say whether anything happened."""
        moved = False
        while True:
            if engine not in self.active and not self._issue(engine):
                return moved
            moved = self._work(engine) or moved
            if engine in self.active:
                return moved
            moved = True

    def _issue(self, engine: Engine) -> bool:
        queue = self.queues[engine]
        if not queue:
            return False
        instruction = self.instructions[queue[0]]
        senders = _masked(instruction["wait"])
        if any(self.tokens[other, engine] == 0 for other in senders):
            return False
        for other in senders:
            self.tokens[other, engine] -= 1
        self.active[engine] = queue.popleft()
        if engine is Engine.WEIGHTS:
            self.pending_bytes = instruction["tiles"] * self.machine.tile_bytes
        elif engine is Engine.MATRIX:
            self.tiles_left = _tiles(instruction)
        return True

    def _work(self, engine: Engine) -> bool:
        """Go on with the active instruction; retire it when nothing is left of it."""
        moved = False
        if engine is Engine.WEIGHTS:
            moved = self._push()
        elif engine is Engine.MATRIX:
            moved = self._pop()
        left = {Engine.WEIGHTS: self.pending_bytes, Engine.MATRIX: self.tiles_left}.get(engine, 0)
        if left == 0:
            for other in _masked(self.instructions[self.active.pop(engine)]["send"]):
                self.tokens[engine, other] += 1
            return True
        return moved

    def _push(self) -> bool:
        """Push bursts while the FIFO has room for a whole one."""
        room = self.machine.weight_fifo_tiles * self.machine.tile_bytes - (self.pushed_bytes - self.popped_bytes)
        size = self.pending_bytes if self.pending_bytes <= room else room // BURST_BYTES * BURST_BYTES
        size = min(size, self.pending_bytes)
        self.pushed_bytes += size
        self.pending_bytes -= size
        return size > 0

    def _pop(self) -> bool:
        """Take whole tiles while there are any."""
        tiles = min(self.tiles_left, (self.pushed_bytes - self.popped_bytes) // self.machine.tile_bytes)
        self.popped_bytes += tiles * self.machine.tile_bytes
        self.tiles_left -= tiles
        return tiles > 0

    def _why(self, index: int) -> str:
        instruction = self.instructions[index]
        engine = instruction.engine
        if engine in self.active and self.active[engine] == index:
            return "the weight FIFO is full" if engine is Engine.WEIGHTS else f"{self.tiles_left} weight tiles lack"
        return "the tokens that it waits for are never sent"
