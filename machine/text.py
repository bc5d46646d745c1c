"""Text from outside (names in models, archives, programs) made fit for one line of a terminal."""

from __future__ import annotations

LONGEST = 2000
"""Characters of a line that is shown; a name may have millions."""


def printable(text: str) -> str:
    r"""Return text on one line of at most `LONGEST` characters; of what is longer, the middle is left out.

    Characters that a terminal would obey instead of showing (line ends, escape sequences, changes of direction) appear
    as Python's escapes, such as `\n`. Text that is fit is returned as it is.
    """
    text = _shortened(text)
    if text.isprintable():
        return text
    escaped = (c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return _shortened("".join(escaped))


def one_line(error: BaseException) -> str:
    """Return an error's text with its lines joined, or its type's name where it has none."""
    return printable(" ".join(str(error).split())) or type(error).__name__


def _shortened(text: str) -> str:
    kept = LONGEST // 2 - 2
    return text if len(text) <= LONGEST else f"{text[:kept]}...{text[-kept:]}"
