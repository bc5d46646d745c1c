"""One line that says what limits a program and what would help: shares of its cycles, and what changes would save."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runtime.profile.model import NetworkProfile
from runtime.profile.variants import WIDER
from runtime.profile.what_if import LIMIT, WhatIf

_GROUPS: dict[str, tuple[str, ...]] = {
    "compute": ("useful",),
    "compute with rows or columns to spare": ("underused",),
    "wait for weights": ("wait_weights", "wait_token_weights"),
    "wait for activations": ("wait_token_load",),
    "wait for the vector engine": ("vector", "wait_accumulator"),
    "wait for a weight tile to shift in": ("wait_shift",),
    "wait for a port of the scratchpad": ("wait_bank",),
    "wait for results to be stored": ("store", "wait_token_store"),
    "wait for instructions": ("idle_fetch", "idle_dispatch"),
    "start and drain": ("start", "drain", "wait_token_matrix"),
    "have nothing left to do": ("idle_end",),
}
"""What the array does in a cycle, and the causes that this sums up."""

_LIMITS = {
    "bandwidth": "the memory's bandwidth",
    "latency": "the memory's latency",
    "dram": "the DRAM's banks and refreshes",
    "scratchpad": "the scratchpad's size",
    "accumulators": "the accumulators' size",
    "columns": "the array's columns, which are also the vector engine's lanes",
    "rows": "the array's rows",
    "weight_fifo": "the weight FIFO",
    "queues": "the instruction queues",
    "fetch_buffer": "the fetch buffer",
    WIDER: "the array's size and the memory's bandwidth together",
}
"""What a program is limited by that a change of the machine makes faster."""

_ARRAY = "the array's size"

LARGE = 0.01
"""The share of the cycles from which on a group of causes is named."""
HELPS = 0.001
"""The share of the cycles from which on it is said how much a change saves or costs."""


def verdict(profile: NetworkProfile, what_ifs: Sequence[WhatIf]) -> str:
    """Return the line for a program, given what changes of its machine would save (`what_if`).

    The limit that it names is that of the change that saves most, if it saves at least `LIMIT` of the cycles.
    """
    cycles, total = profile.total.cycles, profile.total.total_cycles
    if not total:
        return "Nothing runs on the accelerator."
    return f"{_limit(what_ifs)}: {_shares(cycles, total)}; {_help(what_ifs)}."


def _limit(what_ifs: Sequence[WhatIf]) -> str:
    """Name what is changed by the best change; rows and columns that save much alike are the array as a whole."""
    savings = {result.name: result.saving for result in what_ifs}
    best = max(savings, key=lambda name: savings[name], default="")
    if savings.get(best, 0.0) < LIMIT:
        return "No single limit"
    array = [savings.get(name, 0.0) for name in ("columns", "rows")]
    if savings[best] in array and min(array) >= savings[best] / 2:
        return f"Limited by {_ARRAY}"
    return f"Limited by {_LIMITS[best]}"


def _shares(cycles: Mapping[str, int], total: int) -> str:
    """Say what the array does, the most of the time first."""
    sums = {words: sum(cycles[cause] for cause in causes) for words, causes in _GROUPS.items()}
    named = sorted((words for words in sums if sums[words] >= LARGE * total), key=lambda words: -sums[words])
    rest = total - sum(sums[words] for words in named)
    parts = [f"{sums[words] / total:.1%} {words}" for words in named]
    return f"of the array's cycles {', '.join(parts)}" + (f", {rest / total:.1%} are other" if rest else "")


def _help(what_ifs: Sequence[WhatIf]) -> str:
    """Say what each change would save, the best first, and of the others that they would not, or would cost cycles."""
    ran = [result for result in what_ifs if result.cycles is not None]
    slower = [f"{result.change} would cost {-result.saving:.1%}" for result in ran if result.saving <= -HELPS]
    named = [result for result in ran if result.saving >= HELPS]
    if not named:
        return "; ".join([f"no change that was tried saves {HELPS:.1%}", *slower])
    first, *others = (f"{result.saving:.1%} ({result.saved_cycles:,} cycles)" for result in named)
    parts = [f"{named[0].change} would save {first}"]
    parts += [f"{result.change} {saving}" for result, saving in zip(named[1:], others, strict=True)]
    idle = [result.name for result in ran if abs(result.saving) < HELPS]
    without = [f"less than {HELPS:.1%}: {', '.join(idle)}"] if idle else []
    return "; ".join([", ".join(parts), *without, *slower])
