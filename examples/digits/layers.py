"""The layers of the digits network in NumPy: each computes forwards and backwards, and nothing more.

Tensors are float32[N, C, H, W], weights are float32[outputs, inputs, kernel, kernel]; every convolution has stride 1
and an odd kernel, and keeps height and width.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Tensor = NDArray[np.float32]


@dataclass
class Parameter:
    """A trained array, its gradient and the two moments that Adam keeps of it."""

    value: Tensor
    gradient: Tensor = field(init=False)
    mean: Tensor = field(init=False)
    square: Tensor = field(init=False)

    def __post_init__(self) -> None:
        """Start gradient and moments at zero."""
        self.gradient, self.mean, self.square = (np.zeros_like(self.value) for _ in range(3))

    def adam_step(self, step: int, learning_rate: float, weight_decay: float) -> None:
        """Move the value by one step of Adam with decoupled weight decay; `step` counts from 1."""
        self.mean += np.float32(0.1) * (self.gradient - self.mean)
        self.square += np.float32(0.001) * (self.gradient**2 - self.square)
        mean = self.mean / np.float32(1 - 0.9**step)
        square = self.square / np.float32(1 - 0.999**step)
        decay = np.float32(weight_decay) * self.value
        self.value -= np.float32(learning_rate) * (mean / (np.sqrt(square) + np.float32(1e-8)) + decay)


class Layer(Protocol):
    """What the trainer asks of a layer."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Return the output, and remember what `backward` needs."""

    def backward(self, gradient: Tensor) -> Tensor:
        """Take the loss's gradient at the output, set those of the parameters, return the one at the input."""

    def parameters(self) -> list[Parameter]:
        """Return the trained arrays, always in the same order."""


class Stateless:
    """A layer without trained arrays."""

    def parameters(self) -> list[Parameter]:
        """Return nothing to train."""
        return []


def he_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> Parameter:
    """Draw weights whose variance is 2 / fan-in; the first axis counts the outputs."""
    scale = np.sqrt(2.0 / np.prod(shape[1:]))
    return Parameter((generator.standard_normal(shape) * scale).astype(np.float32))


def _windows(x: Tensor, kernel: int) -> Tensor:
    """Return a view float32[N, C, H, W, kernel, kernel] of what a kernel sees at every position of a padded input."""
    margin = kernel // 2
    padded = np.pad(x, ((0, 0), (0, 0), (margin, margin), (margin, margin)))
    return sliding_window_view(padded, (kernel, kernel), axis=(2, 3))


class Convolution:
    """A convolution over all channels."""

    def __init__(self, generator: np.random.Generator, inputs: int, outputs: int, kernel: int) -> None:
        """Draw the weights; the bias starts at zero."""
        self.weight = he_normal(generator, (outputs, inputs, kernel, kernel))
        self.bias = Parameter(np.zeros(outputs, np.float32))

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Correlate the input with the kernels and add the bias."""
        self._seen = _windows(x, self.weight.value.shape[-1])
        y = np.tensordot(self._seen, self.weight.value, axes=([1, 4, 5], [1, 2, 3]))
        return (y + self.bias.value).transpose(0, 3, 1, 2)

    def backward(self, gradient: Tensor) -> Tensor:
        """Correlate the gradient with the input for the weights, and with the turned kernels for the input."""
        self.weight.gradient = np.tensordot(gradient, self._seen, axes=([0, 2, 3], [0, 2, 3]))
        self.bias.gradient = gradient.sum(axis=(0, 2, 3))
        seen = _windows(gradient, self.weight.value.shape[-1])
        turned = self.weight.value[:, :, ::-1, ::-1]
        return np.tensordot(seen, turned, axes=([1, 4, 5], [0, 2, 3])).transpose(0, 3, 1, 2)

    def parameters(self) -> list[Parameter]:
        """Return weight and bias."""
        return [self.weight, self.bias]


class DepthwiseConvolution:
    """A convolution of each channel with a kernel of its own."""

    def __init__(self, generator: np.random.Generator, channels: int, kernel: int) -> None:
        """Draw the weights; the bias starts at zero."""
        self.weight = he_normal(generator, (channels, 1, kernel, kernel))
        self.bias = Parameter(np.zeros(channels, np.float32))

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Correlate each channel with its kernel and add the bias."""
        self._seen = _windows(x, self.weight.value.shape[-1])
        y: Tensor = np.einsum("nchwij,cij->nchw", self._seen, self.weight.value[:, 0])
        y += self.bias.value[:, None, None]
        return y

    def backward(self, gradient: Tensor) -> Tensor:
        """Do as the full convolution does, channel by channel."""
        self.weight.gradient = np.einsum("nchw,nchwij->cij", gradient, self._seen)[:, None]
        self.bias.gradient = gradient.sum(axis=(0, 2, 3))
        seen = _windows(gradient, self.weight.value.shape[-1])
        passed: Tensor = np.einsum("nchwij,cij->nchw", seen, self.weight.value[:, 0, ::-1, ::-1])
        return passed

    def parameters(self) -> list[Parameter]:
        """Return weight and bias."""
        return [self.weight, self.bias]


