"""The compiler's back half: a quantized graph becomes a race-free instruction list and a memory image."""
