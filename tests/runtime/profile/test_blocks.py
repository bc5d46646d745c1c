"""The blocks of a model: exporters' names nest as people read them, and no name, however hostile, does harm."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.profile.blocks import MOST_PARTS, block_paths

Path = tuple[str, ...]

FRAGMENTS = ["/", ".", "_", ";", "0", "1", "17", "conv", "a", "b", " ", "\n", "\x1b[31m", "<script>", "é", "٣", ":0"]
NAMES = st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=30).map("".join) | st.text(max_size=40), max_size=30)


@pytest.mark.parametrize(
    ("names", "paths"),
    [
        ([], []),
        (["/layer1/conv1/Conv"], [()]),
        (["", "", ""], [(), (), ()]),
        (["Conv_0", "Relu_1", "Conv_2", "Gemm_3"], [(), (), (), ()]),
        (["conv1", "conv2d_14", "node_conv2d_1", "Conv2D__45"], [(), (), (), ()]),
        (
            ["/conv1/Conv", "/layer1/layer1.0/conv1/Conv", "/layer1/layer1.0/conv2/Conv",
             "/layer1/layer1.0/downsample/downsample.0/Conv", "/layer1/layer1.1/conv1/Conv", "/fc/Gemm"],
            [(), ("layer1", "layer1.0"), ("layer1", "layer1.0"), ("layer1", "layer1.0"), ("layer1",), ()],
        ),
        (
            ["layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer1.1.conv2", "fc"],
            [("layer1", "layer1.0"), ("layer1", "layer1.0"), ("layer1", "layer1.1"), ("layer1", "layer1.1"), ()],
        ),
        (
            ["model/Conv1/Conv2D", "model/block_1_expand/Conv2D", "model/block_1_project/Conv2D", "model/block_2/add"],
            [(), ("block_1",), ("block_1",), ()],
        ),
        (
            ["resnetv17_conv0_fwd", "resnetv17_stage1_conv0_fwd", "resnetv17_stage1_conv1_fwd", "resnetv17_dense0_fwd"],
            [(), ("stage1",), ("stage1",), ()],
        ),
        (["net/conv2_block1_1_conv", "net/conv2_block1_2_conv", "net/conv2_block2_1_conv", "net/top"],
         [("conv2", "block1"), ("conv2", "block1"), ("conv2",), ()]),
        (["m/a/Relu;m/b/Conv2D", "m/a/Relu;m/b/Add", "m/b/Conv2D"], [("a",), ("a",), ()]),
        (["a/b", "a/b", "a/b/c", "d"], [("a",), ("a",), ("a",), ()]),
        (["/a//b/x", "a/b/y", "c"], [("a",), ("a",), ()]),
        (["v1.5/x", "v1.5/y", "z"], [("v1.5",), ("v1.5",), ()]),
    ],
)
def test_names_nest(names: list[str], paths: list[Path]) -> None:
    assert block_paths(names) == paths


@given(NAMES)
def test_every_block_divides_what_is_around_it(names: list[str]) -> None:
    paths = block_paths(names)
    assert len(paths) == len(names)
    inside: dict[Path, list[Path]] = defaultdict(list)
    for path in paths:
        assert len(path) <= MOST_PARTS and all(path)
        for depth in range(1, len(path) + 1):
            inside[path[:depth]].append(path)
    for block, held in inside.items():
        assert 2 <= len(held) < len(names), "no block holds one layer or all of them"
        outer = inside[block[:-1]] if len(block) > 1 else paths
        assert len(held) < len(outer), "no block is the only thing in its block"


@given(NAMES, st.randoms(use_true_random=False))
def test_a_layers_blocks_do_not_depend_on_the_order(names: list[str], shuffle: random.Random) -> None:
    order = list(range(len(names)))
    shuffle.shuffle(order)
    paths = block_paths(names)
    assert block_paths([names[place] for place in order]) == [paths[place] for place in order]


@given(NAMES)
def test_layers_of_one_name_are_in_one_block(names: list[str]) -> None:
    paths = block_paths(names * 2)
    assert paths[: len(names)] == paths[len(names) :]


def test_long_names_make_few_levels_quickly() -> None:
    names = ["/".join("ab"[(place >> level) & 1] * 9 for level in range(1000)) for place in range(64)]
    names += ["".join(f"p1{'_/'[level % 3 == 2]}" for level in range(depth)) + "leaf" for depth in range(64)]
    names += ["_1" * 5000, "1." * 5000, "/" * 10_000, "1_" * 5000, "x" * 10_000]
    paths = block_paths(names)
    assert max(map(len, paths)) <= MOST_PARTS
    assert len(set(paths)) <= 3 * 64
