// Rescale of one 9-bit value, like requantize (the same cycles, the same result), for the operands of the residual
// addition, which are int8 values less a zero point. The value is not shifted before the multiplication: of a left shift
// only the bits that 32 bits would keep are taken, and the product's right shift by 31 is shorter by the left shift. So one
// product of 9 x 32 bits does, which is small enough for logic.
//
//   cycle   t             t+1             t+2            t+3            t+4
//           value_i,      kept bits;      product        high word;     quotient_o,
//           left_i        multiplier_i                   right_i        round_o
(* soft_multipliers *)
module requantize_narrow (
    input  logic        clk_i,         // clock
    input  logic [ 8:0] value_i,       // signed, in t
    input  logic [ 4:0] left_i,        // left shift, in t
    input  logic [31:0] multiplier_i,  // unsigned, at most 2**31, in t+1 (from a register)
    input  logic [ 4:0] right_i,       // right shift, in t+3
    output logic [31:0] quotient_o,    // int32, rounded down, in t+4
    output logic        round_o        // 1 to be added to it, in t+4
);
  localparam int FRACTION = 31;  // bits below the point after the largest right shift

  logic signed [8:0] kept_d, kept_q;
  logic [4:0] left_q, left_qq, lost;
  logic signed [40:0] product_q;
  logic signed [41:0] rounded;
  logic signed [31:0] high_q;
  logic signed [31+FRACTION:0] wide;

  always_comb begin
    // A left shift of more than 23 pushes the upper bits of the 9 out of the 32: bit 31 - left is the sign then.
    lost   = left_i > 5'd23 ? left_i - 5'd23 : '0;
    kept_d = $signed(9'(value_i << lost)) >>> lost;
    rounded = 42'(product_q) + $signed({11'd0, 31'h4000_0000 >> left_qq});
    wide = $signed({high_q, {FRACTION{1'b0}}}) >>> right_i;
  end

  always_ff @(posedge clk_i) begin
    kept_q     <= kept_d;
    left_q     <= left_i;
    left_qq    <= left_q;
    product_q  <= 41'(kept_q) * $signed({9'd0, multiplier_i});
    high_q     <= 32'(rounded >>> (5'd31 - left_qq));
    quotient_o <= wide[FRACTION+:32];
    // At least half, and for a negative value more than half, is to be added.
    round_o    <= wide[FRACTION-1] && (!high_q[31] || wide[FRACTION-2:0] != '0);
  end
endmodule
