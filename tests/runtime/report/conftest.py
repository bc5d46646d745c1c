"""Profiles to report on, and a browser to open the reports in."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from machine.config import load_machine
from runtime.demo import compile_digits
from runtime.profile import BlockProfile, LayerProfile, NetworkProfile, profile_program
from runtime.report import write_report
from tests.runtime.report.opened import Opened

HOSTILE = (
    "<script>window.hacked = 1</script>", "</script><script>window.hacked = 1</script>",
    "\"'><img src=x onerror='window.hacked = 1'>", "\u202eright to left\u200f", "n" * 10_000, "again", "again",
    "<!-- %{x} &lt;b&gt;", "\u2028\u2029\x00", "<a href=\"javascript:window.hacked=1\">b</a>",
)
"""A name for each layer of the digits network."""

Opener = Callable[..., contextlib.AbstractContextManager[Opened]]


@pytest.fixture(scope="session")
def digits() -> NetworkProfile:
    """The profile of the embedded network on edge16."""
    return profile_program(compile_digits(load_machine("edge16")))


@pytest.fixture(scope="session")
def hostile(digits: NetworkProfile) -> NetworkProfile:
    """The same with names that would be obeyed if they were not escaped, two of them alike."""
    layers = tuple(
        dataclasses.replace(layer, name=name, operator=name, block=(HOSTILE[0], HOSTILE[1]))
        for layer, name in zip(digits.layers, HOSTILE, strict=True)
    )
    root = digits.root
    inner = BlockProfile((HOSTILE[0], HOSTILE[1]), layers, (), root.costs)
    outer = BlockProfile((HOSTILE[0],), (), (inner,), root.costs)
    program = dataclasses.replace(digits.program, source=HOSTILE[1])
    return dataclasses.replace(
        digits, program=program, layers=layers, root=BlockProfile((), (), (outer,), root.costs)
    )


def flat(profile: NetworkProfile) -> list[LayerProfile]:
    """Return the layers that take time."""
    return [layer for layer in profile.layers if layer.costs.total_cycles]


@pytest.fixture
def opener(chromium: Any, tmp_path: Path) -> Opener:
    """Return a function that writes a profile's report and opens it offline."""

    @contextlib.contextmanager
    def open_report(profile: NetworkProfile, what_if: Any = (), **options: Any) -> Iterator[Opened]:
        path = tmp_path / "report.html"
        write_report(profile, path, what_if)
        context = chromium.new_context(offline=True, viewport={"width": 1300, "height": 900}, **options)
        opened = Opened(context.new_page())
        opened.go(path)
        yield opened
        context.close()

    return open_report
