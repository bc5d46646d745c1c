"""How far something long has come: library code says it here, and who runs it may listen.

Nobody listens unless `listening` says so; until then all that is said costs one look at a variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Listener(Protocol):
    """Hears of activities, each by a number that `begin` gives it."""

    def begin(self, activity: str, total: int | None) -> int:
        """Hear that an activity of `total` steps begins; None where the number is not known."""
        ...

    def advance(self, number: int) -> None:
        """Hear that a step of an activity is done."""
        ...

    def end(self, number: int) -> None:
        """Hear that an activity has ended, done or not."""
        ...

    def remark(self, text: str) -> None:
        """Hear what is worth a line that stays."""
        ...


_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Let a listener hear of everything within the block."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def during(activity: str) -> Iterator[None]:
    """Say that the block is an activity without steps."""
    listener = _listener.get()
    if listener is None:
        yield
        return
    number = listener.begin(activity, None)
    try:
        yield
    finally:
        listener.end(number)


def steps(activity: str, items: Iterable[Item], total: int) -> Iterator[Item]:
    """Yield the items, each one a step of an activity of `total` steps, done when the next one is asked for."""
    listener = _listener.get()
    if listener is None:
        yield from items
        return
    number = listener.begin(activity, total)
    try:
        for item in items:
            yield item
            listener.advance(number)
    finally:
        listener.end(number)


@contextmanager
def parts(activity: str, total: int) -> Iterator[Callable[[int], None]]:
    """Make the block an activity of `total` parts and yield a function that is told how many are done by now."""
    listener = _listener.get()
    if listener is None:
        yield lambda done: None
        return
    number, told = listener.begin(activity, total), 0

    def tell(done: int) -> None:
        nonlocal told
        while told < min(done, total):
            listener.advance(number)
            told += 1

    try:
        yield tell
    finally:
        listener.end(number)


def remark(text: str) -> None:
    """Say a line that whoever waits should read."""
    listener = _listener.get()
    if listener is not None:
        listener.remark(text)
