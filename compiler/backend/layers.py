"""The lowered network: layers that each fit one of the machine's kernels, and the activations between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from compiler.backend.geometry import Geometry, Region, Window
from compiler.backend.reach import Reach
from machine.config import Machine
from machine.numerics import Int8Array, Int32Array


class Kernel(StrEnum):
    """What a layer runs on, and how."""

    MATRIX = "matrix"  # matrix engine, then vector: bias, requantization, residual
    DEPTHWISE = "depthwise"  # vector: multiply-accumulate with weights in the scratchpad
    MAX = "max"  # vector: maximum of the window
    AVERAGE = "average"  # vector: sum of the window, requantized
    ADD = "add"  # vector: residual addition (or subtraction) of two activations
    PRODUCT = "product"  # vector: multiply-accumulate of two activations, one tap
    TABLE = "table"  # vector: every value looked up
    GATHER = "gather"  # vector: every position of an image takes the value of a chosen one
    INTERLEAVE = "interleave"  # vector: images that lie plane by plane behind each other become one
    COPY = "copy"  # load and store only: values change their place


ELEMENTWISE = frozenset({Kernel.ADD, Kernel.PRODUCT})
"""Kernels of two operands, either of which may be broadcast."""


class Layout(StrEnum):
    """How an activation's bytes lie in memory."""

    BLOCKED = "blocked"  # (C/b, N, H, W, b)
    DENSE = "dense"  # the model's own NCHW bytes


@dataclass(frozen=True, slots=True)
class Edge:
    """The layouts of the model's inputs and outputs in memory."""

    inputs: Layout = Layout.DENSE
    outputs: Layout = Layout.DENSE


@dataclass(frozen=True, slots=True)
class Packing:
    """Kernel positions side by side in the lanes of a word (first layers), read through load windows.

    `lanes` lists (channel, row offset, column offset, number of columns, first lane). A word at virtual row `v` holds
    input row `v * row_step + row offset - pad top`; virtual columns are output columns, `column_stride` apart.
    """

    lanes: tuple[tuple[int, int, int, int, int], ...]
    row_step: int
    column_stride: int
    pads: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Source:
    """An activation as a layer reads it.

    `geometry` may differ from the activation's own where the layout is dense; `virtual` is what the kernel sees after
    packing.
    """

    value: str
    layout: Layout
    geometry: Geometry
    zero_point: int
    packing: Packing | None = None
    virtual: Geometry | None = None

    @property
    def seen(self) -> Geometry:
        """The geometry that the kernel works on."""
        return self.virtual or self.geometry

    def broadcast(self, machine: Machine, region: Region) -> Region:
        """Return what of the activation an element-wise operation on a region of its output reads."""
        g = self.geometry
        return Region(
            region.planes if g.planes(machine) > 1 else (0, 1),
            region.rows if g.height_for(region) > 1 else (0, 1),
            region.columns if g.width > 1 else (0, 1),
            region.image if g.images > 1 else None,
        )


@dataclass(frozen=True, slots=True, eq=False)
class ChannelParameters:
    """Requantization of each output channel: int32[C] each, lanes beyond C are zero."""

    bias: Int32Array
    multiplier: Int32Array
    left: Int32Array
    right: Int32Array


