"""The GPU: the compiler's graphs in PyTorch (`runtime.gpu`), which is imported when the first row is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.compare.measure import measure
from runtime.compare.result import Row
from runtime.compare.subject import Subject

if TYPE_CHECKING:
    from runtime.gpu import DeviceGraph

NUMBERS = ("float32", "float16", "int8")


class Gpu:
    """A CUDA device."""

    def __init__(self, subject: Subject, limit_seconds: float) -> None:
        """Open the device.

        Raises:
            ToolError: PyTorch is not installed, or there is no CUDA device.
        """
        from runtime import gpu  # PyTorch is optional

        self._subject, self._limit, self._device = subject, limit_seconds, gpu.open_device()
        self._number = ""
        self._prepared: DeviceGraph | None = None

    def row(self, number: str, batch: int) -> Row:
        """Measure runs of a batch whose inputs lie on the device.

        Raises:
            DataError: the device runs out of memory.
            ModelError: the quantizer does not know something in the model.
        """
        from runtime import gpu

        subject, graph = self._subject, self._graph(number)
        values = graph.upload(subject.batch(batch))
        outputs, _ = graph.run(values)

        def run() -> tuple[float, float]:
            _, seconds = graph.run(values)
            return seconds.device, seconds.host

        latency, host = measure(run, self._limit)
        return Row(
            "gpu", f"{gpu.device_name(self._device)}, {gpu.version()}", number, "PyTorch, eager", batch, latency,
            host if graph.has_host_nodes else None, subject.macs * batch,
            gpu.peak_macs_per_second(self._device, number), subject.answers(graph.download(outputs), batch),
            min(batch, subject.samples),
        )

    def _graph(self, number: str) -> DeviceGraph:
        """Return the prepared graph; that of the last type of numbers is kept, and its memory given back before."""
        if self._prepared is not None and self._number == number:
            return self._prepared
        self._prepared = None
        self._number, self._prepared = number, self._prepare(number)
        return self._prepared

    def _prepare(self, number: str) -> DeviceGraph:
        from runtime import gpu

        subject = self._subject
        if number == "int8":
            return gpu.DeviceGraph(subject.quantized_graph, self._device, quantized=True)
        return gpu.DeviceGraph(subject.float_graph, self._device, gpu.FLOAT_TYPES[number])
