"""The instruction table: encoder and decoder are inverses, and what is illegal is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine import generate
from machine.errors import ProgramError
from machine.isa import FORMATS, INSTRUCTION_BITS, Engine, Field, Instruction, Opcode, decode, encode, make


def values_of(field: Field) -> st.SearchStrategy[int]:
    if field.legal is not None:
        return st.sampled_from([int(value) for value in field.legal])
    return st.one_of(st.sampled_from([field.minimum, field.maximum]), st.integers(field.minimum, field.maximum))


@st.composite
def instructions(draw: st.DrawFn) -> Instruction:
    opcode = draw(st.sampled_from(list(Opcode)))
    values = {field.name: draw(values_of(field)) for field in FORMATS[opcode].fields[1:]}
    if opcode is not Opcode.HALT:
        own = 1 << int(Engine[opcode.name])
        values["wait"] &= ~own
        values["send"] &= ~own
    return make(opcode, **values)


@given(instructions())
def test_decode_inverts_encode(instruction: Instruction) -> None:
    assert decode(encode(instruction)) == instruction


@given(instructions(), st.integers(0, INSTRUCTION_BITS - 1))
def test_a_flipped_bit_is_refused_or_changes_the_instruction(instruction: Instruction, bit: int) -> None:
    word = int.from_bytes(encode(instruction), "little") ^ (1 << bit)
    try:
        other = decode(word.to_bytes(64, "little"))
    except ProgramError:
        return
    assert other != instruction
    assert bit < FORMATS[other.opcode].used_bits


def test_fields_pack_from_bit_0_in_order() -> None:
    # weights: opcode 4 bits, wait 5, send 5, source 1, transpose 1, memory_address 32, tiles 16, zero_point 8
    word = int.from_bytes(encode(make(Opcode.WEIGHTS, wait=1, memory_address=0x1234, tiles=3, zero_point=-1)), "little")
    assert word == 2 | 1 << 4 | 0x1234 << 16 | 2 << 48 | 0xFF << 64


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (6, "unknown opcode 6; legal are 0 to 5"),
        (0 | 1 << 4, "halt has reserved bits set above bit 3"),
        (2 | 1 << 72, "weights has reserved bits set"),
        (2 | 1 << 14, "weights.source = 1: legal are 0"),
        (1 | 3 << 14, "load.space = 3: legal are 0, 1, 2$"),
        (4 | 3 << 15, "vector.reduce = 3: legal are 0, 1, 2"),
        (4 | 3 << 472, "vector.table = 3: legal are 0, 1, 2$"),
        (4 | 1 << 475, "vector has reserved bits set above bit 474"),
        (3 | 4 << 4, "matrix waits for or sends to itself"),
        (3 | 4 << 9, "matrix waits for or sends to itself"),
    ],
)
def test_illegal_words_are_refused(word: int, message: str) -> None:
    with pytest.raises(ProgramError, match=message):
        decode(word.to_bytes(64, "little"))


def test_table_and_subtract_stand_above_the_record() -> None:
    # vector had 472 bits: table 2 bits, subtract 1
    word = int.from_bytes(encode(make(Opcode.VECTOR, record=1023, table=2, subtract=1)), "little")
    assert word >> 462 == 1023 | 2 << 10 | 1 << 12


def test_make_names_the_offence() -> None:
    with pytest.raises(ProgramError, match="load has no field 'wrods'; legal are wait, send"):
        make(Opcode.LOAD, wrods=3)
    with pytest.raises(ProgramError, match="matrix.row_count0 = 0: legal are 1 to 4096"):
        make(Opcode.MATRIX, row_count0=0)
    with pytest.raises(ProgramError, match="vector.low = -129: legal are -128 to 127"):
        make(Opcode.VECTOR, low=-129)
    with pytest.raises(ProgramError, match="64 bytes, received 3"):
        decode(b"abc")


def test_generated_files_are_what_the_tables_say() -> None:
    for path, text in generate.GENERATED.items():
        assert (generate.ROOT / path).read_text() == text(), f"{path}: run python -m machine.generate"
