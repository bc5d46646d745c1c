"""Kernels written as a short text: the layers that they are, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from compiler.front import front
from compiler.placement.prices import macs
from machine.errors import DataError
from runtime.compare.kernels import conv_model, gemm_model
from runtime.cpu import run_float


def shape_and_macs(model: bytes) -> tuple[tuple[int, ...], int]:
    graph = front(model, None, until="fold_and_fuse")
    return graph.tensors["y"].shape, sum(macs(graph, node) for node in graph.nodes())


def test_gemm_is_a_product() -> None:
    model = gemm_model("5x7x3")
    assert shape_and_macs(model) == ((1, 5, 3), 5 * 7 * 3)
    y = run_float(model, {"x": np.eye(5, 7, dtype=np.float32)[None]})["y"]
    assert y.shape == (1, 5, 3) and 0.1 < y.std() < 1


@pytest.mark.parametrize(("text", "shape", "count"), [
    ("1x6x8x9,4x3x3", (1, 4, 8, 9), 8 * 9 * 4 * 6 * 9),
    ("1x6x8x9,4x1x5", (1, 4, 8, 9), 8 * 9 * 4 * 6 * 5),
    ("1x6x8x9,4x3x3,2", (1, 4, 4, 5), 4 * 5 * 4 * 6 * 9),
    ("1x6x8x9,4x3x3,2,0", (1, 4, 3, 4), 3 * 4 * 4 * 6 * 9),
    ("1x6x8x9,12x3x3,1,1,6", (1, 12, 8, 9), 8 * 9 * 12 * 9),
])
def test_convolutions(text: str, shape: tuple[int, ...], count: int) -> None:
    assert shape_and_macs(conv_model(text)) == (shape, count)


def test_the_seed_decides_the_weights() -> None:
    assert gemm_model("4x4x4", 1) == gemm_model("4x4x4", 1) != gemm_model("4x4x4", 2)
    assert conv_model("1x2x4x4,3x3x3", 1) == conv_model("1x2x4x4,3x3x3", 1) != conv_model("1x2x4x4,3x3x3", 2)


@pytest.mark.parametrize("text", [
    "", "512", "512x512", "4x4x4x4", "0x4x4", "-1x4x4", "4x4x4.0", "axbxc", "4x٤x4", "4x4x9999999999",
])
def test_gemm_of_another_form(text: str) -> None:
    with pytest.raises(DataError, match="is not of the form MxKxN"):
        gemm_model(text)


@pytest.mark.parametrize("text", [
    "", "1x6x8x9", "1x6x8,4x3x3", "1x6x8x9,4x3", "1x6x8x9,4x3x3,", "1x6x8x9,4x3x3,0", "1x6x8x9,4x3x3,1,1,1,1",
    "1x6x8x9,4x3x3,1,-1", "1x6x8x9;4x3x3",
])
def test_convolution_of_another_form(text: str) -> None:
    with pytest.raises(DataError, match="is not of the form 1xCxHxW"):
        conv_model(text)


@pytest.mark.parametrize(("text", "reason"), [
    ("2x6x8x9,4x3x3", "begins with 2 samples; it must be 1: give the batch with --batch"),
    ("1x6x8x9,4x3x3,1,1,4", "4 groups do not divide 6 and 4 channels"),
    ("1x6x8x9,4x11x3,1,0", "the kernel is larger than the padded image"),
    ("1x100000x100x100,4x3x3", "up to 268435456 values are supported"),
])
def test_convolutions_that_do_not_fit(text: str, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        conv_model(text)


def test_gemm_that_is_too_large() -> None:
    with pytest.raises(DataError, match=r"a tensor would be \[99999, 99999\]"):
        gemm_model("1x99999x99999")
