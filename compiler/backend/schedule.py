"""Schedule: the order of dispatch, which is the order of meaning: nothing passes what it conflicts with.

An engine waits for its own operands only, so order matters in two ways. An engine works in order: a vector instruction
that waits for the matrix engine holds up those behind it, so neighbouring layers are interleaved, step by step, such
that each engine finds work that is ready. And an instruction behind a full queue is dispatched late: loads come early,
but only in front of the step before their own in their layer; further would put the work behind loads that themselves
wait for it to free their buffers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler.backend.accesses import AccessTable
from compiler.backend.conflicts import engines_of, latest_conflicts
from compiler.backend.emit import Step
from compiler.backend.memory import LAYERS_AT_ONCE
from machine.isa import ENGINE_COUNT, Instruction, Opcode

HANDSHAKE_CYCLES = 64
"""From the last access of a step to the first of one that needs it: pipeline, tokens."""
LOOKAHEAD = 1
"""Steps of a layer by which its loads run ahead of the work that uses them."""


def schedule(table: AccessTable, steps: Sequence[Step]) -> tuple[list[Instruction], list[int]]:
    """Return all instructions in program order, and the layer of each."""
    steps = interleave(table, steps)
    earliest = _earliest(table, steps)
    loads: list[list[tuple[Instruction, int]]] = [[] for _ in steps]
    place = 0
    for index, (step, ahead) in enumerate(zip(steps, _ahead(steps), strict=True)):
        for load, bound in zip(step.loads, earliest[index], strict=True):
            place = max(place, bound, ahead)
            loads[place].append((load, step.layer))
    order = [
        entry
        for index, step in enumerate(steps)
        for entry in (*loads[index], *((instruction, step.layer) for instruction in step.body))
    ]
    return [instruction for instruction, _ in order], [layer for _, layer in order]


def _ahead(steps: Sequence[Step]) -> list[int]:
    """Return the place of the step of the same layer that is `LOOKAHEAD` before each (or its first)."""
    places: dict[int, list[int]] = {}
    result = []
    for index, step in enumerate(steps):
        known = places.setdefault(step.layer, [])
        known.append(index)
        result.append(min(index - 1 if index else 0, known[max(0, len(known) - 1 - LOOKAHEAD)]))
    return result


@dataclass
class _Clocks:
    """When the engines and the steps will be done, in cycles, as far as order depends on it."""

    matrix: int = 0
    vector: int = 0
    drained: list[int] = field(default_factory=lambda: [0, 0])
    """When the last two matrix steps leave their accumulators."""

    def begin(self, cost: tuple[int, int], ready: int) -> tuple[int, int]:
        """Return when the matrix part of a step would end, and when its vector part would begin."""
        if not cost[0]:
            return self.matrix, max(self.vector, ready)
        end = max(self.matrix, ready, self.drained[0]) + cost[0]
        return end, max(self.vector, end)

    def take(self, cost: tuple[int, int], ready: int) -> int:
        """Do a step and return when it is done."""
        self.matrix, begin = self.begin(cost, ready)
        self.vector = begin + cost[1] if cost[1] else self.vector
        if cost[0]:
            self.drained = [self.drained[1], self.vector]
        return max(self.matrix, self.vector) if cost[0] else self.vector


def interleave(table: AccessTable, steps: Sequence[Step]) -> list[Step]:
    """Merge neighbouring layers, each in its own order: the step goes next whose vector part can begin first.

    Of equal ones a step with matrix work goes first, so that it is done while the vector engine works. A step comes
    after everything before it that it conflicts with.
    """
    needs, costs = _needs(table, steps), [_cost(step) for step in steps]
    streams: dict[int, list[int]] = {}
    for index, step in enumerate(steps):
        streams.setdefault(step.layer, []).append(index)
    waiting = [(layer, stream[::-1]) for layer, stream in sorted(streams.items())]
    done: dict[int, int] = {}
    clocks, order = _Clocks(), []
    while waiting:
        best: tuple[int, bool, int, int] | None = None
        for position, (layer, stream) in enumerate(waiting):
            if layer >= waiting[0][0] + LAYERS_AT_ONCE:
                break
            index = stream[-1]
            if any(need not in done for need in needs[index]):
                continue
            ready = max((done[need] for need in needs[index]), default=-HANDSHAKE_CYCLES) + HANDSHAKE_CYCLES
            entry = clocks.begin(costs[index], ready)[1], costs[index][0] == 0, position, ready
            best = entry if best is None else min(best, entry)
        assert best is not None
        _, _, position, ready = best
        index = waiting[position][1].pop()
        done[index] = clocks.take(costs[index], ready)
        order.append(index)
        if not waiting[position][1]:
            del waiting[position]
    return [steps[index] for index in order]


def _cost(step: Step) -> tuple[int, int]:
    """Return a step's cycles on the matrix and the vector engine."""
    matrix = vector = 0
    for instruction in step.body:
        if instruction.opcode is Opcode.MATRIX:
            counts = (instruction[f"{kind}_count{i}"] for kind in ("row", "tap") for i in (0, 1, 2))
            matrix += math.prod(counts) * instruction["blocks"]
        elif instruction.opcode is Opcode.VECTOR:
            counts = (instruction[f"{name}_count"] for name in ("y", "x", "ky", "kx"))
            vector += math.prod(counts) * instruction["blocks"]
    return matrix, vector


def _needs(table: AccessTable, steps: Sequence[Step]) -> list[list[int]]:
    """Return for each step the steps of the layers just before that it must follow (a layer keeps its own order).

    Layers are told apart modulo the number of actors: no more than `LAYERS_AT_ONCE` of them are under way.
    """
    flat = [(instruction, i) for i, step in enumerate(steps) for instruction in (*step.loads, *step.body)]
    latest = latest_conflicts(
        [steps[i].layer % ENGINE_COUNT for _, i in flat], [table.of(instruction) for instruction, _ in flat],
        [len(step.loads) + len(step.body) for step in steps],
    ).tolist()
    found: list[set[int]] = [set() for _ in steps]
    for (_, index), causes in zip(flat, latest, strict=True):
        found[index].update(flat[cause][1] for cause in causes if cause >= 0)
    return [sorted(each) for each in found]


def _earliest(table: AccessTable, steps: Sequence[Step]) -> list[list[int]]:
    """For each load, the first step before whose body it may stand."""
    flat = [(instruction, i) for i, step in enumerate(steps) for instruction in (*step.loads, *step.body)]
    instructions = [instruction for instruction, _ in flat]
    latest = latest_conflicts(engines_of(instructions), [table.of(each) for each in instructions]).tolist()
    result: list[list[int]] = []
    position = 0
    for step in steps:
        result.append([
            max((flat[cause][1] + 1 for cause in latest[position + number] if cause >= 0), default=0)
            for number in range(len(step.loads))
        ])
        position += len(step.loads) + len(step.body)
    return result
