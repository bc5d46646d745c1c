"""Well-known networks, made on the spot with seeded random weights: their time means something, accuracy does not."""

from __future__ import annotations

from collections.abc import Callable

import onnx

from examples.networks.mobilenet_v2 import mobilenet_v2_model
from examples.networks.resnet50 import resnet50_model

NETWORKS: dict[str, Callable[[], onnx.ModelProto]] = {
    "mobilenet_v2": mobilenet_v2_model,
    "resnet50": resnet50_model,
}
"""The networks by name."""
