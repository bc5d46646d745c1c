"""The command line: `tpukit COMMAND`."""
