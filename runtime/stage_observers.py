"""What watches a compilation stage by stage: stop after one, and say what each took."""

from __future__ import annotations

import time
from collections.abc import Sequence

from compiler.pipeline import STAGES, Observer
from machine.errors import DataError
from runtime.stages import StageTexts

STAGE_NAMES = tuple(stage.name for stage in STAGES)


class StageReached(Exception):
    """Ends a compilation at the stage that was asked for; `text` is that stage's result."""

    def __init__(self, text: str) -> None:
        """Take the text."""
        super().__init__("the stage was reached")
        self.text = text


class StopAfter:
    """Raises `StageReached` once it has seen a stage; what other observers do with that stage comes before."""

    def __init__(self, stage: str) -> None:
        """Take a stage's name.

        Raises:
            DataError: no stage has this name.
        """
        if stage not in STAGE_NAMES:
            raise DataError(f"no stage is called {stage!r}; the stages are {', '.join(STAGE_NAMES)}")
        self._stage = stage
        self._texts = StageTexts()

    def __call__(self, name: str, result: object) -> None:
        """See one stage.

        Raises:
            StageReached: it is the stage to stop after.
        """
        text = self._texts.text(result)
        if name == self._stage:
            raise StageReached(text)


class StageClock:
    """Takes the wall time of each stage, from the end of the one before (the first one's, from `__init__`)."""

    def __init__(self) -> None:
        """Begin to measure."""
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, name: str, result: object) -> None:
        """See the end of one stage."""
        now = time.perf_counter()
        self.seconds[name] = now - self._last
        self._last = now

    def resume(self, name: str, result: object) -> None:
        """Leave out what the observers since `__call__` took."""
        self._last = time.perf_counter()


def observe_with(observers: Sequence[Observer]) -> Observer:
    """Return one observer that calls several, in order."""

    def observe(name: str, result: object) -> None:
        for observer in observers:
            observer(name, result)

    return observe
