"""A strict reading of a file of the Trace Event Format: what a viewer may rely on, and more."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

Event = dict[str, Any]


def read_trace(path: Path) -> tuple[dict[str, Any], list[Event]]:
    """Return a trace's other data and its events, after `check_events`."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("ascii")
    trace = json.loads(text)
    assert set(trace) == {"displayTimeUnit", "otherData", "traceEvents"}
    check_events(trace["traceEvents"])
    return trace["otherData"], trace["traceEvents"]


def check_events(events: list[Event]) -> None:
    """Check phases and types; nesting on every track; both ends of every arrow; counters in order of time."""
    named = {event["tid"] for event in events if event["ph"] == "M" and event["name"] == "thread_name"}
    slices: dict[int, list[tuple[int, int]]] = defaultdict(list)
    arrows: dict[str, dict[int, Event]] = {"s": {}, "f": {}}
    counters: dict[str, list[int]] = defaultdict(list)
    for event in events:
        assert event["pid"] == 1 and isinstance(event["name"], str)
        match event["ph"]:
            case "M":
                assert event["name"] in ("process_name", "thread_name", "thread_sort_index")
            case "X":
                assert type(event["ts"]) is int and type(event["dur"]) is int and event["dur"] > 0
                assert event["tid"] in named
                slices[event["tid"]].append((event["ts"], event["ts"] + event["dur"]))
            case "s" | "f" as end:
                assert event["id"] not in arrows[end] and type(event["ts"]) is int
                arrows[end][event["id"]] = event
            case "C":
                counters[event["name"]].append(event["ts"])
                assert all(type(value) is int and value >= 0 for value in event["args"].values())
            case other:
                raise AssertionError(f"phase {other!r}")
    for intervals in slices.values():
        _check_nesting(intervals)
    assert arrows["s"].keys() == arrows["f"].keys()
    for number, start in arrows["s"].items():
        end = arrows["f"][number]
        assert start["ts"] < end["ts"], "a token is seen after it was sent"
        for side in (start, end):
            assert any(first <= side["ts"] < last for first, last in slices[side["tid"]]), "an end within a slice"
    assert all(times == sorted(set(times)) for times in counters.values())


def _check_nesting(intervals: list[tuple[int, int]]) -> None:
    """Slices of a track lie apart or within each other."""
    around: list[int] = []
    for first, last in sorted(intervals, key=lambda each: (each[0], -each[1])):
        while around and around[-1] <= first:
            around.pop()
        assert not around or last <= around[-1], f"slice {first} to {last} overlaps another"
        around.append(last)


def tracks(events: list[Event]) -> dict[str, list[Event]]:
    """Return the slices by the name of their track, tracks of one name together."""
    names = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    found: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event["ph"] == "X":
            found[names[event["tid"]]].append(event)
    return found
