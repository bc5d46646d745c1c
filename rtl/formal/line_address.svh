  // The address is base + index1 stride1 + index2 stride2 + index3 stride3, modulo 2**WIDTH, with the indices that the
  // wraps of a line_counter describe. A product is kept as its definition has it: the stride added once a step of the
  // index, zero where the index is; each dimension's sum is kept apart.
  `include "formal_reset.svh"
  logic [WIDTH-1:0] f_base_q, f_stride1_q, f_stride2_q, f_stride3_q, f_sum1_q, f_sum2_q, f_sum3_q;
  logic [WIDTH-1:0] f_along3, f_along2;

  assign f_along3 = f_base_q + f_sum3_q;
  assign f_along2 = f_along3 + f_sum2_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      {f_base_q, f_stride1_q, f_stride2_q, f_stride3_q, f_sum1_q, f_sum2_q, f_sum3_q} <= '0;
    end else if (load_i) begin
      {f_sum1_q, f_sum2_q, f_sum3_q} <= '0;
      {f_base_q, f_stride1_q, f_stride2_q, f_stride3_q} <= {base_i, stride1_i, stride2_i, stride3_i};
    end else if (step_i) begin
      f_sum1_q <= wrap1_i ? '0 : f_sum1_q + f_stride1_q;
      if (wrap1_i) f_sum2_q <= wrap2_i ? '0 : f_sum2_q + f_stride2_q;
      if (wrap2_i) f_sum3_q <= f_sum3_q + f_stride3_q;
    end
  end

  always_comb begin
    assume (wrap1_i || !wrap2_i);  // line_counter.svh proves it
    if (f_started_q) begin
      assert (stride1_q == f_stride1_q && stride2_q == f_stride2_q && stride3_q == f_stride3_q);
      assert (base3_q == f_along3);
      assert (base2_q == f_along2);
      assert (address_o == f_along2 + f_sum1_q);
      cover (f_sum1_q == 1 && f_sum2_q == 2 && f_sum3_q == 3);
    end
  end
