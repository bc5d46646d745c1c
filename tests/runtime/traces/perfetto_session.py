"""A trace in Perfetto's trace processor, by PyPI's `perfetto`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perfetto.trace_processor import TraceProcessor

CHUNK_BYTES = 1 << 22


class Session:
    """SQL on a trace."""

    def __init__(self, processor: TraceProcessor) -> None:
        self._processor = processor

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query, columns in the order of their names in the query."""
        return [tuple(vars(row).values()) for row in self._processor.query(sql)]


@contextmanager
def open_session(socket: Path, trace: Path) -> Iterator[Session]:
    """Connect to a trace processor's socket and load a trace.

    The package's client queries what a session has loaded; the two messages that load it are sent here.
    """
    processor = TraceProcessor(remote=str(socket))
    try:
        protos, transport = processor.protos, processor.http.transport
        methods = protos.TraceProcessorRpc

        def ask(method: int, data: bytes = b"") -> Any:
            stream = protos.TraceProcessorRpcStream()
            message = stream.msg.add(request=method)
            if data:
                message.append_trace_data = data
            transport.send(stream.SerializeToString())
            return methods.FromString(processor.http._read_payload())

        data = trace.read_bytes()
        for start in range(0, len(data), CHUNK_BYTES):
            result = ask(methods.TPM_APPEND_TRACE_DATA, data[start : start + CHUNK_BYTES]).append_result
            assert not result.error, result.error
        result = ask(methods.TPM_FINALIZE_TRACE_DATA).finalize_data_result
        assert not result.error, result.error
        yield Session(processor)
    finally:
        processor.close()
