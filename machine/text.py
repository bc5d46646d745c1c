"""Text from outside (names in models, archives, programs) made fit for one line of a terminal."""

from __future__ import annotations

from collections.abc import Iterable

LONGEST = 2000
"""Characters of a line that is shown; a name may have millions."""


def printable(text: str) -> str:
    r"""Return text on one line of at most `LONGEST` characters; of what is longer, the middle is left out.

    Characters that a terminal would obey instead of showing (line ends, escape sequences, changes of direction) appear
    as Python's escapes, such as `\n`. Text that is fit is returned as it is.
    """
    text = _shortened(text)
    return text if text.isprintable() else _shortened(_escaped(text))


def text_of_lines(parts: Iterable[str]) -> str:
    """Return a line for each part, of any length, and otherwise as `printable` shows it."""
    return "".join(f"{_escaped(part)}\n" for part in parts)


def _escaped(text: str) -> str:
    return text if text.isprintable() else "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode() for c in text
    )


def one_line(error: BaseException) -> str:
    """Return an error's text with its lines joined, or its type's name where it has none."""
    return printable(" ".join(str(error).split())) or type(error).__name__


def _shortened(text: str) -> str:
    kept = LONGEST // 2 - 2
    return text if len(text) <= LONGEST else f"{text[:kept]}...{text[-kept:]}"
