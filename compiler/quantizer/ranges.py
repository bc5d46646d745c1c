"""From a histogram to the range that is quantized: what each calibration method cuts off.

Every method returns `low <= 0 <= high` within the histogram's own ends, and leaves an end at zero where it is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from compiler.graph import Graph, is_on_host
from compiler.passes.legality import KEEP_QUANTIZATION
from compiler.quantizer.calibration import Ranges, activations, measure_ranges
from compiler.quantizer.functions import refine_ranges
from compiler.quantizer.histogram import BINS, Float64Array, Histogram, Int64Array, collect_histograms
from compiler.quantizer.options import Method, QuantizationOptions
from compiler.quantizer.scheme import SMALLEST_RANGE, STEPS, activation_quantization
from machine.numerics import INT8_MAX, INT8_MIN

LEVELS = STEPS + 1
FRACTIONS: Float64Array = np.linspace(1.0, LEVELS / BINS, 121)
"""The parts of an end that are tried, the whole first; the smallest leaves one bin to each step."""
COARSE = 8
ROUNDS = 2
"""How often the two ends are searched in turn."""
SMALLEST_SHARE = 1e-9
"""What an empty bin counts as in a divergence, of a total of 1."""


def choose_ranges(graph: Graph, samples: Mapping[str, npt.NDArray[Any]], options: QuantizationOptions) -> Ranges:
    """Return the range of every activation that is quantized on its own, by the method that the options name.

    Raises:
        DataError: an activation becomes NaN or infinite.
    """
    ranges = measure_ranges(graph, samples)
    if options.method is Method.MIN_MAX:
        return refine_ranges(graph, ranges)
    copies = {node.output for node in graph.nodes() if node.op in KEEP_QUANTIZATION and not is_on_host(node)}
    names = [name for name in activations(graph) if name not in copies and _extent(ranges[name]) >= SMALLEST_RANGE]
    histograms = collect_histograms(graph, samples, ranges, names)
    chosen = {name: choose_range(histogram, options) for name, histogram in histograms.items()}
    return refine_ranges(graph, ranges | chosen)


def choose_range(histogram: Histogram, options: QuantizationOptions) -> tuple[float, float]:
    """Return the range that a method chooses for a histogram."""
    match options.method:
        case Method.MIN_MAX:
            return histogram.low, histogram.high
        case Method.PERCENTILE:
            return percentile_range(histogram, options.percent)
        case Method.MSE:
            return mse_range(histogram)
        case Method.ENTROPY:
            return entropy_range(histogram)


def percentile_range(histogram: Histogram, percent: float) -> tuple[float, float]:
    """Return a range that holds at least `percent` of a hundred values.

    What may be cut is halved between the two ends, or is cut off the only one; whole bins go. Where nothing but zeros
    would be left, the range stays whole.
    """
    low, high = histogram.low, histogram.high
    total = int(histogram.counts.sum()) + histogram.zeros
    share = total * (1 - percent / 100) / (2 if low < 0 < high else 1)
    cut_below, cut_above = (_bins_within(counts, share) for counts in (histogram.counts, histogram.counts[::-1]))
    ends = min(low + cut_below * histogram.width, 0.0), max(high - cut_above * histogram.width, 0.0)
    return ends if ends[0] < ends[1] else (low, high)


def mse_range(histogram: Histogram) -> tuple[float, float]:
    """Return the range of the least mean square of rounding and clipping errors found, each end searched in turn."""
    low, high = histogram.low, histogram.high
    for _ in range(ROUNDS):
        if histogram.low < 0:
            low = _best(partial(square_error, histogram, high=high), histogram.low)
        if histogram.high > 0:
            high = _best(partial(square_error, histogram, low), histogram.high)
    return low, high


def _best(error: Callable[[float], float], end: float) -> float:
    """Return the part of an end with the least error: among every `COARSE`th, then among the best one's neighbours."""
    middle = COARSE * int(np.argmin([error(end * float(fraction)) for fraction in FRACTIONS[::COARSE]]))
    near = [end * float(fraction) for fraction in FRACTIONS[max(0, middle - COARSE + 1) : middle + COARSE]]
    return near[int(np.argmin([error(tried) for tried in near]))]


def square_error(histogram: Histogram, low: float, high: float) -> float:
    """Return the sum of the squared errors that int8 over a range makes of a histogram's values."""
    quantization = activation_quantization(low, high)
    scale, zero_point = quantization.scale[0], quantization.zero_point
    values = histogram.centres
    steps = np.clip(np.rint(values / scale), INT8_MIN - zero_point, INT8_MAX - zero_point)
    return float(histogram.counts @ np.square(values - steps * scale))


def entropy_range(histogram: Histogram) -> tuple[float, float]:
    """Return the range whose 256 levels tell least apart from the values: the least Kullback-Leibler divergence.

    Both ends are drawn in by the same fraction; exact zeros do not count.
    """
    divergences = [_divergence(histogram, float(fraction)) for fraction in FRACTIONS]
    fraction = float(FRACTIONS[int(np.argmin(divergences))])
    return histogram.low * fraction, histogram.high * fraction


def _divergence(histogram: Histogram, fraction: float) -> float:
    zero = -histogram.low / histogram.width
    first = round(zero * (1 - fraction))
    last = max(round(zero + (BINS - zero) * fraction), first + 1)
    kept = histogram.counts[first:last].astype(np.float64)
    if not kept.any():
        return float("inf")
    true = kept.copy()
    true[0] += histogram.counts[:first].sum()
    true[-1] += histogram.counts[last:].sum()
    level = np.arange(kept.size) * LEVELS // kept.size
    mass, occupied = (np.bincount(level, weights=weights, minlength=LEVELS) for weights in (kept, kept > 0))
    coarse = np.where(kept > 0, (mass / np.maximum(occupied, 1))[level], 0.0)
    share, told = true / true.sum(), np.maximum(coarse / coarse.sum(), SMALLEST_SHARE)
    present = share > 0
    return float((share[present] * np.log(share[present] / told[present])).sum())


def _bins_within(counts: Int64Array, share: float) -> int:
    """Return how many bins from the first on hold no more than `share` values together."""
    return int(np.searchsorted(np.cumsum(counts), share, side="right"))


def _extent(ends: tuple[float, float]) -> float:
    return max(ends[1], 0.0) - min(ends[0], 0.0)
