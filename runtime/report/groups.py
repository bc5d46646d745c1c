"""What the causes of cycles and the states of engines are drawn as: eight kinds, told apart by colour and pattern."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Causes that are drawn alike.

    Attributes:
        key: its name in the report's style sheet and script.
        label: its name for people.
        meaning: one sentence.
        members: causes of `runtime.profile` and states of engines, in lower case.
    """

    key: str
    label: str
    meaning: str
    members: tuple[str, ...]


GROUPS = (
    Group("useful", "useful work", "Multiplications of the layer, or the engine's own work.", ("useful", "busy")),
    Group("underused", "array not full", "Rows are read, but channels or positions do not fill the array.",
          ("underused",)),
    Group("vector", "vector work", "The array waits while the vector engine computes.", ("vector",)),
    Group("pipeline", "start and drain", "Passes begin and end; weight tiles shift into the array.",
          ("start", "wait_shift", "drain")),
    Group("memory", "waits for memory", "Weights, activations or parameters come from memory, or results go there.",
          ("wait_memory", "wait_weights", "wait_token_load", "wait_token_weights", "store")),
    Group("bank", "bank conflict", "Another engine holds the port of the scratchpad bank.", ("wait_bank",)),
    Group("engine", "waits for an engine", "Another engine has to finish, or to make room, first.",
          ("wait_accumulator", "wait_room", "wait_token", "wait_token_matrix", "wait_token_vector",
           "wait_token_store")),
    Group("idle", "idle", "The engine has no instruction: not fetched yet, behind others, or none left.",
          ("idle", "idle_fetch", "idle_dispatch", "idle_end")),
)
"""The groups in the order in which they are stacked."""

_GROUP_OF = {member: index for index, group in enumerate(GROUPS) for member in group.members}


def group_of(cause: str) -> int:
    """Return the place in `GROUPS` of a cause or state (KeyError: it has none)."""
    return _GROUP_OF[cause]