@dataclass(frozen=True, slots=True)
class Border:
    """A rectangle of outputs whose average windows have one divisor; `entry` is its parameter entry."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    entry: int


@dataclass(frozen=True, slots=True)
class Run:
    """`lanes` neighbouring channels from `channel` on, over a rectangle of an output, copied from a layer's source.

    They lie in one word of the output, in every `row_step`th row and `column_step`th column. `offset` is the first
    one's byte at the rectangle's first position, from the source's address; positions are `row_stride` and
    `column_stride` bytes apart.
    """

    source: int
    channel: int
    lanes: int
    rows: tuple[int, int]
    columns: tuple[int, int]
    offset: int
    row_stride: int
    column_stride: int
    row_step: int = 1
    column_step: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One kernel over one activation (and a residual).

    `weight` is int8[CO, lanes, KH, KW] for the matrix kernel, int8[C, KH, KW] for depthwise. `parameters` has an
    entry for each output block or, for averages, for each divisor (then `borders` says which). `record` is the
    residual addition's entry: int32[3, 4]; with `subtract` the residual is subtracted. The second operand of a product
    is its `residual`. `table` is int8[256]: results are looked up in it. A copying layer has `runs` from its `copied`
    sources; where it is `padded`, what they do not cover is `fill`. `reach` says which input planes a matrix kernel
    takes for each output plane. `factors` are those of an interleave: output row y is row y // FY of an image.
    """

    name: str
    nodes: tuple[str, ...]
    kernel: Kernel
    source: Source
    output: str
    geometry: Geometry
    window: Window
    zero_point: int
    low: int
    high: int
    macs: int
    weight: Int8Array | None = None
    parameters: ChannelParameters | None = None
    borders: tuple[Border, ...] = ()
    residual: Source | None = None
    record: Int32Array | None = None
    subtract: bool = False
    table: Int8Array | None = None
    fill: int = 0
    copied: tuple[Source, ...] = ()
    runs: tuple[Run, ...] = ()
    factors: tuple[int, int] = (1, 1)
    padded: bool = False
    reach: Reach = ()

    def reached(self, machine: Machine, planes: tuple[int, int]) -> tuple[int, int]:
        """Return the input planes, [first, stop), that a matrix kernel takes for some output planes."""
        spans = self.reach[planes[0] : planes[1]] or ((0, self.source.seen.planes(machine)),)
        return min(first for first, _ in spans), max(stop for _, stop in spans)

    def source_planes(self, machine: Machine, planes: tuple[int, int]) -> tuple[int, int]:
        """Return the input planes, [first, stop), that a vector kernel reads for some output planes."""
        behind = self.source.seen.planes(machine) - self.geometry.planes(machine) if self.factors != (1, 1) else 0
        return planes[0], planes[1] + behind

    @property
    def is_stacked(self) -> bool:
        """Whether rows of neighbouring images may be computed together: no window sees two images."""
        g, window, seen = self.geometry, self.window, self.source.geometry
        if g.images == 1 or self.kernel is Kernel.COPY:
            return True
        dense = any(source.layout is Layout.DENSE and source.geometry.is_image for source in self.reads)
        if dense or window.chosen is not None:
            return False
        operands = self.reads if self.kernel in ELEMENTWISE else self.reads[1:]
        if any((source.geometry.height, source.geometry.images) != (g.height, g.images) for source in operands):
            return False
        apart = window.extent(0) <= window.strides[0] and window.strides[0] * g.height == seen.height
        return self.kernel in ELEMENTWISE or (window.pads[0] == 0 and apart)

    @property
    def tiled(self) -> Geometry:
        """What is cut into tiles: all images as one where they are stacked, else each image."""
        return self.geometry.stacked if self.is_stacked else self.geometry.single

    @property
    def passes(self) -> tuple[int | None, ...]:
        """The images that are computed one after the other; None for all of them together."""
        return (None,) if self.is_stacked else tuple(range(self.geometry.images))

    @property
    def reads(self) -> tuple[Source, ...]:
        """The activations that the layer reads."""
        if self.copied:
            return self.copied
        return (self.source,) if self.residual is None else (self.source, self.residual)


@dataclass(frozen=True, slots=True)
class Value:
    """An activation: where it comes from and in which layouts memory must hold it."""

    name: str
    geometry: Geometry
    zero_point: int
    is_input: bool = False
    is_output: bool = False
    dense: bool = False
    """Memory must hold the dense bytes: a model output, or read through a reshape."""
    blocked: bool = False
    """Memory must hold the blocks: a model's input or output where the edge is blocked, or a joined concat."""
    home: tuple[str, int] | None = None
    """The joined concat in whose memory the blocks lie, and the plane at which they begin."""
    place: tuple[str, int] | None = None
    """The joined concat in whose dense bytes the dense bytes lie, and the byte at which they begin."""
    is_joined: bool = False
    """A concat whose parts' makers store into its memory: into its blocks, or into its dense bytes."""
    pixels_of: str | None = None
    """The activation whose maker stores the dense bytes: that one's channels side by side, position by position."""
    constant: Int8Array | None = field(default=None, compare=False)
    """The values, int8[C, H, W], of an operand that the program holds."""

    @property
    def is_made(self) -> bool:
        """Whether a layer makes it, which may then store it wherever and however else it is needed."""
        return not (self.is_input or self.is_joined or self.pixels_of is not None or self.constant is not None)

    @property
    def is_bytes(self) -> bool:
        """Whether there is nothing of it but the dense bytes that others store."""
        return self.pixels_of is not None or (self.is_joined and not self.blocked)


@dataclass(frozen=True, slots=True)
class Network:
    """The lowered network: layers in order of execution; `aliases` name the activation behind each int8 tensor."""

    layers: tuple[Layer, ...]
    values: dict[str, Value]
    aliases: dict[str, str]
