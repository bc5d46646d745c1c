"""The machine, defined once: configuration, instruction set, numerics, register map, program file."""
