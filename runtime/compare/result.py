"""What a comparison gives: a row for each backend, type of numbers and batch, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from machine.text import printable


@dataclass(frozen=True)
class Spread:
    """Times of repeated runs, in seconds: their median, the 10th and the 90th percentile, and how many runs there were.

    What is computed instead of measured (cycles over a clock) has one run and no spread.
    """

    median_seconds: float
    p10_seconds: float
    p90_seconds: float
    runs: int

    @staticmethod
    def of(seconds: Sequence[float]) -> Spread:
        """Return the spread of measured times."""
        low, middle, high = (float(value) for value in np.percentile(np.asarray(seconds), (10, 50, 90)))
        return Spread(middle, low, high, len(seconds))

    @staticmethod
    def exact(seconds: float) -> Spread:
        """Return a time that is known."""
        return Spread(seconds, seconds, seconds, 1)


@dataclass(frozen=True)
class Answer:
    """An output beside that of the float model on the CPU.

    `max_abs_error` is the largest difference, `snr_db` the ratio of signal to difference (infinite where there is
    none), `top1_agreement` the share of places where both choose the same class, None where the output has no classes.
    """

    output: str
    max_abs_error: float
    snr_db: float
    top1_agreement: float | None


@dataclass(frozen=True)
class Row:
    """A network on one backend, in one type of numbers, at one batch.

    Attributes:
        backend: "sim", "cpu" or "gpu".
        device: what it ran on.
        number: "float32", "float16" or "int8".
        form: in what form the network was given to the backend.
        batch: samples of one run.
        latency: time of one run on the device; of the accelerator cycles over its clock.
        host: time of the nodes that the host executes beside the device, and of conversions that it does; None where
            the device is the host.
        macs: multiply-accumulates of one run on the device, by constants of the model.
        peak_macs_per_second: what the device could do in this type of numbers; None where not known.
        answers: the outputs of `samples` samples beside those of the float model.
        samples: the different samples that the answers are of.
        cycles: of the accelerator.
        simulation_seconds: what it took to simulate the run, time and values.
    """

    backend: str
    device: str
    number: str
    form: str
    batch: int
    latency: Spread
    host: Spread | None
    macs: int
    peak_macs_per_second: float | None
    answers: tuple[Answer, ...]
    samples: int
    cycles: int | None = None
    simulation_seconds: float | None = None

    @property
    def samples_per_second(self) -> float | None:
        """Samples over the median latency; None where the device does nothing."""
        return self.batch / self.latency.median_seconds if self.latency.median_seconds else None

    @property
    def macs_per_second(self) -> float | None:
        """Multiply-accumulates over the median latency; None where the device does nothing."""
        return self.macs / self.latency.median_seconds if self.latency.median_seconds else None

    @property
    def share_of_peak(self) -> float | None:
        """Multiply-accumulates a second over the peak; None where one of them is not known."""
        if self.macs_per_second is None or self.peak_macs_per_second is None:
            return None
        return self.macs_per_second / self.peak_macs_per_second

    @property
    def max_abs_error(self) -> float:
        """That of the output where it is largest."""
        return max((answer.max_abs_error for answer in self.answers), default=0.0)

    @property
    def snr_db(self) -> float:
        """That of the output where it is lowest."""
        return min((answer.snr_db for answer in self.answers), default=float("inf"))

    @property
    def top1_agreement(self) -> float | None:
        """That of the output where it is lowest; None where no output has classes."""
        return min((a.top1_agreement for a in self.answers if a.top1_agreement is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of a row."""
        return {
            **asdict(self), "samples_per_second": self.samples_per_second, "macs_per_second": self.macs_per_second,
            "share_of_peak": self.share_of_peak, "max_abs_error": self.max_abs_error, "snr_db": self.snr_db,
            "top1_agreement": self.top1_agreement,
        }


@dataclass(frozen=True)
class LeftOut:
    """What was asked for and is no row, and why; `number` and `batch` are None where it is all of them."""

    backend: str
    number: str | None
    batch: int | None
    reason: str

    def __str__(self) -> str:
        """Return the line that says so."""
        parts = [self.backend, *([self.number] if self.number else [])]
        what = " ".join([*parts, *([f"batch {self.batch}"] if self.batch else [])])
        return printable(f"{what} left out: {self.reason}")


@dataclass(frozen=True)
class Comparison:
    """A network, or a kernel, on several backends."""

    source: str
    machine: str
    rows: tuple[Row, ...]
    left_out: tuple[LeftOut, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the stable JSON keys of `tpukit compare --json`."""
        return {
            "source": self.source, "machine": self.machine, "rows": [row.to_dict() for row in self.rows],
            "left_out": [asdict(each) for each in self.left_out],
        }
