"""Claims of bank ports and accumulator halves (docs/timing.md, "Claims").

An engine's next segment is granted after its holds for the one before have ended, so each engine has one range of banks
for each kind of port; only the vector engine's writes, which end later, are kept by bank. A question is answered with
the first cycle in which the port can be granted, given the grants so far. Those of the same cycle are among them: they
hold up to that cycle at least.
"""

from __future__ import annotations

from typing import Any

from accel_sim.timing.jit import compiled


@compiled
def banks_of(setup: Any, base: int, span: int) -> tuple[int, int]:
    """Return the banks [first, end) of the granules [base, base + span]; banks that do not exist are left out."""
    return base // setup.bank_granules, min((base + span) // setup.bank_granules + 1, setup.banks)


@compiled
def half_of(setup: Any, row: int) -> int:
    """Return the accumulator half of a row."""
    return int((row // setup.half_rows) & 1)


@compiled
def _free(first: int, end: int, held_first: int, held_end: int, until: int) -> int:
    """Return from which cycle on a hold of [held_first, held_end) leaves the banks [first, end) free."""
    return until + 1 if max(first, held_first) < min(end, held_end) else 0


@compiled
def free_of_store(holds: Any, first: int, end: int) -> int:
    """Return from which cycle on store leaves the read ports of the banks [first, end) free."""
    return _free(first, end, holds.store_first, holds.store_end, holds.store_until)


@compiled
def free_of_matrix(holds: Any, first: int, end: int) -> int:
    """Return from which cycle on matrix leaves the read ports of the banks [first, end) free."""
    return _free(first, end, holds.matrix_first, holds.matrix_end, holds.matrix_until)


@compiled
def free_of_vector(holds: Any, first: int, end: int) -> int:
    """Return from which cycle on vector leaves the read ports of the banks [first, end) free."""
    a = _free(first, end, holds.vector_a_first, holds.vector_a_end, holds.vector_until)
    return max(a, _free(first, end, holds.vector_b_first, holds.vector_b_end, holds.vector_until))


@compiled
def free_of_load(holds: Any, first: int, end: int) -> int:
    """Return from which cycle on load leaves the write ports of the banks [first, end) free."""
    return _free(first, end, holds.load_first, holds.load_end, holds.load_until)


@compiled
def free_of_vector_writes(holds: Any, first: int, end: int) -> int:
    """Return from which cycle on vector leaves the write ports of the banks [first, end) free."""
    free = 0
    for bank in range(first, end):
        free = max(free, holds.vector_write_until[bank] + 1)
    return free
