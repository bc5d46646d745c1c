  // The bursts of a line cover it without a gap, in order, and each is legal: 1 to 256 bytes, 1 to 64 beats, within one
  // multiple of 256 bytes (so none crosses 4 KiB), whole beats and no more of them than the bytes need.
  `include "formal_reset.svh"
  logic f_loaded_q;  // an instruction with lines that are not empty is being cut
  logic [31:0] f_line_q;  // address of the line
  logic [LENGTH_BITS-1:0] f_length_q, f_cut_q;  // its bytes; those that earlier bursts cover
  logic [31:0] f_first, f_behind, f_beats_behind;
  logic [8:0] f_to_multiple;
  logic [LENGTH_BITS-1:0] f_rest;

  assign f_first = f_line_q + 32'(f_cut_q);
  assign f_behind = f_first + 32'(burst_bytes_o);
  assign f_beats_behind = burst_address_o + (32'(burst_beats_o) << BEAT_SHIFT);
  assign f_to_multiple = 9'd256 - {1'b0, f_first[7:0]};
  assign f_rest = f_length_q - f_cut_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) f_loaded_q <= 1'b0;
    else if (load_i) begin
      f_loaded_q <= length_i != '0;
      f_line_q   <= address_i;
      f_length_q <= length_i;
      f_cut_q    <= '0;
    end else if (step_i && f_loaded_q) begin
      f_loaded_q <= !last_o;
      f_cut_q    <= line_last_o ? '0 : f_cut_q + LENGTH_BITS'(burst_bytes_o);
      if (line_last_o) f_line_q <= line_next;  // line_address.svh proves which address that is
    end
  end

  always_comb begin
    assume (!step_i || load_i || f_loaded_q);
    if (f_started_q && f_loaded_q) begin
      assert (length_q == f_length_q);
      assert (f_cut_q < f_length_q);
      assert (left_q == f_rest);
      assert (position_q == f_first);
      assert (burst_bytes_o >= 9'd1 && burst_bytes_o <= 9'd256);
      assert (burst_offset_o == f_first[7:0]);
      assert (9'(burst_bytes_o) <= f_to_multiple && LENGTH_BITS'(burst_bytes_o) <= f_rest);
      assert (burst_bytes_o == f_to_multiple || LENGTH_BITS'(burst_bytes_o) == f_rest);
      assert (line_first_o == (f_cut_q == '0));
      assert (line_last_o == (LENGTH_BITS'(burst_bytes_o) == f_rest));
      assert (burst_beats_o >= 7'd1 && burst_beats_o <= 7'd64);
      assert (burst_address_o == {f_first[31:BEAT_SHIFT], {BEAT_SHIFT{1'b0}}});
      assert (f_beats_behind - f_behind < 32'(BUS_BYTES));
      assert ({1'b0, burst_address_o[7:0]} + 9'(burst_beats_o << BEAT_SHIFT) <= 9'd256);
      assert (last_o == (line_last_o && line_counter_last));
      cover (line_last_o && !line_first_o && f_cut_q > 256);
      cover (last_o && !line_first_o && burst_beats_o == 7'(256 / BUS_BYTES));
    end
  end
