"""A profile for the tools that people already have: Chrome and Perfetto, TensorBoard (docs/traces.md)."""
