"""Waveforms: engines and their states carry the profile's names, and a state is high as long as its counter says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pywellen import Waveform

from machine.config import load_machine
from machine.errors import ToolError
from machine.isa import Engine
from machine.registers import EngineState
from rtl.build import Waves
from rtl.run import RtlResult, run_program
from tests.rtl.tpu.programs import MEMORY_BYTES, layer

NANO4 = load_machine("nano4")
SCOPE = "TOP.testbench.engines"
TICKS = 2
"""Steps of the waveform's time in a cycle: one for each edge of the clock."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Waves], tuple[RtlResult, Path]]:
    """Run a layer that takes every engine, with a waveform."""
    program = layer(NANO4)

    def run(form: Waves) -> tuple[RtlResult, Path]:
        path = tmp_path_factory.mktemp("waves") / f"run.{form}"
        length = len(program.instructions)
        return run_program(NANO4, program.memory, 0, length, MEMORY_BYTES, waves=path, max_cycles=20_000), path

    return run


def high_cycles(waveform: Waveform, name: str) -> list[int]:
    """Return the numbers of the cycles in which a signal is one, in order."""
    cycle = waveform[f"{SCOPE}.cycle"].signal
    changes = list(waveform[f"{SCOPE}.{name}"].signal)
    assert not changes[-1][1], f"{name} is low when the run has ended"
    ends = [time for time, _ in changes[1:]]
    return [
        cycle.value_at(time)
        for (start, value), end in zip(changes, ends, strict=False) if value
        for time in range(start, end, TICKS)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("form", Waves)
def test_states_last_as_long_as_the_counters_say(
    form: Waves, written: Callable[[Waves], tuple[RtlResult, Path]]
) -> None:
    try:
        result, path = written(form)
    except ToolError as error:
        if form is not Waves.FST or "headers of lz4" not in str(error):
            raise
        pytest.skip(str(error))
    waveform = Waveform(str(path))
    assert result.counters.sum() == len(Engine) * result.cycles > 0
    for engine in Engine:
        scope = engine.name.lower()
        counted = np.zeros(result.cycles + 1, dtype=int)
        for state in EngineState:
            cycles = high_cycles(waveform, f"{scope}.{state.name.lower()}")
            assert len(cycles) == result.counters[engine, state], f"{engine.name} {state.name}"
            counted[cycles] += 1
        assert (counted[1:] == 1).all() and not counted[0], "one state in each cycle"
        assert high_cycles(waveform, f"{scope}.issue") == result.issue[engine].tolist()
        assert high_cycles(waveform, f"{scope}.retire") == result.retire[engine].tolist()
