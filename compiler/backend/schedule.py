"""Schedule: loads move ahead of the work before them, as far as nothing that they conflict with lies between.

Program order is dispatch order. An engine waits for its own operands only, so order matters in one way: an instruction
that comes late, behind a full queue, is dispatched late. Loads therefore come up to `LOOKAHEAD` steps early; further
would put the work behind loads that themselves wait for it to free their buffers.
"""

from __future__ import annotations

from collections.abc import Sequence

from compiler.backend.accesses import AccessTable
from compiler.backend.conflicts import latest_conflicts
from compiler.backend.emit import Step
from machine.isa import Instruction, Opcode

LOOKAHEAD = 1
"""Steps by which loads run ahead of the work that uses them."""
DELAY = 1
"""Steps that a vector layer stays behind what it needs, so that the engine does not wait for it."""


def schedule(table: AccessTable, steps: Sequence[Step]) -> tuple[list[Instruction], list[int]]:
    """Return all instructions in program order, and the layer of each."""
    steps = interleave(table, steps)
    earliest = _earliest(table, steps)
    loads: list[list[tuple[Instruction, int]]] = [[] for _ in steps]
    place = 0
    for index, step in enumerate(steps):
        for load, bound in zip(step.loads, earliest[index], strict=True):
            place = max(place, bound, index - LOOKAHEAD)
            loads[place].append((load, step.layer))
    order = [
        entry
        for index, step in enumerate(steps)
        for entry in (*loads[index], *((instruction, step.layer) for instruction in step.body))
    ]
    return [instruction for instruction, _ in order], [layer for _, layer in order]


def interleave(table: AccessTable, steps: Sequence[Step]) -> list[Step]:
    """Move steps of the vector engine's layers in between those of the layer before, `DELAY` after what they need.

    A step keeps its place behind everything that it conflicts with: its key is above the place of all of that.
    """
    flat, latest = _conflicts(table, steps, own=True, groups=True)
    position, keys = 0, list(range(len(steps)))
    for index, step in enumerate(steps):
        members = range(position, position + len(step.loads) + len(step.body))
        position = members.stop
        bound = max((flat[cause] for i in members for cause in latest[i] if cause >= 0), default=-1)
        if not any(instruction.opcode is Opcode.MATRIX for instruction in step.body):
            keys[index] = min(index, bound + 1 + DELAY)
        if index and steps[index - 1].layer == step.layer:
            keys[index] = max(keys[index], keys[index - 1])
    return [steps[index] for index in sorted(range(len(steps)), key=lambda index: (keys[index], index))]


def _earliest(table: AccessTable, steps: Sequence[Step]) -> list[list[int]]:
    """For each load, the first step before whose body it may stand."""
    flat, latest = _conflicts(table, steps, own=False, groups=False)
    result: list[list[int]] = []
    position = 0
    for step in steps:
        result.append([
            max((flat[cause] + 1 for cause in latest[position + number] if cause >= 0), default=0)
            for number in range(len(step.loads))
        ])
        position += len(step.loads) + len(step.body)
    return result


def _conflicts(table: AccessTable, steps: Sequence[Step], own: bool, groups: bool) -> tuple[list[int], list[list[int]]]:
    """Return the step of each instruction, and its latest conflicting instruction of each engine."""
    flat = [(instruction, i) for i, step in enumerate(steps) for instruction in (*step.loads, *step.body)]
    instructions = [instruction for instruction, _ in flat]
    found = [table.of(instruction) for instruction in instructions]
    lengths = [len(step.loads) + len(step.body) for step in steps] if groups else None
    return [i for _, i in flat], latest_conflicts(instructions, found, own, lengths).tolist()
