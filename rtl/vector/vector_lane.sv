// One lane (channel) of the vector engine: taps, bias, requantization, clamp, then residual addition or table, a tap every
// cycle. A number in a port's name is the stage, the cycles since the read of the tap, in which it is given.
//
//   stage   1     2        3        4        5       6 7 8 9     10      11 12 13 14   15    16 17 18 19   20
//           data  centred  product  reduced  + bias  requantize  clamp   requantize   sum   requantize    clamp
//           a b                                       (L M H R)   value   (A and B)                        value_20_o
//
// A look-up has the table memory's address in stage 10 (the clamped value), its word in stage 11, where the byte is
// selected, and the result in stage 12; there it waits up to stage 19, where a residual addition ends: one latency.
// The requantization of stages 6 to 9 passes the value through where `rescale` is 0 (multiplier 2**31).
module vector_lane #(
    parameter int ROWS    = 16,  // rows of the systolic array
    parameter int COLUMNS = 16,  // lanes
    localparam int B      = ROWS > COLUMNS ? ROWS : COLUMNS  // bytes of a word of the table memory
) (
    input  logic        clk_i,               // clock
    input  logic        table_wen_i,         // table memory: write
    input  logic [17:0] table_addr_i,        // table memory: word address
    input  logic [8*B-1:0] table_wdata_i,    // table memory: data
    input  logic [ 7:0] a_1_i,               // operand A from the scratchpad, int8
    input  logic [31:0] accumulator_1_i,     // operand A from the accumulators, int32
    input  logic [ 7:0] b_1_i,               // operand B, int8
    input  logic        from_accumulator_1_i,// 1: A is the accumulators'
    input  logic [ 7:0] a_zero_point_1_i,    // subtracted from the scratchpad's A, int8
    input  logic [ 7:0] b_zero_point_1_i,    // subtracted from B, int8
    input  logic        first_3_i,           // the result's first tap
    input  logic        maximum_3_i,         // taps are combined by maximum, else by addition
    input  logic        multiply_3_i,        // a tap is A * B, else A
    input  logic [31:0] bias_4_i,            // added to the result of the taps, int32
    input  logic [ 4:0] left_5_i,            // left shift
    input  logic [31:0] multiplier_6_i,      // multiplier, at most 2**31
    input  logic [ 4:0] right_8_i,           // right shift
    input  logic [ 7:0] offset_9_i,          // added after requantization, int8
    input  logic [ 7:0] low_9_i,             // lower clamp, int8
    input  logic [ 7:0] high_9_i,            // upper clamp, int8
    input  logic [ 7:0] zero_point_10_i,     // subtracted before the residual addition, int8
    input  logic [ 4:0] a_left_10_i,         // residual addition: left shift of the first operand
    input  logic [ 4:0] b_left_10_i,         // and of the second (B)
    input  logic [31:0] a_multiplier_11_i,   // multiplier of the first operand
    input  logic [31:0] b_multiplier_11_i,   // and of the second
    input  logic [ 4:0] a_right_13_i,        // right shift of the first operand
    input  logic [ 4:0] b_right_13_i,        // and of the second
    input  logic        look_up_10_i,        // 1: the value is looked up in a table (never with the residual addition)
    input  logic        table_10_i,          // table
    input  logic        subtract_14_i,       // 1: the second operand is subtracted from the first
    input  logic [ 4:0] out_left_15_i,       // left shift of the sum
    input  logic [31:0] out_multiplier_16_i, // multiplier of the sum
    input  logic [ 4:0] out_right_18_i,      // right shift of the sum
    input  logic [ 7:0] out_zero_point_19_i, // added to the sum, int8
    input  logic [ 7:0] out_low_19_i,        // lower clamp of the sum, int8
    input  logic [ 7:0] out_high_19_i,       // upper clamp of the sum, int8
    input  logic        use_residual_19_i,   // 1: the result is the sum, else the value of stage 12
    output logic [ 7:0] value_20_o           // result of the taps up to that of 20 cycles ago, int8
);
  // Taps
  logic signed [31:0] a_2_d, a_2_q, a_3_q;
  logic signed [8:0] b_2_d, b_2_q;
  logic signed [17:0] product_3_q;
  logic signed [31:0] term, reduced_4_d, reduced_4_q;
  logic [31:0] biased_5_q;
  logic        take;

  always_comb begin
    a_2_d = $signed(accumulator_1_i);
    if (!from_accumulator_1_i) a_2_d = 32'($signed(a_1_i)) - 32'($signed(a_zero_point_1_i));
    b_2_d = 9'($signed(b_1_i)) - 9'($signed(b_zero_point_1_i));
    term = multiply_3_i ? 32'(product_3_q) : a_3_q;
    take = first_3_i || term > reduced_4_q;
    if (maximum_3_i) reduced_4_d = take ? term : reduced_4_q;
    else reduced_4_d = (first_3_i ? 32'sd0 : reduced_4_q) + term;
  end

  always_ff @(posedge clk_i) begin
    a_2_q       <= a_2_d;
    b_2_q       <= b_2_d;
    a_3_q       <= a_2_q;
    product_3_q <= 18'($signed(a_2_q[8:0])) * 18'(b_2_q);
    reduced_4_q <= reduced_4_d;
    biased_5_q  <= reduced_4_q + bias_4_i;
  end

  // Requantization, zero point and clamp
  logic [31:0] quotient_9;
  logic        round_9;
  logic [7:0] value_10_d, value_10_q;

  requantize u_main (
      .clk_i,
      .value_i(biased_5_q),
      .left_i(left_5_i),
      .multiplier_i(multiplier_6_i),
      .right_i(right_8_i),
      .quotient_o(quotient_9),
      .round_o(round_9)
  );
  vector_clamp u_clamp (
      .quotient_i(quotient_9),
      .round_i(round_9),
      .zero_point_i(offset_9_i),
      .low_i(low_9_i),
      .high_i(high_9_i),
      .value_o(value_10_d)
  );
  always_ff @(posedge clk_i) value_10_q <= value_10_d;

  // Residual addition
  logic [8:0] b_10;
  logic signed [8:0] first_10;
  logic [31:0] a_quotient_14, b_quotient_14, second_14, sum_15_q, out_quotient_19;
  logic a_round_14, b_round_14, out_round_19;
  logic [7:0] value_19, out_value_20_d, value_20_q;

  vector_delay #(.WIDTH(9), .CYCLES(8)) u_b (
      .clk_i,
      .data_i(b_2_q),
      .data_o(b_10)
  );
  assign first_10 = 9'($signed(value_10_q)) - 9'($signed(zero_point_10_i));
  requantize_narrow u_a (
      .clk_i,
      .value_i(first_10),
      .left_i(a_left_10_i),
      .multiplier_i(a_multiplier_11_i),
      .right_i(a_right_13_i),
      .quotient_o(a_quotient_14),
      .round_o(a_round_14)
  );
  requantize_narrow u_second (
      .clk_i,
      .value_i(b_10),
      .left_i(b_left_10_i),
      .multiplier_i(b_multiplier_11_i),
      .right_i(b_right_13_i),
      .quotient_o(b_quotient_14),
      .round_o(b_round_14)
  );
  assign second_14 = b_quotient_14 + {31'd0, b_round_14};
  always_ff @(posedge clk_i) begin
    sum_15_q <= a_quotient_14 + {31'd0, a_round_14} + (subtract_14_i ? -second_14 : second_14);
  end
  requantize u_out (
      .clk_i,
      .value_i(sum_15_q),
      .left_i(out_left_15_i),
      .multiplier_i(out_multiplier_16_i),
      .right_i(out_right_18_i),
      .quotient_o(out_quotient_19),
      .round_o(out_round_19)
  );
  vector_clamp u_out_clamp (
      .quotient_i(out_quotient_19),
      .round_i(out_round_19),
      .zero_point_i(out_zero_point_19_i),
      .low_i(out_low_19_i),
      .high_i(out_high_19_i),
      .value_o(out_value_20_d)
  );

  // Table
  logic look_up_11_q;
  logic [7:0] value_11_q, entry_11, value_12_q;

  table_memory #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS)
  ) u_table (
      .clk_i,
      .wen_i(table_wen_i),
      .waddr_i(table_addr_i),
      .wdata_i(table_wdata_i),
      .read_i(look_up_10_i),
      .table_i(table_10_i),
      .index_i(value_10_q),
      .entry_o(entry_11)
  );
  always_ff @(posedge clk_i) begin
    look_up_11_q <= look_up_10_i;
    value_11_q   <= value_10_q;
    value_12_q   <= look_up_11_q ? entry_11 : value_11_q;
  end

  // Result
  vector_delay #(.WIDTH(8), .CYCLES(7)) u_value (
      .clk_i,
      .data_i(value_12_q),
      .data_o(value_19)
  );
  always_ff @(posedge clk_i) value_20_q <= use_residual_19_i ? out_value_20_d : value_19;
  assign value_20_o = value_20_q;
endmodule
