// The burst that begins at a byte of a line: up to the next multiple of 256 bytes, or to the line's end. Combinational.
module burst_shape #(
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int LENGTH_BITS = 20   // bits of a line's length in bytes, at least 10
) (
    input  logic [            7:0] offset_i,     // its first byte, modulo 256
    input  logic [LENGTH_BITS-1:0] left_i,       // bytes of the line from there on
    output logic                   line_last_o,  // it is the line's last
    output logic [            8:0] bytes_o,      // its bytes, 1 to 256
    output logic [            6:0] beats_o       // its beats, 1 to 64
);
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);

  logic [8:0] room, first_beat, end_beat;

  assign room        = 9'(tpukit_isa::BURST_BYTES) - {1'b0, offset_i};
  assign line_last_o = left_i <= LENGTH_BITS'(room);
  assign bytes_o     = line_last_o ? left_i[8:0] : room;
  assign first_beat  = {1'b0, offset_i} >> BEAT_SHIFT;
  assign end_beat    = 9'((10'(offset_i) + 10'(left_i[8:0]) + 10'(BUS_BYTES - 1)) >> BEAT_SHIFT);
  assign beats_o     = 7'((line_last_o ? end_beat : 9'(tpukit_isa::BURST_BYTES / BUS_BYTES)) - first_beat);
endmodule
