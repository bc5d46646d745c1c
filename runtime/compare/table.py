"""A comparison as text: the cells of its table, and the lines under it."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.cli.output import decibels
from runtime.compare.result import Comparison, Row, Spread

COLUMNS = (
    "backend", "numbers", "batch", "latency", "p10 to p90", "runs", "host", "samples/s", "GMAC/s", "of peak",
    "max error", "SNR (dB)", "top-1",
)
LEFT_COLUMNS = 2
"""Columns that are aligned to the left."""


def cells(row: Row) -> list[str]:
    """Return what the table says of a row, in the order of `COLUMNS`."""
    measured, top1 = row.cycles is None, row.top1_agreement
    return [
        row.backend, row.number, str(row.batch), duration(row.latency.median_seconds),
        spread(row.latency) if measured else "exact", str(row.latency.runs) if measured else "-",
        "-" if row.host is None else duration(row.host.median_seconds), _number(row.samples_per_second),
        _number(None if row.macs_per_second is None else row.macs_per_second / 1e9),
        "unknown" if row.share_of_peak is None else f"{row.share_of_peak:.1%}", f"{row.max_abs_error:.3g}",
        decibels(row.snr_db), "-" if top1 is None else f"{top1:.1%}",
    ]


def notes(result: Comparison) -> list[str]:
    """Return the lines under the table: what the rows ran on, how long simulating took, and what was left out."""
    simulated = [
        f"simulating batch {row.batch} took {row.simulation_seconds:.3g} s: {row.cycles or 0:,} cycles"
        for row in result.rows if row.simulation_seconds is not None
    ]
    return [*devices(result.rows), *simulated, *map(str, result.left_out)]


def devices(rows: Sequence[Row]) -> list[str]:
    """Return a line for each backend and type of numbers: what it ran on, and in what form the network was."""
    forms: dict[tuple[str, str, str], dict[str, list[int]]] = {}
    for row in rows:
        forms.setdefault((row.backend, row.number, row.device), {}).setdefault(row.form, []).append(row.batch)
    lines = []
    for (backend, number, device), by_form in forms.items():
        several = len(by_form) > 1
        told = [f"{form} (batch {', '.join(map(str, sizes))})" if several else form for form, sizes in by_form.items()]
        lines.append(f"{backend} {number}: {device}; {'; '.join(told)}")
    return lines


def spread(times: Spread) -> str:
    """Return the range in which most of the times lie."""
    return f"{duration(times.p10_seconds)} to {duration(times.p90_seconds)}"


def duration(seconds: float) -> str:
    """Return a time in the unit in which it is a short number."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.4g} {unit}"
    return f"{seconds / 1e-6:.4g} us"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
