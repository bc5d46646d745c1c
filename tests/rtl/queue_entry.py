"""What control keeps in a queue: the instruction, and above its bits what an engine needs worked out ahead."""

from __future__ import annotations

from machine.isa import FORMATS, Instruction, Opcode, encode

SEGMENT_WORDS = 16
LINE_BITS = 20


def ahead(instruction: Instruction) -> int:
    """Return what is worked out ahead, by the words of the units' pages; 0 where nothing is."""
    if instruction.opcode is Opcode.MATRIX:
        return instruction["row_count0"] * instruction["row_count1"]
    if instruction.opcode is Opcode.LOAD:
        stride, pad = instruction["window_stride"], instruction["window_pad"]
        needed = (SEGMENT_WORDS - 1) * stride + instruction["window_bytes"] - pad
        after = max(0, SEGMENT_WORDS * stride - pad)
        return after << LINE_BITS | min(instruction["line_bytes"], max(0, needed))
    return 0


def queue_entry(instruction: Instruction) -> int:
    """Return the entry of the engine's queue as a number."""
    used = FORMATS[instruction.opcode].used_bits
    return int.from_bytes(encode(instruction), "little") | ahead(instruction) << used
