"""From an ONNX model to the compiler's graph, and back for float graphs."""

from compiler.importer.onnx_import import import_onnx

__all__ = ["import_onnx"]
