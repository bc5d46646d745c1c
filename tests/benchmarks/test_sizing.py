"""Sizing: layers computed by hand from the timing law, totals of the networks, and the target."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks import sizing
from benchmarks.layers import NETWORKS, RESNET50_MACS, Kind, Layer, mobilenet_v2, resnet50, transformer_block
from benchmarks.occupancy import (
    Packing,
    bus_cycles,
    lines,
    matrix_occupancy,
    occupancy,
    packing,
    tiles_of,
    tilings,
    vector_occupancy,
    whole_rows_packing,
)
from machine.config import load_machine

EDGE16 = load_machine("edge16")


def layer_of(network: str, name: str) -> Layer:
    return next(layer for layer in NETWORKS[network]() if layer.name == name)


def test_resnet50_has_its_layers_and_macs() -> None:
    layers = resnet50()
    assert sum(layer.macs for layer in layers) == RESNET50_MACS == 4_089_184_256
    assert sum(layer.kind is Kind.CONVOLUTION for layer in layers) == 53
    assert layers[-1].macs == 2048 * 1000


@pytest.mark.parametrize(
    ("kernel", "side", "channels", "outputs", "stride", "times"),
    [
        (7, 112, 3, 64, 2, 1),
        (1, 56, 64, 64, 1, 1),
        (3, 56, 64, 64, 1, 3),
        (1, 56, 64, 256, 1, 4),
        (1, 56, 256, 64, 1, 2),
        (1, 56, 256, 128, 1, 1),
        (3, 28, 128, 128, 2, 1),
        (3, 28, 128, 128, 1, 3),
        (1, 28, 512, 128, 1, 3),
        (1, 28, 128, 512, 1, 4),
        (1, 14, 256, 1024, 1, 6),
        (1, 14, 1024, 256, 1, 5),
        (3, 7, 512, 512, 1, 2),
        (1, 7, 512, 2048, 1, 3),
    ],
)
def test_resnet50_layer_counts_are_those_published(
    kernel: int, side: int, channels: int, outputs: int, stride: int, times: int
) -> None:
    wanted = (kernel, side, channels, outputs, stride)
    found = [(one.kernel, one.out_height, one.channels, one.outputs, one.stride) for one in resnet50()]
    assert found.count(wanted) == times


def test_mobilenet_v2_and_transformer_block_macs() -> None:
    assert sum(layer.macs for layer in mobilenet_v2()) == 300_774_272
    by_hand = 4 * 128 * 768 * 768 + 2 * 128 * 768 * 3072 + 12 * 2 * 128 * 128 * 64
    assert sum(layer.macs for layer in transformer_block()) == by_hand == 931_135_488


def test_convolution_by_hand() -> None:
    """3x3, 28x28, 128 to 128 in two tiles of 14 rows."""
    layer = layer_of("resnet50", "layer2.1.conv2")
    found = matrix_occupancy(layer, EDGE16, tiles_of(layer, 2, 1))
    assert found.tile == (14, 28, 1)  # 392 rows of 512: one output-channel block
    assert found.passes == 2 * 72 * 8  # 9 positions x 8 input blocks, for 8 output blocks, in each tile
    assert found.matrix_cycles == 2 * 392 * 72 * 8 == layer.macs // 256
    assert found.weights.beats == 2 * 72 * 8 * 16
    assert found.load.words == 2 * 8 * 16 * 30 + 8 * 12  # 14 + 2 rows, 28 + 2 columns; 12 parameter words a block
    assert found.load.beats == 2 * 8 * 15 * 28 + 8 * 12  # one of the 16 rows is padding
    assert found.vector_reads == found.store.words == 28 * 28 * 8
    assert found.handoff_cycles == 0
    # 2 issue and grant, 100 latency, 16 x 30 words, 1 + 16 last segment, 2 issue and grant
    assert found.prologue_cycles == 2 + 100 + 480 + 17 + 2
    # array 34; issue, 392 rows drained, 20; issue, first 16 words + 2, 392 beats, 100 response
    assert found.epilogue_cycles == 34 + 2 + 392 + 20 + 2 + 18 + 392 + 100
    assert found.expected_cycles(EDGE16) == 451_584 + 601 + 960
    assert found.limit(EDGE16) == "matrix"


def test_strided_projection_reads_every_other_line() -> None:
    """1x1, stride 2, 256 to 512: 28 lines of 55 columns for each of 16 blocks; only words that are used are written."""
    layer = layer_of("resnet50", "layer2.0.downsample")
    found = matrix_occupancy(layer, EDGE16, tiles_of(layer, 4, 1))
    assert found.load.words == 16 * 28 * 28 + 32 * 12
    assert found.load.beats == 16 * 28 * 55 + 32 * 12


def test_tile_that_does_not_fit_twice_is_loaded_for_each_group() -> None:
    """14 x 28 positions x 16 blocks are 6,272 words, and six banks hold 12,288; there are 32 groups of one block."""
    layer = layer_of("resnet50", "layer2.0.downsample")
    found = matrix_occupancy(layer, EDGE16, tiles_of(layer, 2, 1))
    assert found.load.words == 32 * 16 * 28 * 28 + 32 * 12


def test_residual_operand_is_loaded_and_read() -> None:
    layer = layer_of("resnet50", "layer1.1.conv3")
    found = matrix_occupancy(layer, EDGE16, tiles_of(layer, 7, 1))
    plain = matrix_occupancy(dataclasses.replace(layer, residual=False), EDGE16, tiles_of(layer, 7, 1))
    assert found.load.words - plain.load.words == 56 * 56 * 16
    assert found.vector_b_reads == found.vector_reads == 56 * 56 * 16


def test_first_layer_is_packed_into_eleven_tiles() -> None:
    layer = layer_of("resnet50", "conv1")
    assert whole_rows_packing(layer, EDGE16) == Packing(11, 21)  # 21 kernel rows of 7, two in a word
    assert packing(layer, 14, channels_last=True) == Packing(11, 14)  # 7 kernel rows of 21, each cut once
    assert packing(layer, 16).tiles == 10  # 147 of 160
    found = occupancy(layer, EDGE16)
    assert found.matrix_cycles == 112 * 112 * 11 * 4
    assert found.load.words == 112 * 112 * 21 + 4 * 12


def test_fully_connected_layer_is_memory_bound() -> None:
    layer = layer_of("resnet50", "fc")
    found = occupancy(layer, EDGE16)
    assert found.matrix_cycles == 63 * 128 * 16  # one row streamed, but a pass takes at least `rows` cycles
    assert found.weights.beats == 63 * 128 * 16
    assert found.limit(EDGE16) == "memory read"


def test_handoff_of_the_accumulators_shows_where_the_reduction_is_one_tile() -> None:
    """16 to 96 channels: accumulate 448, then 34 + 2 + 448 + 20 + 2 until the half is back: (506 - 448) / 2 a turn."""
    layer = layer_of("mobilenet_v2", "block1.expand")
    found = matrix_occupancy(layer, EDGE16, tiles_of(layer, 28, 1))
    assert found.matrix_cycles == found.vector_reads == 112 * 112 * 6
    assert found.handoff_cycles == 28 * 6 * 29


def test_depthwise_takes_one_tap_a_cycle() -> None:
    layer = layer_of("mobilenet_v2", "block3.depthwise")
    found = vector_occupancy(layer, EDGE16, tiles_of(layer, 4, 1))
    assert found.vector_reads == found.vector_b_reads == 28 * 28 * 9 * 9  # 144 channels are 9 blocks
    assert found.results == 28 * 28 * 9
    assert found.limit(EDGE16) == "vector"


def test_run_time_product_takes_no_weights_from_memory() -> None:
    layer = layer_of("transformer_block", "scores")
    found = occupancy(layer, EDGE16)
    assert found.weights.beats == 0
    assert found.matrix_cycles == 12 * 128 * 4 * 8
    assert found.load.words == 12 * (4 * 128 + 4 * 128 + 8 * 12)  # keys, queries, parameters


def test_planned_cost_of_softmax_and_layer_norm() -> None:
    assert occupancy(layer_of("transformer_block", "softmax"), EDGE16).vector_reads == 3 * 12 * 128 * 8
    assert occupancy(layer_of("transformer_block", "norm1"), EDGE16).vector_reads == 3 * 128 * 48


def test_bus_is_paced_by_its_rate_or_by_outstanding_bursts() -> None:
    assert bus_cycles(EDGE16, lines(EDGE16, 1, 256 * 64, 0), 100) == 1024
    # 64 single beats: 64 x (100 + 1 + 1) / 16
    assert bus_cycles(EDGE16, lines(EDGE16, 64, 16, 0), 100) == 408
    # tpu_v1's weight tile takes 1,349 cycles in the paper; 1,024 beats at 85/112 are 1,349.3
    machine = load_machine("tpu_v1")
    assert bus_cycles(machine, lines(machine, 1, machine.tile_bytes, 0), 0) == 1350


@pytest.mark.parametrize("network", NETWORKS)
def test_tilings_cover_the_output_and_fit_the_accumulators(network: str) -> None:
    for layer in NETWORKS[network]():
        for tiles in tilings(layer, EDGE16):
            assert sum(tile.positions for tile in tiles) == layer.out_height * layer.out_width
            assert layer.macs == 0 or layer.kind is Kind.DEPTHWISE or max(one.positions for one in tiles) <= 512


def test_target_holds_and_no_layer_is_limited_by_what_should_not_limit_it() -> None:
    content = sizing.report(EDGE16)
    assert content["resnet50_convolutions_utilization"] >= sizing.TARGET_UTILIZATION == 0.945
    assert content["problems"] == []


def test_target_holds_with_the_largest_tiles_too() -> None:
    """Tiles that fill an accumulator half have the longest prologue and epilogue; the target does not hang on them."""
    rows = [
        sizing.Row("resnet50", layer, EDGE16, matrix_occupancy(layer, EDGE16, list(tilings(layer, EDGE16))[-1]))
        for layer in resnet50()
        if layer.kind is Kind.CONVOLUTION
    ]
    assert sizing.utilization(rows) >= sizing.TARGET_UTILIZATION


def test_totals_add_up() -> None:
    rows = sizing.network_rows("transformer_block", EDGE16)
    sums = sizing.totals(rows)
    assert sums["expected_cycles"] == 107 + sum(row.expected_cycles for row in rows)
    assert sums["occupied_cycles"]["matrix"] == 931_135_488 // 256
    assert sum(sums["limits"].values()) == len(rows) == 11


def test_decision_quotes_the_figures_of_the_script() -> None:
    page = (Path(__file__).parents[2] / "docs/decisions/0001-machine-sizing.md").read_text()
    networks = {name: sizing.network_rows(name, EDGE16) for name in NETWORKS}
    chosen = sizing.convolutions(networks["resnet50"])
    figures = [f"{sum(row.expected_cycles for row in chosen):,}", f"{sizing.utilization(chosen):.2%}"]
    for rows in networks.values():
        sums = sizing.totals(rows)
        figures += [f"{sums['expected_cycles']:,}", f"{sums['ideal_cycles']:,.0f}", f"{sums['utilization']:.1%}"]
    assert [figure for figure in figures if figure not in page] == []


def test_a_layer_limited_by_the_load_engine_is_a_problem() -> None:
    rows = sizing.network_rows("mobilenet_v2", EDGE16)[:1]
    assert rows[0].limit == "load"
    assert sizing.problems(rows) == []
    renamed = [dataclasses.replace(rows[0], network="other")]
    assert sizing.problems(renamed) == [f"other conv1 is limited by load ({112 * 112 * 9 + 2 * 12} cycles)"]


def test_command_prints_tables_and_writes_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sizing.json"
    assert sizing.main(["--json", str(path)]) == 0
    content = json.loads(path.read_text())
    assert content["machine"]["name"] == "edge16"
    assert content["networks"]["resnet50"]["totals"]["macs"] == RESNET50_MACS
    printed = capsys.readouterr().out
    assert "resnet50: occupied cycles" in printed
    assert "ResNet-50's convolutions: 99." in printed


@pytest.mark.parametrize("name", ["edge8", "edge32", "tpu_v1"])
def test_other_machines_are_reported(name: str) -> None:
    assert sizing.report(load_machine(name))["networks"]["resnet50"]["totals"]["macs"] == RESNET50_MACS
