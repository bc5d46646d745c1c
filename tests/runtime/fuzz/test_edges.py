"""Every edge of a field has a legal program that is there, or a rule of the verifier because of which none is."""

from __future__ import annotations

import pytest

from accel_sim.time import WHOLE_MEMORY_BYTES
from compiler.verify_program import verify_program
from machine.config import load_machine
from machine.isa import FORMATS, Opcode
from runtime.fuzz.edges import EDGES, LARGEST_MACHINES, EdgeProgram, edge_program, unreachable
from runtime.fuzz.random_programs import MEMORY_BYTES

NANO = load_machine("nano4")
GOALS = [edge.goal for edge in EDGES]


def test_goals_are_those_of_the_formats() -> None:
    assert len(set(GOALS)) == len(GOALS)
    for layout in FORMATS.values():
        for field in layout.fields[1:]:
            own = [edge for edge in EDGES if (edge.opcode, edge.field) == (layout.opcode, field.name)]
            assert {field.minimum, field.maximum} & {edge.value for edge in own} or field.name in ("wait", "send")
            assert len(own) == (len(field.legal) if field.legal else 2 + (field.bits > 1))


def test_what_no_legal_program_reaches() -> None:
    """The rules, in the verifier's words; everything else is reached on one of two machines."""
    assert unreachable(GOALS, LARGEST_MACHINES, WHOLE_MEMORY_BYTES) == {
        "load.window_bytes min": "window_bytes = 0: legal are 1 and more",
        "load.window_bytes max": "lane_offset 0 + window_bytes 511 is beyond a word of 256 bytes",
        "weights.memory_address max": "reaches memory address 4294967295; the last is 4294967231",
        "store.memory_address max": "reaches memory address 4294967295; the last is 4294967231",
        "store.window_bytes min": "window_bytes = 0: legal are 1 and more",
        "store.window_bytes max": "lane_offset 0 + window_bytes 511 is beyond a word of 256 bytes",
    }
    assert unreachable(["load.fill min"], LARGEST_MACHINES, WHOLE_MEMORY_BYTES) == {}


@pytest.mark.parametrize("opcode", [opcode for opcode in Opcode if opcode is not Opcode.HALT])
def test_programs_are_legal_and_at_their_edge(opcode: Opcode) -> None:
    for machine, memory_bytes in ((LARGEST_MACHINES[1], WHOLE_MEMORY_BYTES), (NANO, MEMORY_BYTES)):
        found = 0
        for edge in EDGES:
            program = edge_program(machine, edge, memory_bytes)
            if edge.opcode is opcode and isinstance(program, EdgeProgram):
                found += 1
                verify_program(machine, program.instructions, memory_bytes, program.program_address)
                values = [one[edge.field] for one in program.instructions if one.opcode is opcode]
                assert edge.value in values or edge.edge == "other", edge.goal
        assert found > len([edge for edge in EDGES if edge.opcode is opcode]) // 2


def test_a_smaller_machine_says_what_it_lacks() -> None:
    goals = ["matrix.accumulator max", "store.source max", "load.fill max"]
    assert unreachable(goals, [NANO], MEMORY_BYTES) == {
        "matrix.accumulator max": "accumulator rows 65535 to 65535 leave a half of 64",
        "store.source max": "source + source_span = 262143; the last address is 2047",
    }
