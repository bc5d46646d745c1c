"""What would help: the program's time on its machine with one thing changed, simulated and not estimated.

A network is compiled again for the changed machine, from the quantized graph in its program file: what was placed on
the host stays there. Where the compiler does not look at what is changed (the depths of queues, weight FIFO and fetch
buffer) the same instructions are timed again, and so are a kernel's, which only its author can write for other sizes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from compiler.graph import Graph
from compiler.pipeline import compile_graph
from compiler.verify_program import verify_program
from machine.config import Machine
from machine.errors import TpukitError
from machine.program import Program
from machine.progress import steps
from runtime.profile.model import NetworkProfile
from runtime.profile.variants import Change, Variant, machine_variants, wider_machine
from runtime.timing import program_times

KERNEL_VARIANTS = ("bandwidth", "latency", "dram", "weight_fifo", "queues", "fetch_buffer")
"""What can be changed under instructions that stay as they are: nothing that moves their operands to other places."""
LIMIT = 0.05
"""The share of its cycles that a program must be able to save by a change to be limited by what is changed."""


@dataclass(frozen=True)
class WhatIf:
    """What a program takes on its machine with one thing changed.

    Attributes:
        name: what is changed, one of `VARIANTS` or `WIDER`.
        change: the change in words: "twice the bandwidth".
        changes: the fields of the configuration that differ.
        old_cycles: what the program takes on its own machine.
        cycles: what it takes on the changed one; None where there is an error.
        compiled: whether it was compiled again; else the same instructions were timed.
        error: why the changed machine is not legal or cannot execute the program; "" where it can.
    """

    name: str
    change: str
    changes: tuple[Change, ...]
    old_cycles: int
    cycles: int | None
    compiled: bool
    error: str = ""

    @property
    def saved_cycles(self) -> int:
        """Cycles that the change saves: negative where it costs some, 0 where there is an error."""
        return 0 if self.cycles is None else self.old_cycles - self.cycles

    @property
    def saving(self) -> float:
        """The share of the cycles that the change saves."""
        return self.saved_cycles / self.old_cycles

    @property
    def speedup(self) -> float:
        """Old cycles over new cycles; 1 where there is an error."""
        return 1.0 if self.cycles is None else self.old_cycles / self.cycles

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys."""
        return {
            "name": self.name, "change": self.change,
            "fields": {change.field: {"old": change.old, "new": change.new} for change in self.changes},
            "cycles": self.cycles, "saved_cycles": self.saved_cycles, "speedup": self.speedup,
            "compiled": self.compiled, "error": self.error,
        }


def what_if(profile: NetworkProfile) -> tuple[WhatIf, ...]:
    """Return what a program would take on its machine with one thing changed, the best first.

    Equal ones keep the order of `VARIANTS`; what is not possible comes last, with the reason. Where no change alone
    saves `LIMIT` of a network's cycles, `WIDER` is tried too. There is nothing to change about a program that the host
    executes alone.

    Raises:
        ModelError: the graph in the program is damaged.
    """
    program, cycles = profile.program, profile.total.total_cycles
    if not program.segments:
        return ()
    graph = None if program.graph is None else Graph.from_dict(*program.graph)
    variants = [
        variant for variant in machine_variants(program.machine)
        if graph is not None or variant.name in KERNEL_VARIANTS
    ]
    watched = steps("running on changed machines", variants, len(variants))
    results = [_run(program, graph, variant, cycles) for variant in watched]
    if graph is not None and all(result.saving < LIMIT for result in results):
        results.append(_run(program, graph, wider_machine(program.machine), cycles))
    return tuple(sorted(results, key=lambda result: (result.cycles is None, -result.saved_cycles)))


def _run(program: Program, graph: Graph | None, variant: Variant, old_cycles: int) -> WhatIf:
    compiled = graph is not None and variant.compiled_for
    cycles, error = None, variant.error
    if variant.machine is not None:
        try:
            cycles = _cycles(program, graph, variant.machine, variant.compiled_for)
        except TpukitError as failure:
            error = str(failure)
    return WhatIf(variant.name, variant.change, variant.changes, old_cycles, cycles, compiled, error)


def _cycles(program: Program, graph: Graph | None, machine: Machine, compiled_for: bool) -> int:
    """Return what a program takes on another machine, compiled again if it has a graph and that makes a difference.

    Raises:
        CompileError: the machine cannot execute the network.
        ProgramError: the kernel is not legal on it.
        SimulationError: it runs too long.
    """
    if graph is None:
        for segment in program.segments:
            verify_program(machine, segment.instructions, program.memory_bytes, segment.program_address)
    if graph is not None and compiled_for:
        made = compile_graph(machine, graph, batch=program.batch)
        program = Program(machine, made.segments, made.memory, made.memory_bytes, made.nodes)
    else:
        program = replace(program, machine=machine)
    return sum(timing.cycles for timing in program_times(program))
