"""The Trace Event file: every cycle is in it, exactly, and every sum is the hardware's counter."""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path

import pytest

from machine.assembly import assemble, format_instruction
from machine.config import load_machine
from machine.errors import ProgramError
from machine.isa import Engine
from runtime.profile import NetworkProfile, profile_program
from runtime.profile.table import TAIL
from runtime.profile.traffic import moved_beats
from runtime.traces.chrome import write_chrome_trace
from runtime.traces.tracks import cause_name
from tests.runtime.traces.trace_events import Event, read_trace, tracks

CHARGED, SPANS = "layers: charged cycles", "layers: first issue to last retirement"


@pytest.fixture(params=["digits", "segments"])
def profile(request: pytest.FixtureRequest) -> NetworkProfile:
    found: NetworkProfile = request.getfixturevalue(request.param)
    return found


def hardware_state(name: str) -> str:
    """Return the hardware's name of a cause's state."""
    if name.startswith("wait_token_"):
        return "wait_token"
    return "idle" if name.startswith("idle_") else name


def cycles_by_name(slices: list[Event]) -> Counter[str]:
    found: Counter[str] = Counter()
    for event in slices:
        found[event["name"]] += event["dur"]
    return found


def check_states(profile: NetworkProfile, events: list[Event]) -> None:
    """Slices of states follow each other from cycle 1 to the last, and are as long as the counters say."""
    for engine, counted in profile.counters.items():
        slices = sorted(tracks(events)[f"{engine}: states"], key=lambda event: event["ts"])
        cycle = 1
        for event in slices:
            assert event["ts"] == cycle
            cycle += event["dur"]
        assert cycle == profile.total.total_cycles + 1
        sums: Counter[str] = Counter()
        for name, cycles in cycles_by_name(slices).items():
            sums[hardware_state(name)] += cycles
        assert sums == {state: cycles for state, cycles in counted.items() if cycles}


def check_layers(profile: NetworkProfile, events: list[Event]) -> None:
    """The cycles charged to layers are the profile's, and each layer's own slice holds its figures."""
    charged = cycles_by_name([event for event in tracks(events)[CHARGED] if event["cat"] != "block"])
    wanted = {layer.name: layer.costs.total_cycles for layer in profile.layers} | {TAIL: profile.tail.total_cycles}
    assert charged == {name: cycles for name, cycles in wanted.items() if cycles}
    spans = {event["name"]: event for event in tracks(events)[SPANS]}
    assert len(spans) == len(tracks(events)[SPANS]) == sum(1 for layer in profile.layers if layer.last_cycle)
    for layer in profile.layers:
        if layer.last_cycle:
            span = spans[layer.name]
            assert (span["ts"], span["ts"] + span["dur"] - 1) == (layer.first_cycle, layer.last_cycle)
            assert span["args"]["cycles"] == layer.costs.total_cycles
            assert sum(span["args"]["causes"].values()) == layer.costs.total_cycles
            assert span["args"]["traffic_bytes"] == layer.costs.traffic


def charged_cycles(events: list[Event]) -> Counter[tuple[str, str]]:
    """Return the cycles that belong to instructions, by track and cause."""
    found: Counter[tuple[str, str]] = Counter()
    for track, slices in tracks(events).items():
        if track.endswith("instructions"):
            for event in slices:
                found.update({(track, cause): cycles for cause, cycles in event["args"]["cycles"].items()})
    return found


def test_states_and_layers_add_up(profile: NetworkProfile, tmp_path: Path) -> None:
    summary = write_chrome_trace(profile, tmp_path / "trace.json")
    other, events = read_trace(tmp_path / "trace.json")
    assert summary.events == len(events) and summary.notes == ()
    assert other["cycles"] == profile.total.total_cycles and other["counters"] == profile.counters
    check_states(profile, events)
    check_layers(profile, events)


