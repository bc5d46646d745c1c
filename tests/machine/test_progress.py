"""Progress: what a listener hears, and that nobody need listen."""

from __future__ import annotations

import pytest

from machine.progress import during, listening, parts, remark, steps


class Heard:
    """Writes everything down."""

    def __init__(self) -> None:
        self.events: list[tuple[object, ...]] = []

    def begin(self, activity: str, total: int | None) -> int:
        self.events.append(("begin", activity, total))
        return len(self.events)

    def advance(self, number: int) -> None:
        self.events.append(("advance", number))

    def end(self, number: int) -> None:
        self.events.append(("end", number))

    def remark(self, text: str) -> None:
        self.events.append(("remark", text))


def test_without_a_listener_items_pass() -> None:
    with during("nothing"):
        assert list(steps("a", [1, 2, 3], 3)) == [1, 2, 3]
    with parts("b", 2) as tell:
        tell(1)
    remark("c")


def test_a_listener_hears_each_step() -> None:
    heard = Heard()
    with listening(heard):
        for _ in steps("outer", "ab", 2):
            with during("inner"):
                pass
    assert heard.events == [
        ("begin", "outer", 2), ("begin", "inner", None), ("end", 2), ("advance", 1), ("begin", "inner", None),
        ("end", 5), ("advance", 1), ("end", 1),
    ]
    assert list(steps("after", [1], 1)) == [1] and len(heard.events) == 8


def test_an_activity_that_fails_ends() -> None:
    heard = Heard()
    with listening(heard), pytest.raises(ValueError, match="no"), during("work"):
        raise ValueError("no")
    assert heard.events == [("begin", "work", None), ("end", 1)]


def test_parts_are_told_once_and_never_too_many() -> None:
    heard = Heard()
    with listening(heard), parts("work", 3) as tell:
        for done in (0, 2, 1, 9):
            tell(done)
        remark("nearly")
    assert heard.events == [
        ("begin", "work", 3), *[("advance", 1)] * 3, ("remark", "nearly"), ("end", 1)
    ]
