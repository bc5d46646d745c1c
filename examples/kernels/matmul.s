# A 8x8 by 8x4 product on nano4: two reduction tiles of 4, requantized to int8.
#   activations: 8 rows of 8 bytes at 0x400 (two blocks of 4 channels: block, row, channel)
#   weights: two 4x4 tiles at 0x500; parameters (bias, multiplier, shifts of 4 channels) at 0x600
.memory 8192
.random 0x400 64 1
.random 0x500 32 2
# bias 0 -8 16 100; multiplier 2**30 (times one half); right shift 6
.data 0x600 00 00 00 00 f8 ff ff ff 10 00 00 00 64 00 00 00
.data 0x610 00 00 00 40 00 00 00 40 00 00 00 40 00 00 00 40
.data 0x620 00 06 00 00 00 06 00 00 00 06 00 00 00 06 00 00
weights memory_address=0x500 tiles=2
load memory_address=0x400 line_bytes=64 words=16 window_bytes=4 window_stride=4 send=matrix
load space=1 memory_address=0x600 line_bytes=48 words=12 window_bytes=4 window_stride=4 send=vector
matrix a_span=7 row_count0=8 row_stride0=1 tap_count0=2 tap_stride0=8 zero_point=3 wait=load send=vector
vector source=1 rescale=1 x_count=8 a_span=7 a_x_stride=1 d=1024 d_span=7 d_x_stride=1 low=-128 high=127 wait=load+matrix send=store
store memory_address=0x800 source=1024 words=8 word_stride=1 source_span=7 window_bytes=4 wait=vector
halt