def test_blocks_hold_their_layers(digits: NetworkProfile, tmp_path: Path) -> None:
    """Slices of blocks cover the layers in them; `read_trace` has seen that they nest."""
    write_chrome_trace(digits, tmp_path / "trace.json")
    charged = tracks(read_trace(tmp_path / "trace.json")[1])[CHARGED]
    blocks = [event for event in charged if event["cat"] == "block"]
    assert [event["name"] for event in blocks] == ["block2", "head"]
    paths = {layer.name: layer.block for layer in digits.layers}
    for event in charged:
        if event["cat"] == "layer":
            around = [b["name"] for b in blocks if b["ts"] <= event["ts"] < b["ts"] + b["dur"]]
            assert tuple(around) == paths[event["name"]]


def test_instructions(profile: NetworkProfile, tmp_path: Path) -> None:
    write_chrome_trace(profile, tmp_path / "trace.json")
    found = tracks(read_trace(tmp_path / "trace.json")[1])
    base = 0
    seen: dict[tuple[int, int], Event] = {}
    for engine in Engine:
        for event in found[f"{engine.name.lower()}: instructions"]:
            seen[event["args"].get("segment", 0), event["args"]["instruction"]] = event
    for number, (segment, time) in enumerate(zip(profile.program.segments, profile.times, strict=True)):
        for engine in Engine:
            columns = (time.indices[engine], time.issue[engine], time.retire[engine])
            for index, issue, retire in zip(*(column.tolist() for column in columns), strict=True):
                event = seen.pop((number, index))
                assert (event["ts"], event["dur"]) == (base + issue, retire - issue + 1)
                assert event["args"]["assembly"] == format_instruction(segment.instructions[index])
                node = profile.program.nodes[segment.instruction_nodes[index]]
                assert event["name"] == f"{node.name} {engine.name.lower()}"
        base += time.cycles
    assert not seen
    for engine in Engine:
        charged: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
        for number, time in enumerate(profile.times):
            history = time.history[engine]
            for cycles, cause, place in zip(history.cycles, history.cause, history.place, strict=True):
                if place < len(time.indices[engine]):
                    charged[number, time.indices[engine][place]][cause_name(engine, cause)] += cycles
        for kind in ("states", "instructions"):
            slices: dict[tuple[int, int], Counter[str]] = defaultdict(Counter)
            for event in found[f"{engine.name.lower()}: {kind}"]:
                if "args" in event:
                    key = event["args"].get("segment", 0), event["args"]["instruction"]
                    slices[key].update(event["args"].get("cycles", {event["name"]: event["dur"]}))
            assert slices == charged


def test_arrows_are_the_tokens(profile: NetworkProfile, tmp_path: Path) -> None:
    """Counted token by token in the order of time, as the machine does."""
    write_chrome_trace(profile, tmp_path / "trace.json")
    events = read_trace(tmp_path / "trace.json")[1]
    ends: dict[int, dict[str, int]] = defaultdict(dict)
    names = {event["id"]: event["name"] for event in events if event["ph"] == "s"}
    for event in events:
        if event["ph"] in "sf":
            ends[event["id"]][event["ph"]] = event["ts"]
    found = sorted((names[number], end["s"], end["f"]) for number, end in ends.items())
    wanted, base = [], 0
    for segment, time in zip(profile.program.segments, profile.times, strict=True):
        happened = []
        for engine in Engine:
            for index, issue, retire in zip(time.indices[engine], time.issue[engine], time.retire[engine], strict=True):
                happened += [(issue, 0, engine, index), (retire, 1, engine, index)]
        waiting: dict[tuple[Engine, Engine], list[int]] = defaultdict(list)
        for cycle, retires, engine, index in sorted(happened):
            mask = segment.instructions[index]["send" if retires else "wait"]
            for other in Engine:
                if mask >> other & 1 and retires:
                    waiting[engine, other].append(base + int(cycle))
                elif mask >> other & 1:
                    sent = waiting[other, engine].pop(0)
                    wanted.append((f"{other.name.lower()} to {engine.name.lower()}", sent, base + int(cycle)))
        base += time.cycles
    assert found == sorted(wanted) != []


