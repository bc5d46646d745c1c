"""Makes a failing program small: fewer instructions, then smaller fields (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from machine.isa import FORMATS, INSTRUCTION_BYTES, Opcode
from machine.progress import during

MOST_TRIES = 1500
"""Programs that are tried for one failure; the smallest so far is kept."""

Words = list[bytes]
"""Encoded instructions."""


def shrink(words: Words, fails: Callable[[Words], bool]) -> Words:
    """Return a smaller program that fails too; none of its instructions can be left out, unless tries ran out.

    Args:
        words: a program that fails.
        fails: whether a program fails; tokens need no care, for a program that does not fail without them is not kept.
    """
    tries = MOST_TRIES

    def try_out(candidate: Words) -> bool:
        nonlocal tries
        tries -= 1
        return tries >= 0 and bool(candidate) and fails(candidate)

    with during("shrinking"):
        while tries > 0:
            smaller = _smaller_fields(_fewer(words, try_out), try_out)
            if smaller == words:
                break
            words = smaller
    return words


def _fewer(words: Words, fails: Callable[[Words], bool]) -> Words:
    """Leave out runs of instructions: halves, quarters, down to single ones, until nothing more can go."""
    size = max(1, len(words) // 2)
    while True:
        before = len(words)
        for first in reversed(range(0, len(words), size)):  # what follows a difference is needed least
            candidate = words[:first] + words[first + size :]
            if fails(candidate):
                words = candidate
        if size == 1 and len(words) == before:
            return words
        size = max(1, min(size // 2, len(words)))


def _smaller_fields(words: Words, fails: Callable[[Words], bool]) -> Words:
    """Reduce the bits of each field: by as much as goes, then by half of that, down to one."""
    for place in range(len(words)):
        for position, bits in _fields(words[place]):
            whole = int.from_bytes(words[place], "little")
            less = whole >> position & ((1 << bits) - 1)
            while less:
                whole = int.from_bytes(words[place], "little")
                left = whole >> position & ((1 << bits) - 1)
                smaller = (whole - (less << position)).to_bytes(INSTRUCTION_BYTES, "little") if less <= left else b""
                candidate = [*words[:place], smaller, *words[place + 1 :]]
                if smaller and fails(candidate):
                    words = candidate
                else:
                    less >>= 1
    return words


def _fields(word: bytes) -> Iterator[tuple[int, int]]:
    """Yield (lowest bit, bits) of the fields behind the opcode; nothing for what no machine knows."""
    opcode = word[0] & 15
    if opcode < len(Opcode):
        layout = FORMATS[Opcode(opcode)]
        offsets = layout.offsets()
        yield from ((offsets[field.name], field.bits) for field in layout.fields[1:])
