"""Products run on one thread, and the caller's threads are what they were before."""

from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl

from accel_sim import function
from machine.config import load_machine
from machine.isa import Opcode, make


def blas_threads() -> set[int]:
    return {library["num_threads"] for library in threadpoolctl.threadpool_info() if library["user_api"] == "blas"}


def test_products_run_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[set[int]] = []
    monkeypatch.setattr(function, "execute_instruction", lambda state, instruction: seen.append(blas_threads()))
    memory = np.zeros((1, 4096), np.uint8)
    with threadpoolctl.threadpool_limits(2, "blas"):
        function.execute(load_machine("nano4"), [make(Opcode.MATRIX), make(Opcode.HALT)], memory)
        assert seen == [{1}]
        assert blas_threads() == {2}
