// The passes of a matrix instruction in order: blocks outer, then taps t2, t1, t0 inner, and the address of each pass's
// first row, by additions only: each level keeps the address where its present iteration began.
//
//   cycle           t     t+1           t+2
//   start_i         1
//   step_i                1             1
//   address_o             pass 0        pass 1        (t+3: pass 2)
module matrix_passes (
    input  logic                                    clk_i,         // clock
    input  logic                                    start_i,       // begin instr_i in the next cycle (wins over step_i)
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,       // the instruction, given with start_i
    input  logic                                    step_i,        // go on to the next pass
    output logic [    tpukit_isa::ADDRESS_BITS-1:0] address_o,     // granule of the pass's first row
    output logic [                            15:0] accumulator_o, // its first accumulator row
    output logic                                    first_tap_o,   // it is the first pass of its block
    output logic                                    last_o         // it is the instruction's last pass
);
  localparam int ADDRESS_BITS = tpukit_isa::ADDRESS_BITS;

  // Passes that are left after this one, for each level; where each level's iteration began (level 0: the pass).
  logic [tpukit_isa::MATRIX_TAP_COUNT0_BITS-1:0] left0_q, left0_d, count0_q;
  logic [tpukit_isa::MATRIX_TAP_COUNT1_BITS-1:0] left1_q, left1_d, count1_q;
  logic [tpukit_isa::MATRIX_TAP_COUNT2_BITS-1:0] left2_q, left2_d, count2_q;
  logic [tpukit_isa::MATRIX_BLOCKS_BITS-1:0] blocks_q, blocks_d;
  logic [ADDRESS_BITS-1:0] stride0_q, stride1_q, stride2_q, block_stride_q;
  logic [ADDRESS_BITS-1:0] pass0_q, pass0_d, pass1_q, pass1_d, pass2_q, pass2_d, pass3_q, pass3_d;
  logic [15:0] accumulator_q, accumulator_d, accumulator_stride_q;
  logic first_tap_q, first_tap_d;
  logic unused;

  assign unused = &{1'b0, instr_i};
  assign address_o = pass0_q;
  assign accumulator_o = accumulator_q;
  assign first_tap_o = first_tap_q;
  assign last_o = left0_q == '0 && left1_q == '0 && left2_q == '0 && blocks_q == '0;

  always_comb begin
    left0_d = left0_q;
    left1_d = left1_q;
    left2_d = left2_q;
    blocks_d = blocks_q;
    pass0_d = pass0_q;
    pass1_d = pass1_q;
    pass2_d = pass2_q;
    pass3_d = pass3_q;
    accumulator_d = accumulator_q;
    first_tap_d = first_tap_q;
    if (step_i) begin
      first_tap_d = 1'b0;
      if (left0_q != '0) begin
        left0_d = left0_q - 1'b1;
        pass0_d = pass0_q + stride0_q;
      end else begin
        left0_d = count0_q;
        if (left1_q != '0) begin
          left1_d = left1_q - 1'b1;
          pass1_d = pass1_q + stride1_q;
          pass0_d = pass1_d;
        end else begin
          left1_d = count1_q;
          if (left2_q != '0) begin
            left2_d = left2_q - 1'b1;
            pass2_d = pass2_q + stride2_q;
            pass1_d = pass2_d;
            pass0_d = pass2_d;
          end else begin
            left2_d = count2_q;
            blocks_d = blocks_q - 1'b1;
            pass3_d = pass3_q + block_stride_q;
            pass2_d = pass3_d;
            pass1_d = pass3_d;
            pass0_d = pass3_d;
            accumulator_d = accumulator_q + accumulator_stride_q;
            first_tap_d = 1'b1;
          end
        end
      end
    end
    if (start_i) begin
      left0_d = instr_i[tpukit_isa::MATRIX_TAP_COUNT0_LSB+:tpukit_isa::MATRIX_TAP_COUNT0_BITS];
      left1_d = instr_i[tpukit_isa::MATRIX_TAP_COUNT1_LSB+:tpukit_isa::MATRIX_TAP_COUNT1_BITS];
      left2_d = instr_i[tpukit_isa::MATRIX_TAP_COUNT2_LSB+:tpukit_isa::MATRIX_TAP_COUNT2_BITS];
      blocks_d = instr_i[tpukit_isa::MATRIX_BLOCKS_LSB+:tpukit_isa::MATRIX_BLOCKS_BITS];
      pass3_d = instr_i[tpukit_isa::MATRIX_A_LSB+:tpukit_isa::MATRIX_A_BITS];
      pass2_d = pass3_d;
      pass1_d = pass3_d;
      pass0_d = pass3_d;
      accumulator_d = instr_i[tpukit_isa::MATRIX_ACCUMULATOR_LSB+:tpukit_isa::MATRIX_ACCUMULATOR_BITS];
      first_tap_d = 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) begin
      count0_q <= left0_d;
      count1_q <= left1_d;
      count2_q <= left2_d;
      stride0_q <= instr_i[tpukit_isa::MATRIX_TAP_STRIDE0_LSB+:tpukit_isa::MATRIX_TAP_STRIDE0_BITS];
      stride1_q <= instr_i[tpukit_isa::MATRIX_TAP_STRIDE1_LSB+:tpukit_isa::MATRIX_TAP_STRIDE1_BITS];
      stride2_q <= instr_i[tpukit_isa::MATRIX_TAP_STRIDE2_LSB+:tpukit_isa::MATRIX_TAP_STRIDE2_BITS];
      block_stride_q <= instr_i[tpukit_isa::MATRIX_BLOCK_STRIDE_LSB+:tpukit_isa::MATRIX_BLOCK_STRIDE_BITS];
      accumulator_stride_q <=
          instr_i[tpukit_isa::MATRIX_ACCUMULATOR_STRIDE_LSB+:tpukit_isa::MATRIX_ACCUMULATOR_STRIDE_BITS];
    end
    left0_q <= left0_d;
    left1_q <= left1_d;
    left2_q <= left2_d;
    blocks_q <= blocks_d;
    pass0_q <= pass0_d;
    pass1_q <= pass1_d;
    pass2_q <= pass2_d;
    pass3_q <= pass3_d;
    accumulator_q <= accumulator_d;
    first_tap_q <= first_tap_d;
  end

`ifdef FORMAL_MATRIX_PASSES
  `include "matrix_passes.svh"
`endif
endmodule
