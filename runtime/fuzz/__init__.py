"""Random programs on random machines, compared: what is drawn, how two outcomes differ, what has been covered."""
