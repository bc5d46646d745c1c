  // The queue gives back what was pushed, in order, against a queue that shifts: entry 0 is the oldest.
  `include "formal_reset.svh"
  logic [DEPTH-1:0][WIDTH-1:0] f_model_q;
  logic [PointerBits:0] f_count_q, f_index;
  logic [PointerBits-1:0] f_write;

  assign f_index = f_count_q - {{PointerBits{1'b0}}, pop_i};
  assign f_write = read_q + f_count_q[PointerBits-1:0] - 1'b1;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) f_count_q <= '0;
    else begin
      if (push_i && !pop_i) f_count_q <= f_count_q + 1'b1;
      if (pop_i && !push_i) f_count_q <= f_count_q - 1'b1;
      if (pop_i) f_model_q <= f_model_q >> WIDTH;
      if (push_i) f_model_q[f_index[PointerBits-1:0]] <= data_i;
    end
  end

  always_comb begin
    assume (!push_i || !full_o);
    assume (!pop_i || valid_o);
    if (f_started_q) begin
      assert (32'(f_count_q) <= DEPTH);
      assert (count_q == f_count_q);
      assert (valid_o == (f_count_q != '0));
      assert (full_o == (32'(f_count_q) == DEPTH));
      assert (!valid_o || head_o == f_model_q[0]);
      assert (write_q == (f_count_q == '0 ? read_q : f_write));
      cover (full_o && read_q == 2);
      cover (pop_i && push_i && f_count_q == 1);
    end
  end

  for (genvar entry = 1; entry < DEPTH; entry++) begin : g_f_entry
    logic [PointerBits-1:0] f_place;

    assign f_place = read_q + PointerBits'(entry - 1);
    always_comb begin
      if (f_started_q && 32'(f_count_q) > entry) assert (memory[f_place] == f_model_q[entry]);
    end
  end
