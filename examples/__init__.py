"""Small networks and programs that come with tpukit, as package data."""
