// What a segment of a line needs and frees, in beats (docs/units/load.md). Combinational.
module load_segment #(
    parameter int BUS_BYTES = 16  // bytes of a beat
) (
    input  logic [        $clog2(BUS_BYTES)-1:0] offset_i,      // the line's first byte in its first beat
    input  logic [                         16:0] words_i,       // words of the line from the segment's first on
    input  logic [tpukit_isa::LOAD_LINE_BYTES_BITS-1:0] line_bytes_i,  // bytes of the line
    input  logic [tpukit_isa::LOAD_LINE_BYTES_BITS-1:0] end_i,  // bytes of it that the segment needs, were it 16 words
    input  logic [tpukit_isa::LOAD_LINE_BYTES_BITS:0] after_i,  // bytes of it before the window of the word after those
    output logic                                 last_o,        // it is the line's last segment
    output logic [tpukit_isa::LOAD_LINE_BYTES_BITS-1:0] line_beats_o,  // beats of the line
    output logic [tpukit_isa::LOAD_LINE_BYTES_BITS-1:0] needed_o,  // beats of it that the segment needs
    output logic [tpukit_isa::LOAD_LINE_BYTES_BITS-1:0] passed_o  // beats of it that are free after the segment
);
  localparam int BITS = tpukit_isa::LOAD_LINE_BYTES_BITS + 2;
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);

  logic [BITS-1:0] round_up, line_end, needed_end, passed_end, needed, passed, line_beats;
  logic unused;

  assign round_up   = BITS'(offset_i) + BITS'(BUS_BYTES - 1);
  assign line_end   = BITS'(line_bytes_i) + round_up;
  assign needed_end = BITS'(end_i) + round_up;
  assign passed_end = BITS'(after_i) + BITS'(offset_i);
  assign line_beats = line_bytes_i == '0 ? '0 : line_end >> BEAT_SHIFT;
  assign needed     = end_i == '0 ? '0 : needed_end >> BEAT_SHIFT;
  assign passed     = passed_end >> BEAT_SHIFT;

  assign last_o       = words_i <= 17'(tpukit_isa::SEGMENT_WORDS);
  assign line_beats_o = line_beats[BITS-3:0];
  assign needed_o     = last_o ? line_beats_o : needed[BITS-3:0];
  assign passed_o     = last_o ? line_beats_o : passed > needed ? needed[BITS-3:0] : passed[BITS-3:0];
  assign unused       = ^{line_beats[BITS-1:BITS-2], needed[BITS-1:BITS-2], passed[BITS-1:BITS-2]};
endmodule
