"""The simulator's function: whole instructions on NumPy arrays, in program order, many samples at once.

A legal program is race-free and a wait refers only to a signal earlier in program order, so program order is one of
its legal orders and gives the only legal result. Time is the business of `accel_sim.time`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import threadpoolctl

from accel_sim.function.load import execute_load
from accel_sim.function.matrix import execute_matrix
from accel_sim.function.state import State
from accel_sim.function.store import execute_store
from accel_sim.function.vector import execute_vector
from accel_sim.function.weights import execute_weights
from machine.config import Machine
from machine.errors import SimulationError
from machine.isa import Instruction, Opcode

__all__ = ["State", "execute", "execute_instruction"]

_EXECUTORS: dict[Opcode, Callable[[State, Instruction], None]] = {
    Opcode.LOAD: execute_load,
    Opcode.WEIGHTS: execute_weights,
    Opcode.MATRIX: execute_matrix,
    Opcode.VECTOR: execute_vector,
    Opcode.STORE: execute_store,
}


@functools.cache
def _libraries() -> threadpoolctl.ThreadpoolController:
    """Return the control over the threads of the libraries that are loaded; finding them takes milliseconds."""
    return threadpoolctl.ThreadpoolController()


def execute(machine: Machine, instructions: Sequence[Instruction], memory: npt.NDArray[np.uint8]) -> State:
    """Execute a legal program on `memory: uint8[samples, bytes]`, in place, and return the machine's final state.

    Weights, parameters and tables are read from sample 0's memory: they are constants, the same for all samples.
    Products run on one thread: they are too small to share, and threads that wait for work would take the cores from
    others.

    Raises:
        SimulationError: an instruction reads or writes outside a memory (its index is named).
    """
    state = State.create(machine, memory)
    with _libraries().limit(limits=1, user_api="blas"):
        for index, instruction in enumerate(instructions):
            if instruction.opcode is Opcode.HALT:
                break
            try:
                execute_instruction(state, instruction)
            except IndexError as error:
                kind = instruction.opcode.name.lower()
                raise SimulationError(f"instruction {index} ({kind}) leaves the memory: {error}") from None
    return state


def execute_instruction(state: State, instruction: Instruction) -> None:
    """Execute one instruction other than halt; raises IndexError where it leaves a memory."""
    _EXECUTORS[instruction.opcode](state, instruction)
