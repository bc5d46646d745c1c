"""Instructions made quickly: the verifier checks every field of every instruction once they are all there."""

from __future__ import annotations

from machine.errors import CompileError
from machine.isa import FORMATS, FieldKind, Instruction, Opcode

_DEFAULTS = {
    opcode: {entry.name: 1 if entry.kind is FieldKind.COUNT else 0 for entry in layout.fields} | {"opcode": int(opcode)}
    for opcode, layout in FORMATS.items()
}


def build(opcode: Opcode, **values: int) -> Instruction:
    """Build an instruction; fields not given are 0 (counts 1). Ranges are the verifier's to check.

    Raises:
        CompileError: an unknown field.
    """
    defaults = _DEFAULTS[opcode]
    complete = {**defaults, **values}
    if len(complete) != len(defaults):
        unknown = next(name for name in values if name not in defaults)
        raise CompileError(f"{opcode.name.lower()} has no field {unknown!r}")
    return Instruction(opcode, complete)
