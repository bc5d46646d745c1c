"""The Python interface, by example."""