class BatchNormalization:
    """Each channel brought to mean 0 and variance 1, then scaled and shifted."""

    epsilon = 1e-5
    momentum = 0.9

    def __init__(self, channels: int) -> None:
        """Start at scale 1 and shift 0."""
        self.scale = Parameter(np.ones(channels, np.float32))
        self.shift = Parameter(np.zeros(channels, np.float32))
        self.running_mean = np.zeros(channels, np.float32)
        self.running_variance = np.ones(channels, np.float32)

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Normalise by the batch's statistics in training, else by the running ones."""
        if training:
            mean, variance = x.mean(axis=(0, 2, 3)), x.var(axis=(0, 2, 3))
            keep, take = np.float32(self.momentum), np.float32(1 - self.momentum)
            self.running_mean = keep * self.running_mean + take * mean
            self.running_variance = keep * self.running_variance + take * variance
        else:
            mean, variance = self.running_mean, self.running_variance
        self._inverse: Tensor = (1 / np.sqrt(variance + np.float32(self.epsilon)))[:, None, None]
        self._normal: Tensor = (x - mean[:, None, None]) * self._inverse
        y: Tensor = self._normal * self.scale.value[:, None, None] + self.shift.value[:, None, None]
        return y

    def backward(self, gradient: Tensor) -> Tensor:
        """Take out of the gradient what the batch's mean and variance would undo."""
        self.scale.gradient = (gradient * self._normal).sum(axis=(0, 2, 3))
        self.shift.gradient = gradient.sum(axis=(0, 2, 3))
        inner = gradient * self.scale.value[:, None, None]
        along = (inner * self._normal).mean(axis=(0, 2, 3), keepdims=True)
        passed: Tensor = (inner - inner.mean(axis=(0, 2, 3), keepdims=True) - self._normal * along) * self._inverse
        return passed

    def parameters(self) -> list[Parameter]:
        """Return scale and shift; the running statistics are not trained."""
        return [self.scale, self.shift]


@dataclass
class Clip(Stateless):
    """Values held within [0, high]: Relu without an upper end, Relu6 with 6."""

    high: float = np.inf

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Clip."""
        self._inside = (x > 0) & (x < self.high)
        return np.clip(x, 0, self.high)

    def backward(self, gradient: Tensor) -> Tensor:
        """Let pass what was not clipped."""
        return np.where(self._inside, gradient, np.float32(0))


def _quarters(x: Tensor) -> Tensor:
    """Return a view float32[N, C, H / 2, 2, W / 2, 2]: the 2x2 blocks of an image."""
    batch, channels, height, width = x.shape
    return x.reshape(batch, channels, height // 2, 2, width // 2, 2)


def _spread(x: Tensor) -> Tensor:
    """Repeat each position as a block of 2x2."""
    return x.repeat(2, axis=2).repeat(2, axis=3)


class MaxPool(Stateless):
    """The largest value of each 2x2 block."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Pool, and remember where each largest value lay."""
        y: Tensor = _quarters(x).max(axis=(3, 5))
        self._chosen = x == _spread(y)
        return y

    def backward(self, gradient: Tensor) -> Tensor:
        """Give the gradient back to the largest value, in equal shares where several are equal."""
        ties = _quarters(self._chosen.astype(np.float32)).sum(axis=(3, 5))
        passed: Tensor = np.where(self._chosen, _spread(gradient / ties), np.float32(0))
        return passed


class AveragePool(Stateless):
    """The mean of each 2x2 block."""

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Pool."""
        y: Tensor = _quarters(x).mean(axis=(3, 5))
        return y

    def backward(self, gradient: Tensor) -> Tensor:
        """Give each of the four values a quarter."""
        return _spread(gradient) * np.float32(0.25)


@dataclass
class Residual:
    """A layer with a way around it: y = x + layer(x)."""

    layer: Layer

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Add the input to what the layer makes of it."""
        return x + self.layer.forward(x, training)

    def backward(self, gradient: Tensor) -> Tensor:
        """Add the gradients of both ways."""
        return gradient + self.layer.backward(gradient)

    def parameters(self) -> list[Parameter]:
        """Return those of the layer."""
        return self.layer.parameters()


class Dense:
    """All values of an image, flattened, times a matrix float32[outputs, inputs]."""

    def __init__(self, generator: np.random.Generator, inputs: int, outputs: int) -> None:
        """Draw the weights; the bias starts at zero."""
        self.weight = he_normal(generator, (outputs, inputs))
        self.bias = Parameter(np.zeros(outputs, np.float32))

    def forward(self, x: Tensor, training: bool) -> Tensor:
        """Flatten, multiply and add the bias."""
        self._shape = x.shape
        self._flat = x.reshape(len(x), -1)
        return self._flat @ self.weight.value.T + self.bias.value

    def backward(self, gradient: Tensor) -> Tensor:
        """Multiply by the transposed matrix, and give the input its shape back."""
        self.weight.gradient = gradient.T @ self._flat
        self.bias.gradient = gradient.sum(axis=0)
        return (gradient @ self.weight.value).reshape(self._shape)

    def parameters(self) -> list[Parameter]:
        """Return weight and bias."""
        return [self.weight, self.bias]
