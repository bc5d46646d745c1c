// Cuts the lines of an instruction into bursts (docs/units/memory.md): at every multiple of 256 bytes, lines in
// program order (d3 outer, d2, d1 inner). One burst a cycle, also from line to line.
//
//   cycle     t      t+1        t+2
//   load_i    1
//   step_i           1          1
//   burst_*          burst 0    burst 1
module burst_cutter #(
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int LENGTH_BITS = 20   // bits of a line's length in bytes, at least 10
) (
    input  logic                   clk_i,            // clock
    input  logic                   rst_ni,           // synchronous reset, active low
    input  logic                   load_i,           // take a new instruction (wins over step_i)
    input  logic [           31:0] address_i,        // byte address of its first line
    input  logic [LENGTH_BITS-1:0] length_i,         // bytes of each line; if zero, no burst_* output has a meaning
    input  logic [           11:0] count1_i,         // lines along dimension 1 (innermost), minus one
    input  logic [           11:0] count2_i,         // lines along dimension 2, minus one
    input  logic [           11:0] count3_i,         // lines along dimension 3, minus one
    input  logic [           31:0] stride1_i,        // bytes from line to line along dimension 1
    input  logic [           31:0] stride2_i,        // along dimension 2
    input  logic [           31:0] stride3_i,        // along dimension 3
    input  logic                   step_i,           // go to the next burst
    output logic [           31:0] burst_address_o,  // address of the burst's first beat
    output logic [            7:0] burst_offset_o,   // the piece's first byte, modulo 256
    output logic [            8:0] burst_bytes_o,    // bytes of the piece, 1 to 256
    output logic [            6:0] burst_beats_o,    // beats of the burst, 1 to 64
    output logic                   line_first_o,     // the burst is the line's first
    output logic                   line_last_o,      // the burst is the line's last
    output logic                   wrap1_o,          // of the line_counter
    output logic                   wrap2_o,          // of the line_counter
    output logic                   last_o            // the burst is the instruction's last
);
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);

  logic [31:0] position_q, position_d, line_next, unused_line_address;
  logic [LENGTH_BITS-1:0] left_q, left_d, length_q;
  logic line_first_q, line_first_d;
  logic line_step, line_counter_last;

  line_counter i_line_counter (
      .clk_i,
      .rst_ni,
      .load_i,
      .count1_i,
      .count2_i,
      .count3_i,
      .step_i(line_step),
      .wrap1_o,
      .wrap2_o,
      .last_o(line_counter_last)
  );

  line_address #(
      .WIDTH(32)
  ) i_line_address (
      .clk_i,
      .rst_ni,
      .load_i,
      .base_i(address_i),
      .stride1_i,
      .stride2_i,
      .stride3_i,
      .step_i(line_step),
      .wrap1_i(wrap1_o),
      .wrap2_i(wrap2_o),
      .address_o(unused_line_address),
      .next_o(line_next)
  );

  // step_i comes at the end of long paths. So the burst after this one is worked out for either case, from registers, and
  // the step only chooses: the next of this line begins at a multiple of 256, the other with the next line.
  logic step_line_last, next_line_last, load_line_last, line_last_q;
  logic [8:0] step_bytes, next_bytes, load_bytes, bytes_q;
  logic [6:0] step_beats, next_beats, load_beats, beats_q;
  logic [LENGTH_BITS-1:0] step_left;

  assign step_left = left_q - LENGTH_BITS'(bytes_q);

  burst_shape #(
      .BUS_BYTES  (BUS_BYTES),
      .LENGTH_BITS(LENGTH_BITS)
  ) i_step (
      .offset_i   (8'd0),
      .left_i     (step_left),
      .line_last_o(step_line_last),
      .bytes_o    (step_bytes),
      .beats_o    (step_beats)
  );
  burst_shape #(
      .BUS_BYTES  (BUS_BYTES),
      .LENGTH_BITS(LENGTH_BITS)
  ) i_next (
      .offset_i   (line_next[7:0]),
      .left_i     (length_q),
      .line_last_o(next_line_last),
      .bytes_o    (next_bytes),
      .beats_o    (next_beats)
  );
  burst_shape #(
      .BUS_BYTES  (BUS_BYTES),
      .LENGTH_BITS(LENGTH_BITS)
  ) i_load (
      .offset_i   (address_i[7:0]),
      .left_i     (length_i),
      .line_last_o(load_line_last),
      .bytes_o    (load_bytes),
      .beats_o    (load_beats)
  );

  assign line_last_o     = line_last_q;
  assign line_first_o    = line_first_q;
  assign last_o          = line_last_q && line_counter_last;
  assign line_step       = step_i && line_last_q;
  assign burst_offset_o  = position_q[7:0];
  assign burst_bytes_o   = bytes_q;
  assign burst_address_o = {position_q[31:BEAT_SHIFT], {BEAT_SHIFT{1'b0}}};
  assign burst_beats_o   = beats_q;

  always_ff @(posedge clk_i) begin
    if (load_i) begin
      line_last_q <= load_line_last;
      bytes_q     <= load_bytes;
      beats_q     <= load_beats;
    end else if (step_i) begin
      line_last_q <= line_last_q ? next_line_last : step_line_last;
      bytes_q     <= line_last_q ? next_bytes : step_bytes;
      beats_q     <= line_last_q ? next_beats : step_beats;
    end
  end

  always_comb begin
    position_d   = position_q;
    left_d       = left_q;
    line_first_d = line_first_q;
    if (load_i) begin
      position_d   = address_i;
      left_d       = length_i;
      line_first_d = 1'b1;
    end else if (step_i && line_last_q) begin
      position_d   = line_next;
      left_d       = length_q;
      line_first_d = 1'b1;
    end else if (step_i) begin
      position_d   = {position_q[31:8] + 24'd1, 8'd0};
      left_d       = step_left;
      line_first_d = 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      position_q   <= '0;
      left_q       <= '0;
      length_q     <= '0;
      line_first_q <= 1'b0;
    end else begin
      position_q   <= position_d;
      left_q       <= left_d;
      line_first_q <= line_first_d;
      if (load_i) length_q <= length_i;
    end
  end

`ifdef FORMAL_BURST_CUTTER
  `include "burst_cutter.svh"
`endif
endmodule
