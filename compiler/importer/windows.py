"""Kernel, strides, dilations and padding of ONNX convolutions and pools, as explicit two-dimensional windows."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.importer.context import OnnxNode
from compiler.passes.shapes import window_output

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Window:
    """A two-dimensional window; `pads` are top, left, bottom, right."""

    kernel: Pair
    strides: Pair
    dilations: Pair
    pads: tuple[int, int, int, int]
    extended: bool = False
    """Whether `ceil_mode` put another window position past the model's own padding."""


def window(node: OnnxNode, shape: tuple[int, ...], kernel: tuple[int, ...]) -> Window:
    """Return the window of a node over an input of `shape`, `auto_pad` and `ceil_mode` resolved to pads.

    The input is an image NCHW, or a sequence NCL, whose window is that of an image of one row.

    Raises:
        ModelError: another number of dimensions, negative pads, or an `auto_pad` that is not known.
    """
    spatial = len(shape) - 2
    if spatial not in (1, 2):
        raise node.error(f"only one or two spatial dimensions (N, C, L or N, C, H, W) are supported, got input "
                         f"{list(shape)}")
    if len(kernel) != spatial:
        raise node.error(f"kernel {list(kernel)} does not fit the {spatial} spatial dimensions of input {list(shape)}")
    strides = _pair(node, "strides", spatial)
    dilations = _pair(node, "dilations", spatial)
    if spatial == 1:
        shape, kernel = (*shape[:2], 1, shape[2]), (1, *kernel)
    if min(*kernel, *strides, *dilations) < 1:
        raise node.error(f"kernel, strides and dilations must be positive: {kernel}, {strides}, {dilations}")
    reach: Pair = (dilations[0] * (kernel[0] - 1) + 1, dilations[1] * (kernel[1] - 1) + 1)
    automatic = node.text("auto_pad", "NOTSET")
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        pads = _same(shape[2:], reach, strides, upper=automatic == "SAME_UPPER")
        return Window((kernel[0], kernel[1]), strides, dilations, pads)
    if automatic not in ("NOTSET", "VALID", ""):
        raise node.error(f"auto_pad '{automatic}' is not supported")
    none = (0,) * (2 * spatial)
    given = node.integers("pads", none) if automatic != "VALID" else none
    if len(given) != len(none) or min(given) < 0:
        what = "four numbers of at least 0 (top, left, bottom, right)" if spatial == 2 else "two numbers of at least 0"
        raise node.error(f"pads must be {what}, got {list(given)}")
    pads = (given[0], given[1], given[2], given[3]) if spatial == 2 else (0, given[0], 0, given[1])
    if not node.integer("ceil_mode", 0):
        return Window((kernel[0], kernel[1]), strides, dilations, pads)
    after = tuple(
        _ceil_pad(node, shape[2 + i], reach[i], strides[i], pads[i], pads[2 + i]) for i in (0, 1)
    )
    wider = (pads[0], pads[1], after[0], after[1])
    return Window((kernel[0], kernel[1]), strides, dilations, wider, extended=wider > pads)


def _pair(node: OnnxNode, name: str, spatial: int) -> Pair:
    values = node.integers(name, (1,) * spatial)
    if len(values) != spatial:
        raise node.error(f"{name} must be {('one number', 'two numbers')[spatial - 1]}, got {list(values)}")
    return (values[0], values[1]) if spatial == 2 else (1, values[0])


def _same(size: tuple[int, ...], reach: Pair, strides: Pair, *, upper: bool) -> tuple[int, int, int, int]:
    total = [max((-(-size[i] // strides[i]) - 1) * strides[i] + reach[i] - size[i], 0) for i in (0, 1)]
    small = [t // 2 for t in total]
    large = [t - s for t, s in zip(total, small, strict=True)]
    before, after = (small, large) if upper else (large, small)
    return before[0], before[1], after[0], after[1]


def _ceil_pad(node: OnnxNode, size: int, kernel: int, stride: int, before: int, after: int) -> int:
    """Return the padding after the input with which rounding down gives what `ceil_mode` asks for.

    `kernel` is what the window spans, dilation included.

    A last window that would start in the padding after the input is left out, as ONNX says.
    """
    positions = -(-(size + before + after - kernel) // stride) + 1
    if (positions - 1) * stride >= size + before:
        positions -= 1
    needed = max((positions - 1) * stride + kernel - size - before, 0)
    if window_output(size, kernel, stride, 1, before, needed) != positions:
        raise node.error(f"ceil_mode with kernel {kernel}, stride {stride}, pads ({before}, {after}) is not supported")
    return needed
