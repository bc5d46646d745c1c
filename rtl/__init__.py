"""The machine in Verilog, and what builds, lints, synthesises and drives it in simulation."""
