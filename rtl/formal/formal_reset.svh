  // Every proof begins with a reset. Later resets may come at any time.
  logic f_started_q;
  initial f_started_q = 1'b0;
  always_ff @(posedge clk_i) f_started_q <= 1'b1;
  always_comb assume (f_started_q || !rst_ni);
