"""The figures of docs/profiling-walkthrough.md, where MobileNetV2's profile leads to a faster machine and program.

`python -m benchmarks.walkthrough` computes them and writes them into the page, each between comments with its name;
`tests/benchmarks/test_walkthrough.py` holds that they are there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TypeVar

from machine.config import Machine, load_machine
from machine.progress import steps
from machine.sections import bus_bytes_per_cycle
from runtime.networks import open_network
from runtime.profile import CAUSES, BlockProfile, LayerProfile, NetworkProfile, profile_program
from runtime.profile.verdict import verdict
from runtime.profile.what_if import WhatIf, what_if

PAGE = Path(__file__).resolve().parent.parent / "docs/profiling-walkthrough.md"
NETWORK, MACHINE, BATCH = "mobilenet_v2", "edge16", 4
SHOWN = 5
"""Rows of a table of layers or blocks."""
Part = TypeVar("Part", BlockProfile, LayerProfile)


def figures() -> dict[str, str]:
    """Return the page's generated parts by name."""
    machine = load_machine(MACHINE)
    wider = replace(machine, name="edge16x32", columns=32, accumulator_bytes=2 * machine.accumulator_bytes)
    runs = [(machine, None), (wider, None), (machine, BATCH)]
    before, after, together = (
        profile_program(open_network(NETWORK, target, batch=batch))
        for target, batch in steps("profiling", runs, len(runs))
    )
    what_ifs = what_if(before)
    return {
        "verdict": f"> {verdict(before, what_ifs)}",
        "causes": _causes({MACHINE: before}),
        "blocks": _blocks(before),
        "layers": _layers(before),
        "depthwise": _depthwise(before),
        "engines": _engines(before),
        "roofline": _roofline(before),
        "memories": _memories(before),
        "what_if": _what_ifs(what_ifs),
        "file": _file(wider),
        "promise": _promise(before, after, what_ifs),
        "after": _causes({MACHINE: before, wider.name: after}),
        "batch": _batch(before, together),
    }


