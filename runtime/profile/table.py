"""The layers of a profile as a CSV table: a row for each node of the program, and one for the tail."""

from __future__ import annotations

import csv
import io
from typing import Any

from machine.text import printable
from runtime.profile.model import CAUSES, Costs, NetworkProfile
from runtime.profile.traffic import KINDS

TAIL = "(tail)"
_FORMULA_STARTS = ("=", "+", "-", "@")


def layers_csv(profile: NetworkProfile) -> str:
    """Return the table; columns of MACs, parameters, cycles and bytes on the bus add up to the program's totals.

    Bounds, since layers overlap, and high-water marks do not. Characters of names that do not print are escapes, and
    names that a spreadsheet would take for a formula get an apostrophe in front.
    """
    rows = [
        {
            "layer": _text(layer.name),
            "operator": _text(layer.operator),
            "placement": layer.placement,
            "block": _text("/".join(layer.block)),
            "kernel": layer.kernel,
            "bound_cycles": layer.bound_cycles,
            "first_cycle": layer.first_cycle,
            "last_cycle": layer.last_cycle,
            **_figures(profile, layer.costs),
        }
        for layer in profile.layers
    ]
    rows.append({"layer": TAIL, **_figures(profile, profile.tail)})
    text = io.StringIO()
    columns = ("layer", "operator", "placement", "block", "kernel", "bound_cycles", "first_cycle", "last_cycle")
    writer = csv.DictWriter(text, [*columns, *_figures(profile, profile.tail)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _figures(profile: NetworkProfile, costs: Costs) -> dict[str, Any]:
    return {
        "macs": costs.macs,
        "host_macs": costs.host_macs,
        "parameters": costs.parameters,
        "cycles": costs.total_cycles,
        "utilization": f"{profile.utilization(costs):.6f}",
        "macs_per_byte": "" if costs.intensity is None else f"{costs.intensity:.6f}",
        "scratchpad_bytes": costs.scratchpad_bytes,
        "accumulator_bytes": costs.accumulator_bytes,
        **{f"{kind}_bytes": costs.traffic[kind] for kind in KINDS},
        **{f"{cause}_cycles": costs.cycles[cause] for cause in CAUSES},
    }


def _text(name: str) -> str:
    shown = printable(name)
    return f"'{shown}" if shown.startswith(_FORMULA_STARTS) else shown
