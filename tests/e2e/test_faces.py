"""Two public face detectors on edge16: the reference's bytes, and the faces that the float models find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.shared_data import MODELS, PHOTOGRAPHS, face_photographs, ultraface_input, yunet_input
from machine.config import load_machine
from runtime.compile import compile_program
from runtime.session import Backend, Session

FACES = [True, True, False, False, False]
"""Which of the photographs show a face: a portrait, a part of it, a cat, a bird and a sunflower."""
SURE = 0.7
LARGEST_SCORE_DIFFERENCE = 0.02
LEAST_OVERLAP = 0.9

Arrays = Mapping[str, npt.NDArray[Any]]
Detections = tuple[npt.NDArray[Any], npt.NDArray[Any]]
"""The best face of each image: score[n], and its left, top, right and bottom [n, 4]."""

pytestmark = pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason=f"no photographs in {PHOTOGRAPHS}")


def best(scores: npt.NDArray[Any], boxes: npt.NDArray[Any]) -> Detections:
    """Choose from scores[n, places] and boxes[n, places, 4]."""
    chosen = scores.argmax(axis=1)
    images = np.arange(len(scores))
    return scores[images, chosen], boxes[images, chosen]


def ultraface_detections(outputs: Arrays) -> Detections:
    return best(outputs["scores"][..., 1], outputs["boxes"])


def yunet_detections(outputs: Arrays) -> Detections:
    scores, boxes = [], []
    for stride in (8, 16, 32):
        side = 320 // stride
        scores.append(np.sqrt(outputs[f"cls_{stride}"] * outputs[f"obj_{stride}"])[..., 0])
        box = outputs[f"bbox_{stride}"]
        cells = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2)
        middles, sizes = (cells + box[..., :2]) * stride, np.exp(box[..., 2:]) * stride
        boxes.append(np.concatenate([middles - sizes / 2, middles + sizes / 2], axis=-1))
    return best(np.concatenate(scores, axis=1), np.concatenate(boxes, axis=1))


def overlap(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the common area of boxes[n, 4] over the area that either covers."""
    sides = np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2])
    common = np.clip(sides, 0, None).prod(axis=1)
    areas = [(box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b)]
    return common / (areas[0] + areas[1] - common)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "prepare", "detections"),
    [
        ("onnx_ultraface/version-slim-320.onnx", ultraface_input, ultraface_detections),
        ("onnx_yunet/yunet_s_320_320.onnx", yunet_input, yunet_detections),
    ],
    ids=["ultraface", "yunet"],
)
def test_faces_are_those_of_the_float_model(
    model: str, prepare: Callable[..., Any], detections: Callable[[Arrays], Detections]
) -> None:
    if not (MODELS / model).exists():
        pytest.skip(f"no {MODELS / model}")
    calibration, images = face_photographs(prepare)
    session = Session(compile_program(MODELS / model, load_machine("edge16"), {"input": calibration}))
    sim, reference, cpu = (
        session.run({"input": images}, backend, with_time=False)
        for backend in (Backend.SIM, Backend.REFERENCE, Backend.CPU)
    )
    for tensor, values in reference.integers.items():
        np.testing.assert_array_equal(sim.integers[tensor], values)
    (scores, boxes), (float_scores, float_boxes) = detections(sim.outputs), detections(cpu.outputs)
    print(f"{model}: scores {scores.round(3)}, in float {float_scores.round(3)}")
    assert (scores > SURE).tolist() == (float_scores > SURE).tolist() == FACES
    np.testing.assert_allclose(scores[FACES], float_scores[FACES], atol=LARGEST_SCORE_DIFFERENCE)
    overlaps = overlap(boxes[FACES], float_boxes[FACES])
    print(f"{model}: the faces overlap with those in float by {overlaps.round(3)}")
    assert overlaps.min() > LEAST_OVERLAP
