"""Shapes of activations, windows over them, and boxes of scratchpad words that hold a part of one."""

from __future__ import annotations

from dataclasses import dataclass

from machine.config import Machine


def ceil_div(value: int, divisor: int) -> int:
    """Return value / divisor rounded up."""
    return -(-value // divisor)


def round_up(value: int, multiple: int) -> int:
    """Return the smallest multiple that is at least the value."""
    return ceil_div(value, multiple) * multiple


@dataclass(frozen=True, slots=True)
class Geometry:
    """Channels, height and width of an image, and the images of an activation (the batch).

    In blocked layout and in the scratchpad the images of a channel block lie one below the other: `lines` rows.
    """

    channels: int
    height: int
    width: int
    images: int = 1

    @property
    def elements(self) -> int:
        """Number of values of an image."""
        return self.channels * self.height * self.width

    @property
    def is_image(self) -> bool:
        """Whether there is more than one position."""
        return self.height * self.width > 1

    @property
    def lines(self) -> int:
        """Number of rows of all images."""
        return self.images * self.height

    def height_for(self, region: Region) -> int:
        """Number of rows that a region's rows count in: an image's, or those of all images."""
        return self.lines if region.image is None else self.height

    @property
    def stacked(self) -> Geometry:
        """The images one below the other, as one."""
        return Geometry(self.channels, self.lines, self.width)

    @property
    def single(self) -> Geometry:
        """One of the images."""
        return Geometry(self.channels, self.height, self.width)

    def planes(self, machine: Machine) -> int:
        """Number of channel blocks."""
        return ceil_div(self.channels, machine.block_bytes)

    def blocked_bytes(self, machine: Machine) -> int:
        """Bytes of the blocked layout (C/b, N, H, W, b)."""
        return self.planes(machine) * self.lines * self.width * machine.block_bytes


@dataclass(frozen=True, slots=True)
class Window:
    """A sliding window; pairs are (vertical, horizontal), `pads` is (top, left).

    With `chosen`, a window of one position does not slide: it is the input's index of each output row and column.
    """

    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int] = (0, 0)
    chosen: tuple[tuple[int, ...], tuple[int, ...]] | None = None

    def extent(self, axis: int) -> int:
        """Positions from the first that a window sees to the last."""
        return (self.kernel[axis] - 1) * self.dilations[axis] + 1

    def span(self, axis: int, first: int, last: int) -> tuple[int, int]:
        """Input positions [start, stop) that outputs [first, last) see; they may lie outside the input."""
        if self.chosen is not None:
            indices = self.chosen[axis][first:last]
            return min(indices), max(indices) + 1
        start = first * self.strides[axis] - self.pads[axis]
        stop = (last - 1) * self.strides[axis] - self.pads[axis] + self.extent(axis)
        return start, stop

    def largest_span(self, axis: int, part: int, whole: int) -> tuple[int, int]:
        """Return a span as long as the longest of `whole` outputs taken `part` at a time; the first is, if it slides.
        """
        if self.chosen is None:
            return self.span(axis, 0, min(part, whole))
        spans = [self.span(axis, first, min(first + part, whole)) for first in range(0, whole, part)]
        return 0, max(stop - start for start, stop in spans)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of an activation: planes, rows and columns as half-open ranges; rows and columns may lie outside it.

    Rows are those of `image`; where that is None, they count on through all images of the batch.
    """

    planes: tuple[int, int]
    rows: tuple[int, int]
    columns: tuple[int, int]
    image: int | None = None

    @property
    def words(self) -> int:
        """Scratchpad words that hold it."""
        planes, rows, columns = (last - first for first, last in (self.planes, self.rows, self.columns))
        return planes * rows * columns

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.columns[1] - self.columns[0]

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.rows[1] - self.rows[0]

    @property
    def depth(self) -> int:
        """Number of planes."""
        return self.planes[1] - self.planes[0]

    def merge(self, other: Region) -> Region:
        """Return the smallest region that holds both."""
        planes, rows, columns = (
            (min(a[0], b[0]), max(a[1], b[1]))
            for a, b in ((self.planes, other.planes), (self.rows, other.rows), (self.columns, other.columns))
        )
        return Region(planes, rows, columns, self.image)

    def below(self, rows: int) -> Region:
        """Return the same words with rows counted from so many rows further down, through the whole batch."""
        return Region(self.planes, (self.rows[0] - rows, self.rows[1] - rows), self.columns)


@dataclass(frozen=True, slots=True)
class Box:
    """A region in the scratchpad: plane by plane, row by row, from granule address `base`."""

    machine: Machine
    base: int
    region: Region

    @property
    def column_stride(self) -> int:
        """Granules from a column to the next."""
        return self.machine.granules_per_word

    @property
    def row_stride(self) -> int:
        """Granules from a row to the next."""
        return self.region.width * self.column_stride

    @property
    def plane_stride(self) -> int:
        """Granules from a plane to the next."""
        return self.region.height * self.row_stride

    def address(self, plane: int, row: int, column: int) -> int:
        """Granule address of the word at a position of the activation."""
        region = self.region
        return (
            self.base
            + (plane - region.planes[0]) * self.plane_stride
            + (row - region.rows[0]) * self.row_stride
            + (column - region.columns[0]) * self.column_stride
        )

    def at_image(self, image: int | None, height: int) -> Box:
        """Return the box of a whole batch of images with rows counted from an image's first."""
        return Box(self.machine, self.base, self.region.below((image or 0) * height))
