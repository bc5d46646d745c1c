"""Passes over the float graph: one pass, one file, one frozen dataclass with a `name` and `apply`."""
