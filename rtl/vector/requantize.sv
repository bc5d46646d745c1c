// Rescale of one int32 value, the golden `rescale` of machine/numerics.py: shift left (wrapping), multiply by
// multiplier / 2**31 (rounded, ties upwards), divide by 2**right (rounded, ties away from zero). The very last addition
// is left to the next stage, which has an adder anyway: result = quotient_o + round_o (it never overflows). A
// multiplier of 2**31 with both shifts 0 passes the value through unchanged.
//
// A value every cycle. The 32 x 32 multiplication is four 16 x 16 ones, registered before and after (DSP blocks).
//
//   cycle   t             t+1             t+2            t+3            t+4
//           value_i,      shifted;        four           high word;     quotient_o,
//           left_i        multiplier_i    products       right_i        round_o
module requantize (
    input  logic        clk_i,         // clock
    input  logic [31:0] value_i,       // int32, in t
    input  logic [ 4:0] left_i,        // left shift, in t
    input  logic [31:0] multiplier_i,  // unsigned, at most 2**31, in t+1 (from a register)
    input  logic [ 4:0] right_i,       // right shift, in t+3
    output logic [31:0] quotient_o,    // int32, rounded down, in t+4
    output logic        round_o        // 1 to be added to it, in t+4
);
  localparam int FRACTION = 31;  // bits below the point after the largest right shift

  logic [31:0] shifted_q;
  logic [31:0] low_low_q, low_high_q;  // unsigned products; first word: half of the value, second: of the multiplier
  logic signed [31:0] high_low_q, high_high_q;
  logic signed [63:0] outer, inner, total;
  logic signed [31:0] high_q;
  logic signed [31+FRACTION:0] wide;

  always_comb begin
    outer = {high_high_q, low_low_q};
    inner = 64'(high_low_q) + $signed({32'd0, low_high_q});
    total = outer + (inner <<< 16) + 64'sd1073741824;  // half of 2**31
    wide  = $signed({high_q, {FRACTION{1'b0}}}) >>> right_i;
  end

  always_ff @(posedge clk_i) begin
    shifted_q   <= value_i << left_i;
    low_low_q   <= 32'(shifted_q[15:0]) * 32'(multiplier_i[15:0]);
    low_high_q  <= 32'(shifted_q[15:0]) * 32'(multiplier_i[31:16]);
    high_low_q  <= 32'($signed(shifted_q[31:16])) * $signed({16'd0, multiplier_i[15:0]});
    high_high_q <= 32'($signed(shifted_q[31:16])) * $signed({16'd0, multiplier_i[31:16]});
    high_q      <= total[62:31];
    quotient_o  <= wide[FRACTION+:32];
    // At least half, and for a negative value more than half, is to be added.
    round_o     <= wide[FRACTION-1] && (!high_q[31] || wide[FRACTION-2:0] != '0);
  end

  logic unused;
  assign unused = &{1'b0, total[63], total[30:0]};
endmodule
