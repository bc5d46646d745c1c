"""Train the digits network and write its model and data: `python -m examples.digits.train`.

The data are the 1797 images of scikit-learn's `load_digits`. 500 of them, stratified by class and always the same, are
held back; the rest trains. Same seed, same libraries and same kind of processor give the same bytes: matrix products
run on one thread, because their rounding depends on how many share them.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from threadpoolctl import threadpool_limits

from examples.digits.layers import Tensor
from examples.digits.network import Network, to_onnx

HELD_BACK_IMAGES = 500
CALIBRATION_IMAGES = 128
BATCH_IMAGES = 32
PEAK_LEARNING_RATE = 3e-3
WEIGHT_DECAY = 1e-2

Labels = NDArray[np.int64]


class Split(NamedTuple):
    """Images float32[N, 1, 8, 8], values 0..1, and labels int64[N], for training and held back."""

    train_images: Tensor
    test_images: Tensor
    train_labels: Labels
    test_labels: Labels


def load_split() -> Split:
    """Return the images in the one split that every number about this example refers to."""
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    labels = digits.target.astype(np.int64)
    return Split(*train_test_split(images, labels, test_size=HELD_BACK_IMAGES, stratify=labels, random_state=0))


def shifted(images: Tensor, generator: np.random.Generator) -> Tensor:
    """Move each image by -1, 0 or 1 pixels in each direction, filling with background."""
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))
    top, left = generator.integers(0, 3, size=(2, len(images), 1, 1))
    rows, columns = top + np.arange(8)[:, None], left + np.arange(8)
    moved: Tensor = padded[np.arange(len(images))[:, None, None], 0, rows, columns]
    return moved[:, None]


def cross_entropy_gradient(logits: Tensor, labels: Labels) -> Tensor:
    """Return the gradient of the batch's mean cross-entropy at the logits: (softmax - one-hot) / N."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    gradient: Tensor = exponentials / exponentials.sum(axis=1, keepdims=True)
    gradient[np.arange(len(labels)), labels] -= 1
    return gradient / np.float32(len(labels))


def train(images: Tensor, labels: Labels, seed: int, epochs: int) -> Network:
    """Train a new network with Adam, its learning rate falling to zero along a half cosine."""
    generator = np.random.default_rng(seed)
    network = Network(generator)
    parameters = network.parameters()
    batches = len(images) // BATCH_IMAGES
    for step in range(epochs * batches):
        if step % batches == 0:
            order = generator.permutation(len(images))
        chosen = order[step % batches * BATCH_IMAGES :][:BATCH_IMAGES]
        logits = network.forward(shifted(images[chosen], generator), training=True)
        network.backward(cross_entropy_gradient(logits, labels[chosen]))
        learning_rate = PEAK_LEARNING_RATE * (1 + math.cos(math.pi * step / (epochs * batches))) / 2
        for parameter in parameters:
            parameter.adam_step(step + 1, learning_rate, WEIGHT_DECAY)
    return network


def accuracy(network: Network, images: Tensor, labels: Labels) -> float:
    """Return the share of images whose largest logit is at their label."""
    return float((network.forward(images).argmax(axis=1) == labels).mean())


def main(arguments: list[str] | None = None) -> None:
    """Train, say the accuracy on the held-back images, and write the three files of the example."""
    parser = argparse.ArgumentParser(description="Train the digits network and write its model and data.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--output-directory", type=Path, default=Path(__file__).parent)
    options = parser.parse_args(arguments)

    split = load_split()
    with threadpool_limits(limits=1):
        network = train(split.train_images, split.train_labels, options.seed, options.epochs)
    print(f"train accuracy     {accuracy(network, split.train_images, split.train_labels):.2%}")
    print(f"held-back accuracy {accuracy(network, split.test_images, split.test_labels):.2%}")

    directory: Path = options.output_directory
    directory.mkdir(parents=True, exist_ok=True)
    onnx.save(to_onnx(network), directory / "digits.onnx")
    np.savez_compressed(directory / "calibration.npz", image=split.train_images[:CALIBRATION_IMAGES])
    np.savez_compressed(directory / "test.npz", image=split.test_images, label=split.test_labels)


if __name__ == "__main__":
    main()
