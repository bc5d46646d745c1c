# Memory to memory through the scratchpad of nano4: 64 bytes.
.memory 4096
.random 0x400 64 1
load memory_address=0x400 line_bytes=64 words=16 window_bytes=4 window_stride=4 send=store
store memory_address=0x800 words=16 word_stride=1 source_span=15 window_bytes=4 wait=load
halt
