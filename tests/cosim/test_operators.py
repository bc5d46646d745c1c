"""Every operator in every form that the accelerator executes: simulator and Verilated RTL equal in everything.

A network of one operator is compiled, and its first tiles, most often all of them, run on both machines. An operator
that the importer learns needs a case here, and so do a kernel of the back end and a mode of an instruction.
"""

from __future__ import annotations

import pytest

from compiler.backend.layers import Kernel
from compiler.importer.operators import Where, supported
from machine.config import load_machine
from machine.isa import LoadSpace, Opcode, VectorReduce, VectorSource
from runtime.compile import compile_program
from runtime.cosim import cosimulate
from runtime.session import Session
from tests.cosim.operators import elementwise, matrix, moves, windows
from tests.cosim.operators.case import OperatorCase

CASES = (*matrix.CASES, *elementwise.CASES, *windows.CASES, *moves.CASES)
RUNS = [(case, machine) for case in CASES for machine in case.machines]


def compiled(case: OperatorCase, machine: str) -> Session:
    """Compile a case; nothing of it is left to the host but the conversions at its ends."""
    data = case.model.SerializeToString()
    session = Session(compile_program(data, load_machine(machine), case.samples(), batch=case.batch))
    host = {node.operator for node in session.program.nodes if node.placement == "host"}
    assert host == {"quantize", "dequantize"}
    return session


@pytest.mark.parametrize(
    ("case", "machine"), RUNS, ids=[f"{case.operator}: {case.form}: {machine}" for case, machine in RUNS]
)
def test_equal_on_both_machines(case: OperatorCase, machine: str) -> None:
    session = compiled(case, machine)
    result = cosimulate(session, case.samples())
    assert result.equal and result.status_sim == "done", result.differences
    assert result.bytes_compared == session.program.memory_bytes


def test_every_operator_of_the_accelerator_has_a_case() -> None:
    wanted = {entry.name for entry in supported() if entry.where is Where.ACCELERATOR}
    assert {case.operator for case in CASES} == wanted
    for case in CASES:
        assert case.operator in {node.op_type for node in case.model.graph.node}


def test_every_case_has_a_name_of_its_own() -> None:
    names = [(case.operator, case.form) for case in CASES]
    assert len(set(names)) == len(names)


MODES = {
    *((Opcode.LOAD, "space", space) for space in LoadSpace),
    *((Opcode.MATRIX, "accumulate", value) for value in (0, 1)),
    *((Opcode.VECTOR, "source", source) for source in VectorSource),
    *((Opcode.VECTOR, "reduce", reduce) for reduce in VectorReduce),
    *((Opcode.VECTOR, name, value) for name in ("use_residual", "rescale", "subtract") for value in (0, 1)),
    *((Opcode.VECTOR, "table", table) for table in (0, 1, 2)),
}
"""Instruction, field and value of every mode that the hardware has."""


def test_every_kernel_and_every_mode_has_a_case() -> None:
    kernels, modes = set(Kernel), set(MODES)
    first_of_each = {case.operator: case for case in reversed(CASES)}.values()
    for case in (*first_of_each, *CASES):
        program = compiled(case, case.machines[0]).program
        kernels -= {node.kernel for node in program.nodes}
        modes -= {(i.opcode, name, value) for i in program.instructions for name, value in i.values.items()}
        if not kernels and not modes:
            return
    assert (kernels, modes) == (set(), set())
