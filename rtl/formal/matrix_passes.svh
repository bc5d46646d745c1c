  // The passes of an instruction in order: the address is a + block*block_stride + t2*stride2 + t1*stride1 + t0*stride0
  // modulo 2**18, with indices that count up here, each within its count. A product is kept as
  // its definition has it: the stride added once a step of the index, zero where the index is.
  logic f_started_q;  // a start has been seen; before it there is no pass
  logic [17:0] f_t0_q, f_t1_q, f_t2_q, f_block_q;  // indices of the pass
  logic [17:0] f_count0_q, f_count1_q, f_count2_q, f_blocks_q;
  logic [17:0] f_base_q, f_along3, f_along2, f_along1, f_along0;
  logic [15:0] f_accumulator_q, f_accumulator;
  logic [17:0] f_product0_q, f_product1_q, f_product2_q, f_product3_q;
  logic [15:0] f_rows_q;
  logic f_end0, f_end1, f_end2, f_end3;
  logic [17:0] f_left0, f_left1, f_left2, f_left3;

  initial f_started_q = 1'b0;

  assign f_end0 = f_t0_q == f_count0_q;
  assign f_end1 = f_t1_q == f_count1_q;
  assign f_end2 = f_t2_q == f_count2_q;
  assign f_end3 = f_block_q == f_blocks_q;
  assign f_left0 = f_count0_q - f_t0_q;
  assign f_left1 = f_count1_q - f_t1_q;
  assign f_left2 = f_count2_q - f_t2_q;
  assign f_left3 = f_blocks_q - f_block_q;
  assign f_along3 = f_base_q + f_product3_q;
  assign f_along2 = f_along3 + f_product2_q;
  assign f_along1 = f_along2 + f_product1_q;
  assign f_along0 = f_along1 + f_product0_q;
  assign f_accumulator = f_accumulator_q + f_rows_q;

  always_ff @(posedge clk_i) begin
    f_started_q <= f_started_q || start_i;
    if (start_i) begin
      {f_t0_q, f_t1_q, f_t2_q, f_block_q} <= '0;
      {f_product0_q, f_product1_q, f_product2_q, f_product3_q, f_rows_q} <= '0;
      f_base_q <= instr_i[tpukit_isa::MATRIX_A_LSB+:tpukit_isa::MATRIX_A_BITS];
      f_accumulator_q <= instr_i[tpukit_isa::MATRIX_ACCUMULATOR_LSB+:tpukit_isa::MATRIX_ACCUMULATOR_BITS];
      f_count0_q <= 18'(instr_i[tpukit_isa::MATRIX_TAP_COUNT0_LSB+:tpukit_isa::MATRIX_TAP_COUNT0_BITS]);
      f_count1_q <= 18'(instr_i[tpukit_isa::MATRIX_TAP_COUNT1_LSB+:tpukit_isa::MATRIX_TAP_COUNT1_BITS]);
      f_count2_q <= 18'(instr_i[tpukit_isa::MATRIX_TAP_COUNT2_LSB+:tpukit_isa::MATRIX_TAP_COUNT2_BITS]);
      f_blocks_q <= 18'(instr_i[tpukit_isa::MATRIX_BLOCKS_LSB+:tpukit_isa::MATRIX_BLOCKS_BITS]);
    end else if (step_i) begin
      f_t0_q <= f_end0 ? '0 : f_t0_q + 1'b1;
      if (f_end0) f_t1_q <= f_end1 ? '0 : f_t1_q + 1'b1;
      if (f_end0 && f_end1) f_t2_q <= f_end2 ? '0 : f_t2_q + 1'b1;
      if (f_end0 && f_end1 && f_end2) f_block_q <= f_block_q + 1'b1;
      f_product0_q <= f_end0 ? '0 : f_product0_q + stride0_q;
      if (f_end0) f_product1_q <= f_end1 ? '0 : f_product1_q + stride1_q;
      if (f_end0 && f_end1) f_product2_q <= f_end2 ? '0 : f_product2_q + stride2_q;
      if (f_end0 && f_end1 && f_end2) begin
        f_product3_q <= f_product3_q + block_stride_q;
        f_rows_q     <= f_rows_q + accumulator_stride_q;
      end
    end
  end

  always_comb begin
    assume (!step_i || start_i || (f_started_q && !last_o));  // nobody steps beyond the last pass
    if (f_started_q) begin
      assert (f_t0_q <= f_count0_q && f_t1_q <= f_count1_q && f_t2_q <= f_count2_q && f_block_q <= f_blocks_q);
      assert (18'(count0_q) == f_count0_q && 18'(count1_q) == f_count1_q && 18'(count2_q) == f_count2_q);
      assert (18'(left0_q) == f_left0 && 18'(left1_q) == f_left1);
      assert (18'(left2_q) == f_left2 && 18'(blocks_q) == f_left3);
      assert (pass3_q == f_along3);
      assert (pass2_q == f_along2);
      assert (pass1_q == f_along1);
      assert (address_o == f_along0);
      assert (accumulator_o == f_accumulator);
      assert (first_tap_o == (f_t0_q == '0 && f_t1_q == '0 && f_t2_q == '0));
      assert (last_o == (f_end0 && f_end1 && f_end2 && f_end3));
      cover (last_o && f_t0_q == 1 && f_t1_q == 1 && f_block_q == 1);
    end
  end
