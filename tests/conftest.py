"""What every test shares: hypothesis draws the same examples in every run, so that a run can be repeated."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("exploring", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("TPUKIT_HYPOTHESIS", "repeatable"))
