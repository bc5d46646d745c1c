  // The address is base + the sum of index times stride over the levels, modulo 2**18. A product
  // is kept as its definition has it: the stride added once a step of the index, zero where the index is.
  logic f_started_q;  // a start has been seen; before it there is no address
  logic f_first_q;  // the cycle after a start, in which the strides may still change
  logic [17:0] f_base_q;
  logic [LEVELS*18-1:0] f_strides_q;
  logic [LEVELS*18-1:0] f_product_q, f_sum;  // index times stride; address where the level's present iteration began

  initial f_started_q = 1'b0;

  always_ff @(posedge clk_i) begin
    f_started_q <= f_started_q || start_i;
    f_first_q   <= start_i;
    f_strides_q <= strides_i;
    if (start_i) f_base_q <= base_i;
  end

  always_comb begin
    assume (!f_started_q || f_first_q || strides_i == f_strides_q);
    assume ((advance_i & (advance_i - 1'b1)) == '0);
    assume (f_started_q || advance_i == '0);
    if (f_started_q) begin
      assert (address_o == f_sum[17:0]);
      cover (!f_first_q && address_o == f_base_q + 18'd5 && f_product_q[18+:18] == 3 && f_product_q[17:0] == 2);
    end
  end

  for (genvar l = 0; l < LEVELS; l++) begin : g_f_level
    logic [17:0] f_above;

    if (l == LEVELS - 1) begin : g_f_top
      assign f_above = f_base_q;
    end else begin : g_f_inner
      assign f_above = f_sum[18*(l+1)+:18];
    end
    assign f_sum[18*l+:18] = f_above + f_product_q[18*l+:18];

    always_ff @(posedge clk_i) begin
      if (start_i) f_product_q[18*l+:18] <= '0;
      else if (advance_i[l]) f_product_q[18*l+:18] <= f_product_q[18*l+:18] + strides_i[18*l+:18];
      else if ((advance_i >> l) != '0) f_product_q[18*l+:18] <= '0;
    end
    always_comb if (f_started_q) assert (points_q[18*l+:18] == f_sum[18*l+:18]);
  end
