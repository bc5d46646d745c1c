"""stub"""
from collections.abc import Sequence
from machine.config import Machine
from machine.isa import Instruction
def verify_program(machine: Machine, instructions: Sequence[Instruction], memory_bytes: int) -> None:
    pass