def test_counters(profile: NetworkProfile, tmp_path: Path) -> None:
    """Values of all intervals add up to the hardware's counters and to the bytes of the instructions."""
    write_chrome_trace(profile, tmp_path / "trace.json")
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    highest: dict[str, int] = defaultdict(int)
    for event in read_trace(tmp_path / "trace.json")[1]:
        if event["ph"] == "C":
            sums[event["name"]].update(event["args"])
            highest[event["name"]] = max(highest[event["name"]], *event["args"].values())
    for engine, counted in profile.counters.items():
        assert sums[f"{engine} cycles"] == {state: cycles for state, cycles in counted.items() if cycles}
    machine = profile.program.machine
    moved: Counter[str] = Counter()
    for instruction in profile.program.instructions:
        if instruction.engine in (Engine.LOAD, Engine.WEIGHTS, Engine.STORE):
            way = "written" if instruction.engine is Engine.STORE else "read"
            name = f"{way} by {instruction.engine.name.lower()}"
            moved[name] += machine.bus_bytes * moved_beats(machine, instruction)
    assert sums["bus bytes"] == moved
    assert highest["scratchpad bytes"] == profile.total.scratchpad_bytes
    assert highest["accumulator bytes"] == profile.total.accumulator_bytes


@pytest.mark.parametrize("max_events", [0, 300, 1000])
def test_a_long_run_is_made_shorter(profile: NetworkProfile, max_events: int, tmp_path: Path) -> None:
    """Sums stay exact, layers stay, and it says what became of the rest."""
    whole = write_chrome_trace(profile, tmp_path / "whole.json")
    summary = write_chrome_trace(profile, tmp_path / "trace.json", max_events)
    assert summary.events < whole.events
    assert summary.notes and all("one slice" in note for note in summary.notes)
    other, events = read_trace(tmp_path / "trace.json")
    assert tuple(other["notes"]) == summary.notes
    check_states(profile, events)
    check_layers(profile, events)
    for engine in Engine:
        slices = tracks(events)[f"{engine.name.lower()}: instructions"]
        counted = sum(event["args"].get("instructions", 1) for event in slices)
        assert counted == sum(len(time.issue[engine]) for time in profile.times)
    assert charged_cycles(events) == charged_cycles(read_trace(tmp_path / "whole.json")[1])


def test_compressed_and_again(digits: NetworkProfile, tmp_path: Path) -> None:
    for name in ("plain.json", "one.json.gz", "two.json.gz"):
        write_chrome_trace(digits, tmp_path / name)
    assert gzip.decompress((tmp_path / "one.json.gz").read_bytes()) == (tmp_path / "plain.json").read_bytes()
    assert (tmp_path / "one.json.gz").read_bytes() == (tmp_path / "two.json.gz").read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


def test_where_it_cannot_be_written(digits: NetworkProfile, tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="does not exist"):
        write_chrome_trace(digits, tmp_path / "no" / "trace.json")
    assert not list(tmp_path.iterdir())


HOSTILE = '"]}</script>\n\x1b[31m\u202eevil\ud800' + "x" * 5000


def test_hostile_names(digits: NetworkProfile, tmp_path: Path) -> None:
    """Names are data: the file stays ASCII JSON, and what a viewer shows is one line of bounded length."""
    program = digits.program
    nodes = tuple(replace(node, name=HOSTILE, operator=HOSTILE, kernel=HOSTILE) for node in program.nodes)
    write_chrome_trace(profile_program(replace(program, nodes=nodes)), tmp_path / "trace.json")
    for event in read_trace(tmp_path / "trace.json")[1]:
        texts = [event["name"], *(text for text in event.get("args", {}).values() if isinstance(text, str))]
        assert all(text.isprintable() and len(text) < 3000 for text in texts)


def test_a_kernel(tmp_path: Path) -> None:
    program = assemble(Path("examples/kernels/copy.s").read_text(), load_machine("nano4"))
    for nodes in (program.nodes, ()):
        segments = tuple(replace(each, instruction_nodes=each.instruction_nodes if nodes else ())
                         for each in program.segments)
        profile = profile_program(replace(program, nodes=nodes, segments=segments))
        write_chrome_trace(profile, tmp_path / "trace.json")
        events = read_trace(tmp_path / "trace.json")[1]
        check_states(profile, events)
        check_layers(profile, events)
        names = [f"{node.name} load" for node in nodes] or ["load"]
        assert [event["name"] for event in tracks(events)["load: instructions"]] == names
        assert sum(event["ph"] == "s" for event in events) == 1
