"""Batch: a lowered network of one image becomes that of several.

The images of an activation lie one below the other. A layer whose windows never see two images works on them as on one
tall image, so that its weights are loaded once for several; any other layer works on one image after the other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from compiler.backend.geometry import Geometry, Window
from compiler.backend.layers import Kernel, Layer, Layout, Network, Run, Source
from machine.config import Machine


def with_batch(machine: Machine, network: Network, images: int) -> Network:
    """Return the network for a batch of images; constants stay what they are."""
    if images == 1:
        return network
    constants = {value.name for value in network.values.values() if value.constant is not None}
    values = {
        name: value if name in constants else dataclasses.replace(value, geometry=_several(value.geometry, images))
        for name, value in network.values.items()
    }
    return Network(tuple(_layer(machine, layer, images, constants) for layer in network.layers), values,
                   network.aliases)


def _several(geometry: Geometry, images: int) -> Geometry:
    return dataclasses.replace(geometry, images=images)


def _source(source: Source, images: int, constants: set[str]) -> Source:
    if source.value in constants:
        return source
    virtual = None if source.virtual is None else _several(source.virtual, images)
    return dataclasses.replace(source, geometry=_several(source.geometry, images), virtual=virtual)


def _layer(machine: Machine, layer: Layer, images: int, constants: set[str]) -> Layer:
    changed = dataclasses.replace(
        layer,
        source=_source(layer.source, images, constants),
        residual=None if layer.residual is None else _source(layer.residual, images, constants),
        copied=tuple(_source(source, images, constants) for source in layer.copied),
        runs=tuple(_runs(machine, layer, images)),
        geometry=_several(layer.geometry, images),
        window=_apart(layer),
        macs=layer.macs * images,
    )
    if layer.kernel is Kernel.AVERAGE and changed.is_stacked:
        rows = (0, changed.geometry.lines)
        borders = tuple(dataclasses.replace(border, rows=rows) for border in layer.borders)
        return dataclasses.replace(changed, borders=borders)
    return changed


def _apart(layer: Layer) -> Window:
    """Return a layer's window; where it is placed once along y, with a stride that leads to the next image."""
    window, height = layer.window, layer.source.geometry.height
    once = layer.geometry.height == 1 and window.pads[0] == 0 and window.extent(0) <= height
    if not once or window.chosen is not None or layer.source.packing is not None:
        return window
    return dataclasses.replace(window, strides=(height, window.strides[1]))


def _runs(machine: Machine, layer: Layer, images: int) -> Iterator[Run]:
    """Yield a copying layer's runs of the first image, then those of the others below it."""
    for image in range(images):
        for run in layer.runs:
            source, down = layer.copied[run.source], image * layer.geometry.height
            values = source.geometry.elements
            if source.layout is Layout.BLOCKED:
                values = source.geometry.height * source.geometry.width * machine.block_bytes
            yield dataclasses.replace(
                run, rows=(run.rows[0] + down, run.rows[1] + down), offset=run.offset + image * values
            )
