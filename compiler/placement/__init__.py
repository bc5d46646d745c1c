"""Placement: which nodes of the fused float graph the accelerator executes, and which the host."""
