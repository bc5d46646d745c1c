"""From a float graph and calibration data to an int8 graph."""
