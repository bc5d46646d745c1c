  // The three indices of the line, counted up here: they stay within their counts, the innermost runs fastest, and the
  // wraps say where they are at their ends.
  `include "formal_reset.svh"
  logic [11:0] f_index1_q, f_index2_q, f_index3_q, f_count1_q, f_count2_q, f_count3_q;
  logic f_end1, f_end2, f_end3;

  assign f_end1 = f_index1_q == f_count1_q;
  assign f_end2 = f_index2_q == f_count2_q;
  assign f_end3 = f_index3_q == f_count3_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {f_index1_q, f_index2_q, f_index3_q, f_count1_q, f_count2_q, f_count3_q} <= '0;
    end else if (load_i) begin
      {f_index1_q, f_index2_q, f_index3_q} <= '0;
      {f_count1_q, f_count2_q, f_count3_q} <= {count1_i, count2_i, count3_i};
    end else if (step_i) begin
      f_index1_q <= f_end1 ? '0 : f_index1_q + 1'b1;
      if (f_end1) f_index2_q <= f_end2 ? '0 : f_index2_q + 1'b1;
      if (f_end1 && f_end2) f_index3_q <= f_index3_q + 1'b1;
    end
  end

  always_comb begin
    assume (!step_i || load_i || !last_o);  // nobody steps beyond the last line
    if (f_started_q) begin
      assert (f_index1_q <= f_count1_q);
      assert (f_index2_q <= f_count2_q);
      assert (f_index3_q <= f_count3_q);
      assert (left1_q == f_count1_q - f_index1_q);
      assert (left2_q == f_count2_q - f_index2_q);
      assert (left3_q == f_count3_q - f_index3_q);
      assert (count1_q == f_count1_q);
      assert (count2_q == f_count2_q);
      assert (wrap1_o == f_end1);
      assert (wrap2_o == (f_end1 && f_end2));
      assert (last_o == (f_end1 && f_end2 && f_end3));
      cover (last_o && f_count1_q == 1 && f_count2_q == 1 && f_count3_q == 1);
    end
  end
