"""Shrinking: what is left fails too, nothing of it can be left out, and its fields are as small as may be."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from machine.isa import Opcode, decode, encode, make
from runtime.fuzz.shrink import MOST_TRIES, Words, shrink


def halts(count: int) -> Words:
    """Return `count` instructions that no field can be taken from, each different."""
    return [(index << 4).to_bytes(64, "little") for index in range(count)]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 60).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_what_is_needed_is_left(drawn: tuple[int, set[int]]) -> None:
    count, needed = drawn
    words = halts(count)
    small = shrink(words, lambda candidate: {words[index] for index in needed} <= set(candidate))
    assert small == ([words[index] for index in sorted(needed)] if needed else small[:1])


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 1 << 30), st.integers(1, 1 << 12), st.integers(-128, 127))
def test_fields_become_as_small_as_the_failure_allows(least: int, words: int, fill: int) -> None:
    load = make(Opcode.LOAD, memory_address=(1 << 32) - 1, words=1 << 16, fill=fill, count2=77, send=16)

    def fails(candidate: Words) -> bool:
        (found,) = map(decode, candidate)
        return found["memory_address"] >= least and found["words"] >= words

    (small,) = map(decode, shrink([encode(load)], fails))
    assert small == make(Opcode.LOAD, memory_address=least, words=words)


def test_tries_are_bounded_and_the_smallest_so_far_is_kept() -> None:
    tried: list[int] = []

    def fails(candidate: Words) -> bool:
        tried.append(len(candidate))
        return len(candidate) > 3000

    words = halts(3500)
    small = shrink(words, fails)
    assert 3000 < len(small) < 3500 and len(tried) <= MOST_TRIES


def test_instructions_that_no_machine_knows_are_left_whole() -> None:
    unknown = b"\x0f" + bytes(range(63))
    assert shrink([unknown, *halts(5)], lambda candidate: unknown in candidate) == [unknown]
