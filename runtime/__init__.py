"""Programs, sessions, backends (sim, rtl, reference, cpu), co-simulation and the command line."""
