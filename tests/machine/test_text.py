"""Text from outside fits on one line of a terminal, and so do errors that hold it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machine.errors import ModelError
from machine.text import LONGEST, one_line, printable, text_of_lines


@pytest.mark.parametrize(("text", "shown"), [
    ("conv1/Größe [red]", "conv1/Größe [red]"), ("a\nb\r", r"a\nb\r"), ("\x1b[31m", r"\x1b[31m"),
    ("\u202eabc\u2066", r"\u202eabc\u2066"), ("\ud800", r"\ud800"), ("\x00\x7f\x9b", r"\x00\x7f\x9b"), ("", ""),
])
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert str(ModelError(text)) == shown


def test_long_text_loses_its_middle() -> None:
    shown = printable("a" * 10**6 + "z")
    assert len(shown) <= LONGEST and shown.startswith("aaa") and "..." in shown and shown.endswith("az")
    assert len(printable("\n" * 10**6)) <= LONGEST


@given(st.text(max_size=3 * LONGEST))
def test_shown_text_is_printable_and_stays_as_it_is(text: str) -> None:
    shown = printable(text)
    assert len(shown) <= LONGEST and (shown.isprintable() or not shown)
    assert printable(shown) == shown
    assert shown == text or not text.isprintable() or len(text) > LONGEST


def test_errors_of_several_lines_or_none_have_one() -> None:
    assert one_line(ValueError("a\n  b")) == "a b"
    assert one_line(ValueError()) == "ValueError"


def test_each_part_is_one_line() -> None:
    assert text_of_lines(["a", "b\nc", "d" * 9999]) == "a\nb\\nc\n" + "d" * 9999 + "\n"
