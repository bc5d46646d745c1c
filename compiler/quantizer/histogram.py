"""Histograms of activations: the second pass over the calibration data, once the ranges are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph
from compiler.quantizer.calibration import Ranges, stream

Int64Array = npt.NDArray[np.int64]
Float64Array = npt.NDArray[np.float64]
BINS = 4096
"""Bins of a histogram: 16 to each of the 256 steps of int8 where nothing is cut off."""


@dataclass(eq=False)
class Histogram:
    """How often values occur between `low <= 0` and `high >= 0`, in bins of equal width.

    Exact zeros, of which a rectifier makes many and which every quantization represents exactly, are counted apart.
    """

    low: float
    high: float
    zeros: int = 0
    counts: Int64Array = field(default_factory=lambda: np.zeros(BINS, np.int64))

    @property
    def width(self) -> float:
        """Width of a bin."""
        return (self.high - self.low) / BINS

    @property
    def centres(self) -> Float64Array:
        """The middle of each bin: float64[BINS]."""
        places: Float64Array = np.arange(BINS, dtype=np.float64) + 0.5
        return self.low + places * self.width

    def add(self, values: npt.NDArray[Any]) -> None:
        """Count values; what lies outside counts as the nearest end."""
        flat = values.reshape(-1)
        present = flat[flat != 0]
        self.zeros += flat.size - present.size
        places = (present - np.float64(self.low)) * (BINS / (self.high - self.low))
        bins = np.clip(places, 0, BINS - 1).astype(np.intp)
        self.counts += np.bincount(bins, minlength=BINS)


def collect_histograms(
    graph: Graph, samples: Mapping[str, npt.NDArray[Any]], ranges: Ranges, names: Sequence[str]
) -> dict[str, Histogram]:
    """Return the histograms of the named activations over all samples, their ranges widened to include zero."""
    histograms = {name: Histogram(min(ranges[name][0], 0.0), max(ranges[name][1], 0.0)) for name in names}
    for chunk in stream(graph, samples, names):
        for name, values in chunk.items():
            histograms[name].add(values)
    return histograms
