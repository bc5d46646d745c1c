  // The walk visits every index of the five loops once, the innermost fastest, each within its count: against indices
  // that count up here, level 0 (kx) lowest. Each walker gets the level that goes on (vector_address_walker.svh proves
  // the address that it then gives).
  `include "formal_reset.svh"
  localparam int F_BITS = 12;  // bits of the widest count
  logic f_walking_q;
  logic [LEVELS-1:0] f_end, f_below;  // the level is at its end; all levels below it are
  logic [LEVELS*F_BITS-1:0] f_index_q, f_count_q, f_counts, f_left;
  logic [tpukit_isa::VECTOR_PARAMETERS_BITS-1:0] f_entry_q;

  assign f_counts = {
    F_BITS'(instr_i[tpukit_isa::VECTOR_BLOCKS_LSB+:BLOCKS_BITS]),
    F_BITS'(instr_i[tpukit_isa::VECTOR_Y_COUNT_LSB+:Y_BITS]),
    F_BITS'(instr_i[tpukit_isa::VECTOR_X_COUNT_LSB+:X_BITS]),
    F_BITS'(instr_i[tpukit_isa::VECTOR_KY_COUNT_LSB+:KY_BITS]),
    F_BITS'(instr_i[tpukit_isa::VECTOR_KX_COUNT_LSB+:KX_BITS])
  };
  assign f_left = {F_BITS'(blocks_q), F_BITS'(y_q), F_BITS'(x_q), F_BITS'(ky_q), F_BITS'(kx_q)};
  assign f_below[0] = 1'b1;

  always_ff @(posedge clk_i) begin
    f_walking_q <= rst_ni && (start_i || (f_walking_q && !last_o));
    if (start_i) f_count_q <= f_counts;
    if (start_i) f_entry_q <= instr_i[tpukit_isa::VECTOR_PARAMETERS_LSB+:tpukit_isa::VECTOR_PARAMETERS_BITS];
  end

  for (genvar l = 0; l < LEVELS; l++) begin : g_f_level
    logic [F_BITS-1:0] f_index, f_count, f_rest;

    assign f_index = f_index_q[F_BITS*l+:F_BITS];
    assign f_count = f_count_q[F_BITS*l+:F_BITS];
    assign f_rest = f_count - f_index;
    assign f_end[l] = f_index == f_count;
    if (l > 0) begin : g_f_below
      assign f_below[l] = f_below[l-1] && f_end[l-1];
    end

    always_ff @(posedge clk_i) begin
      if (start_i) f_index_q[F_BITS*l+:F_BITS] <= '0;
      else if (f_walking_q && f_below[l]) f_index_q[F_BITS*l+:F_BITS] <= f_end[l] ? '0 : f_index + 1'b1;
    end
    always_comb begin
      if (f_started_q && f_walking_q) begin
        assert (f_index <= f_count);
        assert (at_end[l] == f_end[l]);
        assert (f_left[F_BITS*l+:F_BITS] == f_rest);
        assert (advance[l] == (f_below[l] && !f_end[l]));
      end
    end
  end

  always_comb begin
    assume (!start_i || !running_o || last_o);  // the engine starts only when nothing walks, or at its last iteration
    if (f_started_q) begin
      assert (running_o == f_walking_q);
      assert (!f_walking_q || last_o == (f_end == '1));
      if (f_walking_q) begin
        assert (kx_start_q == f_count_q[0+:KX_BITS] && ky_start_q == f_count_q[F_BITS+:KY_BITS]);
        assert (x_start_q == f_count_q[2*F_BITS+:X_BITS] && y_start_q == f_count_q[3*F_BITS+:Y_BITS]);
        assert (f_count_q[F_BITS-1:KX_BITS] == '0 && f_count_q[2*F_BITS-1:F_BITS+KY_BITS] == '0);
        assert (f_count_q[5*F_BITS-1:4*F_BITS+BLOCKS_BITS] == '0);
        assert (first_tap_o == (f_index_q[0+:2*F_BITS] == '0));
        assert (last_tap_o == (f_end[1:0] == '1));
        assert (entry_o == f_entry_q + f_index_q[4*F_BITS+:tpukit_isa::VECTOR_PARAMETERS_BITS]);
        assert ((advance & (advance - 1'b1)) == '0);
      end
      cover (last_o && start_i && f_index_q[0+:F_BITS] == 1 && f_index_q[2*F_BITS+:F_BITS] == 1);
    end
  end