def fill(page: str, parts: Mapping[str, str]) -> str:
    """Return a page with its generated parts in their places: each part once, and every place a part's.

    Raises:
        ValueError: the places are not those of the parts.
    """
    places = re.findall(r"<!-- begin (\w+) -->", page)
    if sorted(places) != sorted(parts):
        raise ValueError(f"the page has places for {sorted(places)}, the parts are {sorted(parts)}")
    return re.sub(
        r"(<!-- begin (\w+) -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{parts[match[2]]}\n{match[3]}", page, flags=re.DOTALL,
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return a Markdown table, all but the first `left` columns aligned to the right."""
    rule = ["---"] * left + ["---:"] * (len(columns) - left)
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def _causes(profiles: Mapping[str, NetworkProfile]) -> str:
    rows = []
    for cause in CAUSES:
        shares = [profile.total.cycles[cause] / profile.total.total_cycles for profile in profiles.values()]
        if max(shares) >= 0.01:
            cells = [
                f"{profile.total.cycles[cause]:,} ({share:.1%})"
                for profile, share in zip(profiles.values(), shares, strict=True)
            ]
            rows.append([f"`{cause}`", *cells])
    rows.append(["all cycles", *(f"{profile.total.total_cycles:,}" for profile in profiles.values())])
    return _table(["cause (from 1%)", *profiles], rows)


def _blocks(profile: NetworkProfile) -> str:
    inner = [block for outer in profile.root.blocks for block in outer.blocks]
    return _table(["block", *_COSTS], [[block.name, *_costs(profile, block)] for block in _worst(inner)])


def _layers(profile: NetworkProfile) -> str:
    rows = [[f"`{layer.name}`", layer.kernel, *_costs(profile, layer)] for layer in _worst(profile.layers)]
    return _table(["layer", "kernel", *_COSTS], rows, left=2)


_COSTS = ["cycles", "share", "largest loss"]


def _costs(profile: NetworkProfile, part: BlockProfile | LayerProfile) -> list[str]:
    cycles, (loss, lost) = part.costs.total_cycles, part.costs.largest_loss
    return [f"{cycles:,}", f"{cycles / profile.total.total_cycles:.1%}", f"{loss} {lost:,}"]


def _worst(parts: Sequence[Part]) -> list[Part]:
    return sorted(parts, key=lambda part: -part.costs.lost_cycles)[:SHOWN]


def _depthwise(profile: NetworkProfile) -> str:
    layers = [layer for layer in profile.layers if layer.kernel == "depthwise"]
    macs, cycles = (sum(values) for values in zip(*((x.costs.macs, x.costs.total_cycles) for x in layers), strict=True))
    return (
        f"The {len(layers)} depthwise layers do {macs / profile.total.macs:.1%} of the MACs and have "
        f"{cycles / profile.total.total_cycles:.1%} of the cycles."
    )


def _engines(profile: NetworkProfile) -> str:
    rows = []
    for engine, states in profile.counters.items():
        waits = sorted(((cycles, state) for state, cycles in states.items() if state != "busy"), reverse=True)
        shares = [f"{state} {cycles / profile.total.total_cycles:.1%}" for cycles, state in waits[:2]]
        rows.append([engine, f"{states['busy'] / profile.total.total_cycles:.1%}", ", ".join(shares)])
    return _table(["engine", "busy", "else mostly"], rows)


def _roofline(profile: NetworkProfile) -> str:
    machine = profile.program.machine
    peak, bandwidth = machine.rows * machine.columns, bus_bytes_per_cycle(machine)
    names = ("features.0.0/Conv", "features.3/conv/conv.1/conv.1.0/Conv", "features.17/conv/conv.2/Conv", "Gemm")
    rows = []
    for layer in profile.layers:
        intensity = layer.costs.intensity
        if layer.name.endswith(names) and intensity is not None:
            reached = layer.costs.macs / layer.costs.total_cycles
            roof = min(peak, intensity * bandwidth)
            rows.append([f"`{layer.name}`", f"{intensity:.1f}", f"{roof:.0f}", f"{reached:.1f}"])
    return _table(["layer", "MACs/byte", "roof, MACs a cycle", "reached"], rows)


def _memories(profile: NetworkProfile) -> str:
    machine, total = profile.program.machine, profile.total
    fullest = max(profile.layers, key=lambda layer: layer.costs.scratchpad_bytes)
    return (
        f"At its fullest, while `{fullest.name}` runs, the scratchpad holds {total.scratchpad_bytes:,} of its "
        f"{machine.scratchpad_bytes:,} bytes, and the accumulators {total.accumulator_bytes:,} of "
        f"{machine.accumulator_bytes:,}."
    )


def _what_ifs(what_ifs: Sequence[WhatIf]) -> str:
    rows = [
        [result.change, ", ".join(map(str, result.changes)), f"{result.cycles:,}", f"{result.saving:z.1%}"]
        for result in what_ifs if result.cycles is not None
    ]
    return _table(["change", "fields", "cycles", "saves"], rows, left=2)


def _file(machine: Machine) -> str:
    lines = [
        f"{field.name} = {json.dumps(getattr(machine, field.name))}"
        for field in fields(machine) if getattr(machine, field.name) != field.default
    ]
    return "\n".join(["```toml", *lines, "```"])


def _promise(before: NetworkProfile, after: NetworkProfile, what_ifs: Sequence[WhatIf]) -> str:
    found = {result.name: result for result in what_ifs}
    columns, rows = found["columns"], found["rows"]
    cycles, old = after.total.total_cycles, before.total.total_cycles
    kept = "as promised" if cycles == columns.cycles else f"promised were {columns.cycles:,}"
    return (
        f"It takes {cycles:,} cycles ({kept}) instead of {old:,}: {old / cycles:.2f} times as fast. Twice the rows, "
        f"for as many MAC units, would have made it {rows.speedup:.2f} times as fast."
    )


def _batch(alone: NetworkProfile, together: NetworkProfile) -> str:
    rows = []
    for profile in (alone, together):
        samples = profile.program.batch
        (layer,) = (layer for layer in profile.layers if layer.name.endswith("Gemm"))
        each = profile.total.total_cycles / samples
        rows.append([str(samples), f"{each:,.0f}", f"{layer.costs.total_cycles:,}",
                     f"{layer.costs.total_cycles / samples:,.0f}"])
    return _table(["samples at once", "cycles a sample", "the last layer", "the last layer, a sample"], rows)


def main() -> None:
    """Write the figures into the page."""
    PAGE.write_text(fill(PAGE.read_text(), figures()))


if __name__ == "__main__":
    main()
