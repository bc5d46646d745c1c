"""Token insertion: what must be ordered is, and nothing twice."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.backend.accesses import AccessTable, accesses
from compiler.backend.tokens import insert_tokens
from compiler.verify_program import _verify_order
from machine.config import load_machine
from machine.isa import Engine, Instruction, LoadSpace, Opcode, make

NANO = load_machine("nano4")


def _load(word: int, address: int = 0) -> Instruction:
    return make(Opcode.LOAD, destination=word, memory_address=address, line_bytes=4, window_bytes=4, window_stride=4)


def _matrix(word: int, row: int) -> Instruction:
    return make(Opcode.MATRIX, a=word, accumulator=row)


def _drain(row: int, word: int) -> Instruction:
    return make(Opcode.VECTOR, source=1, a=row, d=word, low=-128, high=127)


def _store(word: int, address: int = 1024) -> Instruction:
    return make(Opcode.STORE, source=word, memory_address=address, window_bytes=4)


def _load_table(word: int, words: int = 1) -> Instruction:
    return make(
        Opcode.LOAD, space=LoadSpace.TABLES, destination=word, words=words, memory_address=4096, line_bytes=4 * words,
        window_bytes=4, window_stride=4,
    )


def _look_up(table: int, word: int) -> Instruction:
    return make(Opcode.VECTOR, table=table, a=600, d=word, low=-128, high=127)


def _masks(instructions: list[Instruction]) -> list[tuple[int, int]]:
    return [(instruction["wait"], instruction["send"]) for instruction in instructions]


def test_a_chain_waits_for_the_engine_before() -> None:
    load, matrix, vector, store = (1 << e for e in (Engine.LOAD, Engine.MATRIX, Engine.VECTOR, Engine.STORE))
    done = insert_tokens(AccessTable(NANO), [_load(0), _matrix(0, 0), _drain(0, 300), _store(300)])
    assert _masks(done) == [(0, matrix), (load, vector), (matrix, store), (vector, 0)]


def test_independent_instructions_need_no_token() -> None:
    done = insert_tokens(AccessTable(NANO), [_load(0), _matrix(5, 0), _drain(9, 300), _store(310)])
    assert _masks(done) == [(0, 0)] * 4


def test_a_reused_buffer_waits_for_its_last_reader() -> None:
    done = insert_tokens(AccessTable(NANO), [_load(0), _matrix(0, 0), _load(0), _matrix(0, 1)])
    assert [instruction["wait"] for instruction in done] == [0, 1, 4, 1]


def test_what_another_wait_implies_is_not_waited_for() -> None:
    """The store knows of the load through the vector instruction, which waited for the matrix, which waited for it."""
    done = insert_tokens(AccessTable(NANO), [_load(0), _matrix(0, 0), _drain(0, 300), _load(0), _store(300), _store(0)])
    assert done[5]["wait"] == 1 << Engine.LOAD
    assert done[3]["wait"] == 1 << Engine.MATRIX


def test_one_send_serves_one_wait_for_each_engine() -> None:
    done = insert_tokens(AccessTable(NANO), [_load(0), _matrix(0, 0), _matrix(0, 1), _matrix(0, 2)])
    assert _masks(done) == [(0, 4), (1, 0), (0, 0), (0, 0)]


def test_memory_written_by_a_store_orders_a_later_load() -> None:
    done = insert_tokens(AccessTable(NANO), [_store(300, 64), _load(0, 64), _load(4, 128)])
    assert [instruction["wait"] for instruction in done] == [0, 1 << Engine.STORE, 0]


def test_a_look_up_waits_for_the_load_of_its_table() -> None:
    load, vector = 1 << Engine.LOAD, 1 << Engine.VECTOR
    done = insert_tokens(AccessTable(NANO), [_load_table(0, 64), _look_up(1, 300), _look_up(1, 301)])
    assert _masks(done) == [(0, vector), (load, 0), (0, 0)]


def test_a_load_waits_for_the_look_up_in_the_table_that_it_replaces() -> None:
    """Any word of the table: the first and the last of nano4's 64; the other table is loaded beside the look-ups."""
    load, vector = 1 << Engine.LOAD, 1 << Engine.VECTOR
    for word in (0, 63):
        done = insert_tokens(AccessTable(NANO), [_look_up(1, 300), _load_table(word), _load_table(64, 64)])
        assert _masks(done) == [(0, load), (vector, 0), (0, 0)]
    for word in (64, 127):
        done = insert_tokens(AccessTable(NANO), [_look_up(2, 300), _load_table(word), _load_table(0, 64)])
        assert _masks(done) == [(0, load), (vector, 0), (0, 0)]


def test_a_vector_instruction_without_a_table_is_not_ordered_with_table_loads() -> None:
    done = insert_tokens(AccessTable(NANO), [_look_up(0, 300), _load_table(0, 128), _drain(0, 301)])
    assert _masks(done) == [(0, 0)] * 3


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 1 << 30), length=st.integers(1, 60))
def test_random_programs_become_race_free(seed: int, length: int) -> None:
    """The verifier's own proof of order accepts every list that tokens were inserted into."""
    choose = random.Random(seed)
    makers = (
        lambda: _load(choose.randrange(8), 64 * choose.randrange(4)),
        lambda: _matrix(choose.randrange(8), choose.randrange(4)),
        lambda: _drain(choose.randrange(4), choose.randrange(8)),
        lambda: _load_table(choose.randrange(120), 1 + choose.randrange(8)),
        lambda: _look_up(choose.randrange(3), choose.randrange(8)),
        lambda: _store(choose.randrange(8), 64 * choose.randrange(4)),
    )
    done = insert_tokens(AccessTable(NANO), [choose.choice(makers)() for _ in range(length)])
    whole = [*done, make(Opcode.HALT)]
    _verify_order(whole, [accesses(NANO, instruction) for instruction in whole])
