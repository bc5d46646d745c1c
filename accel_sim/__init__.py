"""The simulator: a program -> tensors (function), cycle counts and events (time)."""
