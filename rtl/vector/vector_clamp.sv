// Adds a quotient, its rounding and a zero point (modulo 2**32) and clamps the sum: min(max(sum, low), high).
// Combinational.
module vector_clamp (
    input  logic [31:0] quotient_i,    // int32
    input  logic        round_i,       // 1 to be added
    input  logic [ 7:0] zero_point_i,  // int8 to be added
    input  logic [ 7:0] low_i,         // int8, lower clamp
    input  logic [ 7:0] high_i,        // int8, upper clamp; it wins where low is above high
    output logic [ 7:0] value_o        // int8
);
  logic signed [31:0] sum;
  logic signed [ 7:0] low, high;

  always_comb begin
    low  = $signed(low_i);
    high = $signed(high_i);
    sum  = $signed(quotient_i) + 32'($signed(zero_point_i)) + $signed({31'd0, round_i});
    if (sum > 32'(high) || low > high) value_o = high_i;
    else if (sum < 32'(low)) value_o = low_i;
    else value_o = sum[7:0];
  end
endmodule
