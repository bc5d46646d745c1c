"""Kernels by hand: assembly text, and Python files whose kernels go from a first version to a fast one.

docs/kernels.md follows them step by step. `tpukit kernel examples/kernels/matmul.py` runs the versions of one file.
"""
