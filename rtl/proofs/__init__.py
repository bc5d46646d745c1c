"""Formal proofs about the Verilog: `python -m rtl.proofs` (docs/proofs.md)."""
