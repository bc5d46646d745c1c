"""A small network that reads 8x8 digits: its model file, its data, and the script that made both."""
