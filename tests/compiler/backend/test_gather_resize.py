"""Resize, Upsample, Gather, Tile, Expand, flips and padding that repeats, from ONNX to bytes."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from compiler.backend.progressions import progressions
from compiler.gather import gather_attributes
from compiler.graph import Op
from machine.config import load_machine
from tests.compiler.backend.from_onnx import check_model, model_of
from tests.compiler.backend.operator_forms import IMAGE, REPETITIONS, ROUNDINGS, TRANSFORMS, numbers, resize
from tests.compiler.refusals import refusal

make = helper.make_node
MACHINES = ["nano4", "edge8x4", "edge8"]


@pytest.mark.parametrize("factors", [(2.0, 2.0), (1.5, 0.7), (3.0, 1.0)])
@pytest.mark.parametrize(("transform", "rounding"), list(itertools.product(TRANSFORMS, ROUNDINGS)))
def test_nearest(check: Any, transform: str, rounding: str, factors: tuple[float, float]) -> None:
    model = resize(numbers(1.0, 1.0, *factors), coordinate_transformation_mode=transform, nearest_mode=rounding)
    check_model(check, model)


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("sizes", [(1, 5, 13, 9), (1, 5, 3, 1)])
def test_sizes(check: Any, mode: str, sizes: tuple[int, ...]) -> None:
    check_model(check, resize(sizes=numbers(*sizes), mode=mode), steps=4)


@pytest.mark.parametrize("factors", [(2.0, 2.0), (1.6, 0.5), (1.0, 3.0)])
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_interpolation(check: Any, mode: str, transform: str, factors: tuple[float, float]) -> None:
    model = resize(numbers(1.0, 1.0, *factors), mode=mode, coordinate_transformation_mode=transform)
    check_model(check, model, steps=4)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_every_machine(check: Any, machine: str, mode: str) -> None:
    nodes = [make("Conv", ["x", "w"], ["c"], pads=[1] * 4), make("Relu", ["c"], ["r"]),
             make("Resize", ["r", "", "scales"], ["u"], mode=mode), make("Conv", ["u", "v"], ["y"])]
    random = np.random.default_rng(0)
    constants = {"w": random.normal(size=(12, 3, 3, 3)), "v": random.normal(size=(4, 12, 1, 1))}
    given = {name: value.astype(np.float32) for name, value in constants.items()}
    check_model(check, model_of(nodes, (1, 3, 9, 8), given | {"scales": numbers(1.0, 1.0, 2.0, 2.0)}), machine, steps=8)


@pytest.mark.parametrize("transform", ["half_pixel", "asymmetric"])
@pytest.mark.parametrize("mode", ["linear", "cubic"])
def test_whole_factors_are_depthwise_convolutions(check: Any, mode: str, transform: str) -> None:
    """Behind a convolution nothing of it goes through transpositions."""
    nodes = [make("Conv", ["x", "w"], ["c"]),
             make("Resize", ["c", "", "scales"], ["y"], mode=mode, coordinate_transformation_mode=transform)]
    constants = {"w": np.eye(5, dtype=np.float32)[:, :, None, None], "scales": numbers(1.0, 1.0, 2.0, 3.0)}
    program = check_model(check, model_of(nodes, IMAGE, constants), steps=4)
    assert {layer.kernel for layer in program.layers} <= {"matrix", "gather", "depthwise", "interleave"}


def test_some_axes(check: Any) -> None:
    check_model(check, resize(numbers(2.0), axes=[3]))


def test_sequences(check: Any) -> None:
    check_model(check, resize(numbers(1.0, 1.0, 2.0), shape=(1, 5, 9)))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("factors", [(2.0, 2.0), (0.5, 0.4)])
def test_resize_of_opset_10(check: Any, mode: str, factors: tuple[float, float]) -> None:
    node = make("Resize", ["x", "scales"], ["y"], mode=mode)
    check_model(check, model_of(node, IMAGE, {"scales": numbers(1.0, 1.0, *factors)}, 10), steps=4)


@pytest.mark.parametrize("opset", [7, 9])
@pytest.mark.parametrize("mode", ["nearest", "linear"])
def test_upsample(check: Any, mode: str, opset: int) -> None:
    scales = [1.0, 1.0, 2.0, 3.0]
    if opset == 7:
        model = model_of(make("Upsample", ["x"], ["y"], mode=mode, scales=scales), IMAGE, opset=7)
    else:
        model = model_of(make("Upsample", ["x", "scales"], ["y"], mode=mode), IMAGE, {"scales": numbers(*scales)}, 9)
    check_model(check, model, steps=4)


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "crop": ({"coordinate_transformation_mode": "tf_crop_and_resize"}, "'tf_crop_and_resize' is not supported"),
    "antialias": ({"antialias": 1, "mode": "linear"}, "antialias=1 is not supported"),
    "channels": ({"scales": numbers(1.0, 2.0, 1.0, 1.0)}, "resizes axis 1 of input"),
    "batch": ({"scales": numbers(2.0, 1.0, 1.0, 1.0)}, "resizes axis 0 of input"),
    "nothing left": ({"scales": numbers(1.0, 1.0, 0.1, 1.0)}, "axis 2 of input .* becomes empty"),
    "ratio": ({"sizes": numbers(1, 5, 9, 9), "keep_aspect_ratio_policy": "not_larger"}, "'not_larger' is not supp"),
}


@pytest.mark.parametrize(("how", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(how: dict[str, Any], reason: str) -> None:
    given = how if "sizes" in how else {"scales": numbers(1.0, 1.0, 2.0, 2.0)} | how
    assert re.search(rf"^node 'n' \(Resize\): .*{reason}", refusal(resize(**given)))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(("node", "shape", "constants"), REPETITIONS.values(), ids=REPETITIONS)
def test_moves(check: Any, node: Any, shape: tuple[int, ...], constants: dict[str, Any], machine: str) -> None:
    check_model(check, model_of(node, shape, constants), machine)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(check: Any, mode: str, machine: str) -> None:
    nodes = [make("Conv", ["x", "w"], ["c"]), make("DepthToSpace", ["c"], ["y"], blocksize=2, mode=mode)]
    weight = np.random.default_rng(0).normal(size=(20, 3, 1, 1)).astype(np.float32)
    program = check_model(check, model_of(nodes, (1, 3, 5, 6), {"w": weight}), machine)
    assert program.layers[-1].kernel == "interleave"


MOVES_REFUSED: dict[str, tuple[Any, dict[str, Any], str]] = {
    "batch": (make("Gather", ["x", "i"], ["y"], name="n"), {"i": numbers(0)}, "axis 0, the batch"),
    "indices": (make("Gather", ["x", "i"], ["y"], name="n", axis=1), {"i": numbers(5)}, "not some within the 5"),
    "tiled batch": (make("Tile", ["x", "i"], ["y"], name="n"), {"i": numbers(2, 1, 1, 1)}, "changes the batch"),
    "no tile": (make("Tile", ["x", "i"], ["y"], name="n"), {"i": numbers(1, 0, 1, 1)}, "not one positive number"),
    "more axes": (make("Expand", ["x", "i"], ["y"], name="n"), {"i": numbers(2, 1, 1, 1, 1)}, "no more axes"),
    "reflect": (make("Pad", ["x", "p"], ["y"], name="n", mode="reflect"), {"p": numbers(0, 0, 6, 0, 0, 0, 0, 0)},
                "by at most 5, got 6"),
}


@pytest.mark.parametrize(("node", "constants", "reason"), MOVES_REFUSED.values(), ids=MOVES_REFUSED)
def test_moves_that_are_refused(node: Any, constants: dict[str, Any], reason: str) -> None:
    model = model_of(make("Relu", ["x"], ["y"]), IMAGE, constants)
    model.graph.node[0].CopyFrom(node)
    assert re.search(rf"^node 'n' \({node.op_type}\): .*{reason}", refusal(model))


def test_nearest_takes_about_a_cycle_for_a_word(check: Any) -> None:
    """The vector engine repeats values; loads would take as long as memory for each of them."""
    nodes = [make("Conv", ["x", "w"], ["c"]), make("Resize", ["c", "", "scales"], ["y"], nearest_mode="floor",
             coordinate_transformation_mode="asymmetric")]
    constants = {"w": np.ones((16, 2, 1, 1), np.float32), "scales": numbers(1.0, 1.0, 2.0, 2.0)}
    program = check_model(check, model_of(nodes, (1, 2, 12, 12), constants), "edge16", steps=6)
    words = 24 * 24
    assert program.layers[1].kernel == "gather"
    assert words <= program.layers[1].vector_cycles <= words + 4


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=40))
def test_progressions_cover_every_index_once(indices: list[int]) -> None:
    found: dict[int, int] = {}
    for part in progressions(indices):
        assert part.step >= 0 and part.target_step >= 1
        for i in range(part.size):
            assert part.target + i * part.target_step not in found
            found[part.target + i * part.target_step] = part.start + i * part.step
    assert [found[index] for index in range(len(indices))] == indices


def test_progressions_are_few() -> None:
    doubled = [index // 2 for index in range(40)]
    assert len(progressions(doubled)) == 2
    assert len(progressions([*range(9)] * 3)) == 3
    assert len(progressions([7] * 30)) == 1


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_indices(net: Any, check: Any, data: Any) -> None:
    draw = data.draw
    built = net(draw(st.integers(0, 1 << 20)))
    x = built.input(*(draw(st.integers(1, 10)) for _ in range(3)))
    x = built.conv(x, draw(st.integers(1, 12))) if draw(st.booleans()) else x
    indices = [draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=12)) for size in built.tensor(x).shape[1:]]
    x = built.move(Op.GATHER, x, **gather_attributes(indices))
    check(load_machine(draw(st.sampled_from(MACHINES))), built.graph(x), batch=draw(st.sampled_from([1, 2])))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_random_interleaving(net: Any, check: Any, data: Any) -> None:
    draw = data.draw
    built = net(draw(st.integers(0, 1 << 20)))
    height, width = draw(st.integers(3, 12)), draw(st.integers(3, 12))
    rows, columns = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    x = built.conv(built.input(3, height, width), draw(st.integers(1, 9)))
    size = draw(st.integers((height - 1) * rows + 1, height * rows)), draw(
        st.integers((width - 1) * columns + 1, width * columns))
    channels = built.tensor(x).shape[1]
    parts = [x if draw(st.integers(0, 9)) == 0 else built.conv(x, channels) for _ in range(rows * columns)]
    y = built.move(Op.INTERLEAVE, *parts, factors=(rows, columns), size=size)
    batch = draw(st.sampled_from([1, 2]))
    check(load_machine(draw(st.sampled_from(MACHINES))), built.graph(built.conv(y, 3)), batch=batch)
