"""From a model file or a Python graph to a program file: the front half in `compiler.front`."""
