"""The cut is the cheapest of all placements, and what it says it costs is what its placement costs."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.placement.cut import Choice, Flow, cheapest, cost_of
from machine.errors import CompileError

PRICES = st.integers(0, 6)


@st.composite
def problems(draw: st.DrawFn) -> tuple[list[Choice], list[Flow]]:
    """Return nodes in topological order, some of one side only, and tensors with any number of readers."""
    names = [f"n{index}" for index in range(draw(st.integers(1, 6)))]
    choices = []
    for name in names:
        accelerator, host = draw(st.sampled_from([(True, True), (True, True), (True, False), (False, True)]))
        choices.append(Choice(name, draw(PRICES) if accelerator else None, draw(PRICES) if host else None))
    flows = []
    for index, producer in enumerate([None, *names]):
        readers: list[str | None] = list(names[index:])
        if producer is not None:
            readers.append(None)
        chosen = draw(st.lists(st.sampled_from(readers), max_size=4)) if readers else []
        flows.append(Flow(f"t{index}", producer, tuple(chosen), draw(PRICES), draw(PRICES)))
    return choices, flows


@given(problems())
@settings(max_examples=200, deadline=None)
def test_the_cut_is_the_cheapest_placement_with_the_most_on_the_accelerator(
    problem: tuple[list[Choice], list[Flow]],
) -> None:
    choices, flows = problem
    names = [choice.name for choice in choices]
    costs = {
        frozenset(host): cost
        for count in range(len(names) + 1)
        for host in combinations(names, count)
        if (cost := cost_of(choices, flows, frozenset(host))) is not None
    }
    cut = cheapest(choices, flows)
    assert cut.cost == costs[cut.host] == min(costs.values())
    assert all(cut.host <= host for host, cost in costs.items() if cost == cut.cost)
    assert cheapest(choices, flows).text() == cut.text()


def test_a_tensor_is_paid_for_once_however_many_nodes_read_it() -> None:
    choices = [Choice("a", 0, None), Choice("b", None, 0), Choice("c", None, 0)]
    cut = cheapest(choices, [Flow("t", "a", ("b", "c", None), 5, 100)])
    assert (cut.host, cut.cost) == (frozenset({"b", "c"}), 5)
    assert "node 'a' -> to host 't': 5, cut" in cut.text().splitlines()


def test_a_tensor_that_goes_both_ways_is_paid_for_in_each_where_it_is_made() -> None:
    choices = [Choice("a", None, 1), Choice("b", 2, None), Choice("c", None, 4)]
    flows = [Flow("t", "a", ("b", "c"), 100, 8), Flow("u", "b", (None,), 16, 100)]
    assert cheapest(choices, flows).cost == 1 + 2 + 4 + 8 + 16


def test_a_node_without_a_side_or_with_a_negative_price_is_refused() -> None:
    with pytest.raises(CompileError, match="^node 'a': neither the accelerator nor the host can execute it$"):
        cheapest([Choice("a", None, None)], [])
    with pytest.raises(CompileError, match="^node 'a': prices must not be negative"):
        cheapest([Choice("a", -1, 3)], [])
    with pytest.raises(CompileError, match="^tensor 't': prices must not be negative"):
        cheapest([Choice("a", 1, 3)], [Flow("t", "a", (None,), -1, 0)])
