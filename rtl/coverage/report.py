"""What was reached, by module, and what was not, as Markdown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from rtl.coverage.points import Kind, Place, Points
from rtl.coverage.waivers import Waiver

SIGNALS_SHOWN = 20


@dataclass
class Share:
    """How many of some things were reached, and how many of the others are waived."""

    reached: int = 0
    total: int = 0
    waived: int = 0

    def add(self, reached: bool, waived: bool = False) -> None:
        """Count one thing."""
        self.reached += reached
        self.total += 1
        self.waived += waived and not reached

    def __add__(self, other: Share) -> Share:
        """Return both together."""
        return Share(self.reached + other.reached, self.total + other.total, self.waived + other.waived)

    @property
    def percent(self) -> float:
        """The reached ones of all, 0 to 100; the waived count as not reached."""
        return 100.0 * self.reached / self.total if self.total else 100.0

    def __str__(self) -> str:
        """Give `reached/total percent`."""
        return f"{self.reached:,}/{self.total:,} {self.percent:.1f}%" if self.total else "-"


@dataclass
class ModuleCoverage:
    """The shares of one source: its lines of statements, the arms of its decisions, and its bits' changes."""

    lines: Share = field(default_factory=Share)
    arms: Share = field(default_factory=Share)
    toggles: Share = field(default_factory=Share)


@dataclass
class Coverage:
    """What was counted, with the waivers and the lines of the sources.

    Attributes:
        points: every point of the design.
        waived: the unreached arms that are waived.
        texts: for each file of the design its lines.
    """

    points: Points
    waived: Mapping[Place, Waiver]
    texts: Mapping[str, Sequence[str]]

    def lines(self) -> dict[tuple[str, int], tuple[bool, bool]]:
        """For each line that runs, whether it was reached, and whether each of its points is reached or waived."""
        found: dict[tuple[str, int], list[Place]] = defaultdict(list)
        for place, point in self.points.items():
            if place.kind in (Kind.LINE, Kind.BRANCH):
                for line in point.lines:
                    found[place.file, line].append(place)
        return {
            key: (any(self.points[p].count for p in places), all(p in self.waived for p in places))
            for key, places in sorted(found.items())
        }

    def modules(self) -> dict[str, ModuleCoverage]:
        """For each file of the design its shares."""
        modules = {file: ModuleCoverage() for file in self.texts}
        for (file, _), (reached, waived) in self.lines().items():
            modules[file].lines.add(reached, waived)
        for place, point in self.points.items():
            if place.is_arm:
                modules[place.file].arms.add(point.count > 0, place in self.waived)
            elif place.kind is Kind.TOGGLE:
                modules[place.file].toggles.add(point.count > 0)
        return modules

    def total(self) -> ModuleCoverage:
        """Return the shares of the whole design."""
        modules = self.modules().values()
        return ModuleCoverage(
            sum((module.lines for module in modules), Share()),
            sum((module.arms for module in modules), Share()),
            sum((module.toggles for module in modules), Share()),
        )

    def missing(self) -> list[tuple[str, int, str]]:
        """File, line and what of each unreached line and arm that is not waived."""
        lines = [
            (file, line, "line") for (file, line), (reached, waived) in self.lines().items() if not reached | waived
        ]
        arms = [
            (place.file, place.line, place.what)
            for place, point in self.points.items()
            if place.is_arm and not point.count and place not in self.waived
        ]
        return sorted(lines + arms)

    def still_signals(self) -> Counter[tuple[str, str]]:
        """For each signal, as file and name without its indices, how many changes of bits were never seen."""
        still: Counter[tuple[str, str]] = Counter()
        for place, point in self.points.items():
            if place.kind is Kind.TOGGLE and not point.count:
                still[place.file, re.sub(r"\[\d+\]", "", place.what.rpartition(":")[0])] += 1
        return still


def markdown(coverage: Coverage) -> str:
    """Return the tables: shares by module, what is not reached, waivers, and the signals that change least."""
    parts = (_shares(coverage), _missing(coverage), _waivers(coverage), _signals(coverage))
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


def _shares(coverage: Coverage) -> Iterator[str]:
    yield "| module | lines | branches | of these waived | toggles |"
    yield "|---|---|---|---|---|"
    rows = [(f"`{name}`", module) for name, module in coverage.modules().items()]
    for name, module in [*rows, ("**all**", coverage.total())]:
        if module.lines.total or module.toggles.total:
            waived = f"{module.lines.waived} lines, {module.arms.waived} branches" if module.arms.waived else ""
            yield f"| {name} | {module.lines} | {module.arms} | {waived} | {module.toggles} |"


def _missing(coverage: Coverage) -> Iterator[str]:
    yield "### Not reached\n"
    missing = coverage.missing()
    if not missing:
        yield "Nothing but what is waived."
    for (file, line), group in groupby(missing, key=lambda entry: entry[:2]):
        kinds = ", ".join(what for _, _, what in group)
        yield f"- `{file}:{line}` {kinds}: `{coverage.texts[file][line - 1].strip()}`"


def _waivers(coverage: Coverage) -> Iterator[str]:
    yield "### Waived\n"
    if not coverage.waived:
        yield "Nothing."
    for place, waiver in sorted(coverage.waived.items()):
        yield f"- `{place.file}:{place.line}` {place.what}: `{waiver.text}`. {waiver.reason}"


def _signals(coverage: Coverage) -> Iterator[str]:
    yield f"### The {SIGNALS_SHOWN} signals with the most changes of bits never seen\n"
    yield "| module | signal | changes never seen |"
    yield "|---|---|---|"
    ordered = sorted(coverage.still_signals().items(), key=lambda item: (-item[1], item[0]))
    for (file, name), number in ordered[:SIGNALS_SHOWN]:
        yield f"| `{file}` | `{name}` | {number:,} |"
