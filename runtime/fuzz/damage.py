"""Programs that nobody should write: legal ones, damaged. For models of time, which are equal for every program.

The damage makes races, waits for ever, address errors, token overflows, random bytes, instructions that no machine
knows, programs without an end and instructions that run for ages.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from machine.isa import ENGINE_COUNT, FORMATS, INSTRUCTION_BITS, INSTRUCTION_BYTES, Engine, Opcode

_Words = list[int]
"""Instructions, each a 512-bit integer."""


def damaged(code: bytes, seed: int) -> bytes:
    """Return a program's code after random damage; deterministic."""
    random = Random(seed)
    words = [
        int.from_bytes(code[first : first + INSTRUCTION_BYTES], "little")
        for first in range(0, len(code), INSTRUCTION_BYTES)
    ]
    for _ in range(random.choice([1, 1, 2, 4, 16])):
        random.choice(_DAMAGES)(random, words)
    return b"".join(word.to_bytes(INSTRUCTION_BYTES, "little") for word in words)


def _place(random: Random, words: _Words) -> int:
    return random.randrange(len(words)) if words else -1


def _replace(word: int, position: int, bits: int, value: int) -> int:
    mask = (1 << bits) - 1
    return word & ~(mask << position) | (value & mask) << position


def _change_field(random: Random, words: _Words) -> None:
    """Another value in a field: small, near the old one, or any."""
    place = _place(random, words)
    opcode = words[place] & 15 if words else len(Opcode)
    if opcode >= len(Opcode):
        return
    layout = FORMATS[Opcode(opcode)]
    field = random.choice(layout.fields)
    position = layout.offsets()[field.name]
    old = words[place] >> position & ((1 << field.bits) - 1)
    value = random.choice([random.randrange(8), old + random.choice([-1, 1]), random.getrandbits(field.bits)])
    words[place] = _replace(words[place], position, field.bits, value)


def _change_tokens(random: Random, words: _Words) -> None:
    """Other tokens, but none of the engine's own."""
    place = _place(random, words)
    opcode = words[place] & 15 if words else 0
    if not 0 < opcode <= ENGINE_COUNT:
        return
    own = 1 << (opcode - 1)
    position = FORMATS[Opcode(opcode)].offsets()[random.choice(["wait", "send"])]
    words[place] = _replace(words[place], position, ENGINE_COUNT, random.randrange(1 << ENGINE_COUNT) & ~own)


def _drop_all_tokens(random: Random, words: _Words) -> None:
    """No order between engines at all."""
    for place, word in enumerate(words):
        if 0 < word & 15 <= ENGINE_COUNT:
            for name in ("wait", "send"):
                word = _replace(word, FORMATS[Opcode(word & 15)].offsets()[name], ENGINE_COUNT, 0)
            words[place] = word


def _drop(random: Random, words: _Words) -> None:
    if words:
        del words[_place(random, words)]


def _repeat(random: Random, words: _Words) -> None:
    if words:
        place = _place(random, words)
        words[place:place] = [words[place]] * random.choice([1, 3, 20])


def _overflow(random: Random, words: _Words) -> None:
    """So many signals that a counter may overflow."""
    fill = encode_fill(random.choice(list(Engine)[1:]))
    place = max(0, _place(random, words))
    words[place:place] = [fill] * random.choice([100, 260])


def encode_fill(target: Engine) -> int:
    """Return a load of one word without memory that sends a token."""
    layout = FORMATS[Opcode.LOAD].offsets()
    return int(Opcode.LOAD) | 1 << (layout["send"] + int(target)) | 1 << layout["window_bytes"]


def _swap(random: Random, words: _Words) -> None:
    one, other = _place(random, words), _place(random, words)
    if words:
        words[one], words[other] = words[other], words[one]


def _flip_bit(random: Random, words: _Words) -> None:
    if words:
        words[_place(random, words)] ^= 1 << random.randrange(INSTRUCTION_BITS)


def _random_bytes(random: Random, words: _Words) -> None:
    """Random bytes in place of an instruction, or of the whole program."""
    first, last = random.choice([(0, len(words)), (place := _place(random, words), place + 1)])
    words[first:last] = [random.getrandbits(INSTRUCTION_BITS) for _ in words[first:last]]


def _random_fields(random: Random, words: _Words) -> None:
    """Any value in every field of an instruction of any kind, so that the machine may take it."""
    if words:
        layout = FORMATS[random.choice(list(Opcode))]
        opcode_bits = layout.fields[0].bits
        fields = random.getrandbits(layout.used_bits) >> opcode_bits << opcode_bits
        words[_place(random, words)] = fields | layout.opcode


def _cut(random: Random, words: _Words) -> None:
    del words[max(0, _place(random, words)):]


_DAMAGES: list[Callable[[Random, _Words], None]] = [
    *[_change_field] * 6, *[_change_tokens] * 3, *[_drop_all_tokens] * 2, *[_drop] * 2, *[_repeat] * 2, *[_swap] * 2,
    _overflow, _flip_bit, _cut, _random_bytes, *[_random_fields] * 2,
]
