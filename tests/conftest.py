"""What every test shares: the same examples and the same random numbers in every run, whatever ran before."""

from __future__ import annotations

import copy
import os

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("exploring", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("TPUKIT_HYPOTHESIS", "repeatable"))

_STATES: dict[str, dict[str, object]] = {}
"""State of each module's generators after its import, by module."""


@pytest.fixture(autouse=True)
def _restart_generators(request):
    """Put a module's generators back to where its import left them: tests run in any order and in many processes."""
    generators = {name: value for name, value in vars(request.module).items() if isinstance(value, np.random.Generator)}
    states = _STATES.setdefault(
        request.module.__name__, {name: copy.deepcopy(value.bit_generator.state) for name, value in generators.items()}
    )
    for name, value in generators.items():
        value.bit_generator.state = copy.deepcopy(states[name])
