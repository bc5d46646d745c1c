"""Single layers on `edge16` beside the best published cycles of an array of the same size (16x16, 128-bit bus).

`python -m benchmarks.published [--json FILE]`; it fails where a layer is slower. The published figures are those of
Gemmini's RTL under FireSim, as measured for DOSA (MICRO 2023, `data/firesim_test_data` of its artifact): Gemmini's own
tiler and the best mapping that DOSA found. Ours come from the simulator's time; activations lie in memory as blocks,
those of the first layer as the image's bytes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from accel_sim.time import simulate_time
from compiler.backend.layers import Edge, Layout
from compiler.front import front
from compiler.pipeline import compile_graph
from examples.networks.builder import INPUT, ModelBuilder
from machine.config import Machine, load_machine
from runtime.cli.output import print_table, say


@dataclass(frozen=True, slots=True)
class Published:
    """A layer and its published cycles."""

    channels: int
    height: int
    width: int
    outputs: int
    kernel: int
    stride: int
    tiler: int
    best: int

    @property
    def name(self) -> str:
        """The layer in words."""
        return (f"{self.kernel}x{self.kernel}, {self.height}x{self.width}, {self.channels} to {self.outputs}, "
                f"stride {self.stride}")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the layer."""
        rows, columns = -(-self.height // self.stride), -(-self.width // self.stride)
        return rows * columns * self.channels * self.outputs * self.kernel**2


LAYERS = (
    Published(3, 224, 224, 64, 7, 2, 2_577_642, 2_464_902),
    Published(64, 56, 56, 64, 1, 1, 186_955, 59_441),
    Published(64, 56, 56, 64, 3, 1, 537_803, 468_046),
    Published(64, 56, 56, 256, 1, 1, 510_114, 293_935),
    Published(256, 56, 56, 64, 1, 1, 833_367, 234_061),
    Published(256, 56, 56, 128, 1, 1, 1_194_556, 466_164),
    Published(128, 56, 56, 128, 3, 2, 628_118, 488_688),
    Published(128, 28, 28, 128, 3, 1, 628_884, 476_248),
    Published(512, 28, 28, 128, 1, 1, 614_626, 216_501),
    Published(128, 28, 28, 512, 1, 1, 457_001, 256_113),
    Published(256, 14, 14, 1024, 1, 1, 343_736, 264_274),
    Published(1024, 14, 14, 256, 1, 1, 511_783, 226_483),
    Published(512, 7, 7, 512, 3, 1, 777_089, 607_056),
    Published(512, 7, 7, 2048, 1, 1, 526_394, 331_423),
    Published(2048, 1, 1, 1000, 1, 1, 510_617, 300_642),
    Published(768, 128, 1, 768, 1, 1, 345_931, 304_571),
    Published(768, 128, 1, 3072, 1, 1, 1_533_044, 1_190_378),
    Published(64, 128, 1, 128, 1, 1, 6_706, 6_597),
)
"""The published layers; height and width are the input's, and a product of M rows is a 1x1 convolution of M x 1."""


def cycles(machine: Machine, layer: Published) -> int:
    """Compile a layer alone, with seeded random weights, and return its cycles."""
    net = ModelBuilder("layer", (1, layer.channels, layer.height, layer.width))
    model = net.model(net.relu(net.convolution(INPUT, layer.outputs, layer.kernel, layer.stride)))
    data = np.random.default_rng(1).normal(size=(2, layer.channels, layer.height, layer.width)).astype(np.float32)
    first = layer.channels < machine.block_bytes
    edge = Edge(Layout.DENSE if first else Layout.BLOCKED, Layout.BLOCKED)
    program = compile_graph(machine, front(model, {INPUT: data}), edge=edge)
    return int(simulate_time(machine, program.instructions, memory_limit=program.memory_bytes).cycles)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, write it as JSON where asked, and return 1 where a layer is slower than the best published."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.published", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    options = parser.parse_args(arguments)
    machine = load_machine("edge16")
    taken = {layer: cycles(machine, layer) for layer in LAYERS}
    print_table("", ["layer", "ideal", "cycles", "Gemmini's tiler", "best published", "of the best"], [
        [
            layer.name, f"{layer.macs // (machine.rows * machine.columns):,}", f"{count:,}", f"{layer.tiler:,}",
            f"{layer.best:,}", f"{count / layer.best:.1%}",
        ]
        for layer, count in taken.items()
    ])
    slower = sum(count > layer.best for layer, count in taken.items())
    say(f"slower than the best published: {slower} of {len(LAYERS)}")
    if options.json is not None:
        rows = [{"layer": layer.name, **asdict(layer), "cycles": count} for layer, count in taken.items()]
        options.json.write_text(json.dumps(rows, indent=2) + "\n")
    return int(slower > 0)


if __name__ == "__main__":
    raise SystemExit(main())
