// The vector engine's pipeline: parameter memory, lanes (each with its tables), and everything of an instruction that travels with a read. A
// number in a port's or signal's name is its stage, the cycles since the read; a read in every cycle, of any
// instruction. Parameters are read by index, each section in the stages before it is used.
//
//   stage  0      1     2       3      4           5       6            8      9      10                20
//          read   data  bias's  taps   + bias      left    multiplier   right  clamp  record's scalars  write
//                       entry          entries of shifts and multipliers              (stages 10 to 19)
module vector_pipeline #(
    parameter int ROWS          = 16,  // rows of the systolic array
    parameter int COLUMNS       = 16,  // lanes
    parameter int PARAM_ENTRIES = 64,  // entries of the parameter memory
    localparam int B            = ROWS > COLUMNS ? ROWS : COLUMNS,  // bytes of a parameter or table word
    localparam int ENTRY_BITS   = $clog2(PARAM_ENTRIES)  // bits of a parameter entry's index
) (
    input  logic                  clk_i,               // clock
    input  logic                  param_wen_i,         // parameter memory: write
    input  logic [          17:0] param_addr_i,        // parameter memory: word address
    input  logic [       8*B-1:0] param_wdata_i,       // parameter memory: data
    input  logic                  table_wen_i,         // table memory: write
    input  logic [          17:0] table_addr_i,        // table memory: word address
    input  logic [       8*B-1:0] table_wdata_i,       // table memory: data
    input  logic                  first_tap_0_i,       // the read is the first tap of a result
    input  logic                  from_accumulator_0_i,// A comes from the accumulators
    input  logic                  maximum_0_i,         // taps are combined by maximum
    input  logic                  multiply_0_i,        // taps are products of A and B
    input  logic                  use_residual_0_i,    // residual addition
    input  logic                  subtract_0_i,        // it subtracts
    input  logic                  look_up_0_i,         // results are looked up in a table
    input  logic                  table_0_i,           // table
    input  logic                  rescale_0_i,         // bias and requantization
    input  logic [           7:0] a_zero_point_0_i,    // subtracted from A unless the reduction is the maximum, int8
    input  logic [           7:0] b_zero_point_0_i,    // subtracted from B, int8
    input  logic [           7:0] zero_point_0_i,      // added after requantization, int8
    input  logic [           7:0] low_0_i,             // lower clamp, int8
    input  logic [           7:0] high_0_i,            // upper clamp, int8
    input  logic [ENTRY_BITS-1:0] entry_0_i,           // entry of the channel parameters
    input  logic [ENTRY_BITS-1:0] record_0_i,          // entry of the residual addition's scalars
    input  logic [ 8*COLUMNS-1:0] a_1_i,               // A read from the scratchpad
    input  logic [ 8*COLUMNS-1:0] b_1_i,               // B read from the scratchpad
    input  logic [32*COLUMNS-1:0] accumulators_1_i,    // A read from the accumulators
    output logic [ 8*COLUMNS-1:0] values_20_o          // results, to be written
);
  localparam logic [31:0] UNITY = 32'h8000_0000;  // the multiplier that passes a value through

  // What travels with the read
  logic from_accumulator_1;
  logic [7:0] a_zero_point_1, b_zero_point_1;
  logic first_3, maximum_3, multiply_3, rescale_3, rescale_4, rescale_5, look_up_10, table_10, subtract_14, use_residual_19;
  logic [ENTRY_BITS-1:0] entry_2, entry_3, entry_4, record_8;
  logic [7:0] offset_9, low_9, high_9, zero_point_9, zero_point_10;

  vector_delay #(
      .WIDTH (17),
      .CYCLES(1)
  ) u_operands (
      .clk_i,
      .data_i({from_accumulator_0_i, maximum_0_i ? 8'd0 : a_zero_point_0_i, b_zero_point_0_i}),
      .data_o({from_accumulator_1, a_zero_point_1, b_zero_point_1})
  );
  vector_delay #(
      .WIDTH (4),
      .CYCLES(3)
  ) u_taps (
      .clk_i,
      .data_i({first_tap_0_i, maximum_0_i, multiply_0_i, rescale_0_i}),
      .data_o({first_3, maximum_3, multiply_3, rescale_3})
  );
  vector_delay #(
      .WIDTH (ENTRY_BITS),
      .CYCLES(2)
  ) u_entry (
      .clk_i,
      .data_i(entry_0_i),
      .data_o(entry_2)
  );
  always_ff @(posedge clk_i) begin
    entry_3   <= entry_2;
    entry_4   <= entry_3;
    rescale_4 <= rescale_3;
    rescale_5 <= rescale_4;
  end
  vector_delay #(
      .WIDTH (ENTRY_BITS),
      .CYCLES(8)
  ) u_record (
      .clk_i,
      .data_i(record_0_i),
      .data_o(record_8)
  );
  vector_delay #(
      .WIDTH (32),
      .CYCLES(9)
  ) u_clamp (
      .clk_i,
      .data_i({rescale_0_i ? zero_point_0_i : 8'd0, low_0_i, high_0_i, zero_point_0_i}),
      .data_o({offset_9, low_9, high_9, zero_point_9})
  );
  always_ff @(posedge clk_i) zero_point_10 <= zero_point_9;
  vector_delay #(
      .WIDTH (2),
      .CYCLES(10)
  ) u_tables (
      .clk_i,
      .data_i({look_up_0_i, table_0_i}),
      .data_o({look_up_10, table_10})
  );
  vector_delay #(
      .WIDTH (1),
      .CYCLES(14)
  ) u_subtract (
      .clk_i,
      .data_i(subtract_0_i),
      .data_o(subtract_14)
  );
  vector_delay #(
      .WIDTH (1),
      .CYCLES(19)
  ) u_residual (
      .clk_i,
      .data_i(use_residual_0_i),
      .data_o(use_residual_19)
  );

  // Parameters of the lanes
  logic [32*COLUMNS-1:0] bias_3, multiplier_5, shift_4;
  logic [32*COLUMNS-1:0] bias_4_q, multiplier_6_q;
  logic [5*COLUMNS-1:0] left_4, right_4, left_5_q, right_5_q, right_8;
  logic [383:0] record_9, record_10_q;

  parameter_memory #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .PARAM_ENTRIES(PARAM_ENTRIES)
  ) u_parameters (
      .clk_i,
      .wen_i(param_wen_i),
      .waddr_i(param_addr_i),
      .wdata_i(param_wdata_i),
      .bias_entry_i(entry_2),
      .bias_o(bias_3),
      .multiplier_entry_i(entry_4),
      .multiplier_o(multiplier_5),
      .shift_entry_i(entry_3),
      .shift_o(shift_4),
      .record_entry_i(record_8),
      .record_o(record_9)
  );

  always_comb begin
    for (int c = 0; c < COLUMNS; c++) begin
      left_4[5*c+:5]  = rescale_4 ? shift_4[32*c+:5] : 5'd0;
      right_4[5*c+:5] = rescale_4 ? shift_4[32*c+8+:5] : 5'd0;
    end
  end

  always_ff @(posedge clk_i) begin
    bias_4_q <= rescale_3 ? bias_3 : '0;
    left_5_q <= left_4;
    right_5_q <= right_4;
    for (int c = 0; c < COLUMNS; c++) begin
      multiplier_6_q[32*c+:32] <= rescale_5 ? {1'b0, multiplier_5[32*c+:31]} : UNITY;
    end
    record_10_q <= record_9;
  end
  vector_delay #(
      .WIDTH (5 * COLUMNS),
      .CYCLES(3)
  ) u_right (
      .clk_i,
      .data_i(right_5_q),
      .data_o(right_8)
  );

  // Scalars of the residual addition: section s, lane l of the record at bit 128 * s + 32 * l
  logic [4:0] a_left_10, b_left_10, a_right_13, b_right_13, out_left_15, out_right_18;
  logic [31:0] a_multiplier_11, b_multiplier_11, out_multiplier_16;
  logic [7:0] out_zero_point_19, out_low_19, out_high_19;

  assign a_left_10 = record_10_q[128+:5];
  assign b_left_10 = record_10_q[160+:5];
  vector_delay #(
      .WIDTH (64),
      .CYCLES(1)
  ) u_multipliers (
      .clk_i,
      .data_i({1'b0, record_10_q[32+:31], 1'b0, record_10_q[0+:31]}),
      .data_o({b_multiplier_11, a_multiplier_11})
  );
  vector_delay #(
      .WIDTH (10),
      .CYCLES(3)
  ) u_rights (
      .clk_i,
      .data_i({record_10_q[288+:5], record_10_q[256+:5]}),
      .data_o({b_right_13, a_right_13})
  );
  vector_delay #(
      .WIDTH (5),
      .CYCLES(5)
  ) u_out_left (
      .clk_i,
      .data_i(record_10_q[192+:5]),
      .data_o(out_left_15)
  );
  vector_delay #(
      .WIDTH (32),
      .CYCLES(6)
  ) u_out_multiplier (
      .clk_i,
      .data_i({1'b0, record_10_q[64+:31]}),
      .data_o(out_multiplier_16)
  );
  vector_delay #(
      .WIDTH (5),
      .CYCLES(8)
  ) u_out_right (
      .clk_i,
      .data_i(record_10_q[320+:5]),
      .data_o(out_right_18)
  );
  vector_delay #(
      .WIDTH (24),
      .CYCLES(9)
  ) u_out_clamp (
      .clk_i,
      .data_i({record_10_q[96+:8], record_10_q[224+:8], record_10_q[352+:8]}),
      .data_o({out_zero_point_19, out_low_19, out_high_19})
  );

  for (genvar c = 0; c < COLUMNS; c++) begin : g_lane
    vector_lane #(
        .ROWS(ROWS),
        .COLUMNS(COLUMNS)
    ) u_lane (
        .clk_i,
        .table_wen_i,
        .table_addr_i,
        .table_wdata_i,
        .a_1_i(a_1_i[8*c+:8]),
        .accumulator_1_i(accumulators_1_i[32*c+:32]),
        .b_1_i(b_1_i[8*c+:8]),
        .from_accumulator_1_i(from_accumulator_1),
        .a_zero_point_1_i(a_zero_point_1),
        .b_zero_point_1_i(b_zero_point_1),
        .first_3_i(first_3),
        .maximum_3_i(maximum_3),
        .multiply_3_i(multiply_3),
        .bias_4_i(bias_4_q[32*c+:32]),
        .left_5_i(left_5_q[5*c+:5]),
        .multiplier_6_i(multiplier_6_q[32*c+:32]),
        .right_8_i(right_8[5*c+:5]),
        .offset_9_i(offset_9),
        .low_9_i(low_9),
        .high_9_i(high_9),
        .zero_point_10_i(zero_point_10),
        .a_left_10_i(a_left_10),
        .b_left_10_i(b_left_10),
        .a_multiplier_11_i(a_multiplier_11),
        .b_multiplier_11_i(b_multiplier_11),
        .a_right_13_i(a_right_13),
        .b_right_13_i(b_right_13),
        .look_up_10_i(look_up_10),
        .table_10_i(table_10),
        .subtract_14_i(subtract_14),
        .out_left_15_i(out_left_15),
        .out_multiplier_16_i(out_multiplier_16),
        .out_right_18_i(out_right_18),
        .out_zero_point_19_i(out_zero_point_19),
        .out_low_19_i(out_low_19),
        .out_high_19_i(out_high_19),
        .use_residual_19_i(use_residual_19),
        .value_20_o(values_20_o[8*c+:8])
    );
  end

  logic unused;
  assign unused = &{1'b0, shift_4, multiplier_5, record_10_q};
endmodule
