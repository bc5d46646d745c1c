"""The list of arms that no test can reach, each with its reason: `waivers.toml` beside this module."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from machine.errors import ToolError
from rtl.coverage.points import Place, Points

WAIVERS = Path(__file__).with_name("waivers.toml")
KEYS = ("file", "text", "what", "reason")


@dataclass(frozen=True)
class Waiver:
    """An unreached arm that is no gap of the tests.

    Attributes:
        file: path of the source below the folder of the design.
        text: its line without the blanks around it, so that a waiver survives when lines move, and only then.
        what: Verilator's word for the point (`Place.what`).
        reason: why nothing can reach it.
    """

    file: str
    text: str
    what: str
    reason: str


def read_waivers(path: Path = WAIVERS) -> list[Waiver]:
    """Read the list.

    Raises:
        ToolError: it is no TOML, or an entry lacks a key, has another one, or one that is empty.
    """
    try:
        entries = tomllib.loads(path.read_text()).get("waiver", [])
    except tomllib.TOMLDecodeError as error:
        raise ToolError(f"{path}: {error}") from None
    for entry in entries:
        if sorted(entry) != sorted(KEYS) or not all(isinstance(value, str) and value for value in entry.values()):
            raise ToolError(f"{path}: a waiver is {', '.join(KEYS)}, all of them texts; received {entry}")
    return [Waiver(**entry) for entry in entries]


def waived_places(
    waivers: Iterable[Waiver], points: Points, texts: Mapping[str, Sequence[str]]
) -> dict[Place, Waiver]:
    """Return the unreached arms that are waived.

    Args:
        waivers: the list.
        points: what was counted.
        texts: the lines of each source.

    Raises:
        ToolError: a waiver is stale: nothing is at its place, or a test reaches it.
    """
    waived: dict[Place, Waiver] = {}
    for waiver in waivers:
        places = [place for place in points if place.is_arm and _matches(waiver, place, texts)]
        name = f"the waiver of {waiver.what!r} in {waiver.file}, {waiver.text!r}, is stale"
        if not places:
            raise ToolError(f"{name}: no such arm is there; remove it")
        if any(points[place].count for place in places):
            raise ToolError(f"{name}: a test reaches it; remove it")
        waived.update(dict.fromkeys(places, waiver))
    return waived


def _matches(waiver: Waiver, place: Place, texts: Mapping[str, Sequence[str]]) -> bool:
    if (place.file, place.what) != (waiver.file, waiver.what):
        return False
    return texts[place.file][place.line - 1].strip() == waiver.text
