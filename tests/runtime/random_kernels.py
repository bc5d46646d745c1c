"""Random legal programs as program files hold them, each instruction of a node, and their time."""

from __future__ import annotations

from accel_sim.time import TimeResult
from machine.config import Machine
from machine.program import NodeRecord, Program, Segment
from machine.registers import Status
from runtime.fuzz.random_images import random_image
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from runtime.timing import program_times

NODES = 3


def random_kernel(machine: Machine, seed: int, length: int) -> tuple[Program, list[TimeResult]]:
    """Return a program of one segment, whose instructions belong to `NODES` nodes in turn (halt to none), and its time.
    """
    instructions = random_program(machine, seed, length)
    nodes = [index % NODES for index in range(len(instructions) - 1)]
    program = Program(
        machine, (Segment(tuple(instructions), 0, (*nodes, -1)),), random_image(machine, instructions, seed),
        MEMORY_BYTES, tuple(NodeRecord(f"n{node}", "Kernel", "accelerator") for node in range(NODES)),
    )
    times = list(program_times(program))
    assert times[0].status is Status.DONE
    return program, times
