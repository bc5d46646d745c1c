// One processing element of the weight-stationary array: multiplies the activation that passes with its weight and adds
// the product to the partial sum that passes. A second (shadow) weight is written while the first is used.
//
//   cycle     t           t+1
//   x_i       x           x_o = x
//   psum_i    p           psum_o = p + x * w(t)
//   swap_i    1           w(t+1) = shadow(t)
//   load_i    1, w_i      shadow(t+1) = w_i
module pe #(
    parameter int PSUM_BITS = 22  // bits of a partial sum: 18 of a product and log2 of the array's rows
) (
    input  logic                        clk_i,   // clock
    input  logic signed [          8:0] x_i,     // activation from the left
    output logic signed [          8:0] x_o,     // activation to the right
    input  logic signed [PSUM_BITS-1:0] psum_i,  // partial sum from above
    output logic signed [PSUM_BITS-1:0] psum_o,  // partial sum to below
    input  logic                        swap_i,  // take the shadow weight for the next cycle
    input  logic                        load_i,  // write the shadow weight
    input  logic signed [          8:0] w_i      // weight for the shadow
);
  logic signed [8:0] shadow_q, weight_q;
  logic signed [17:0] product;

  assign product = weight_q * x_i;

  always_ff @(posedge clk_i) begin
    if (load_i) shadow_q <= w_i;
    if (swap_i) weight_q <= shadow_q;
    x_o <= x_i;
    psum_o <= psum_i + PSUM_BITS'(product);
  end
endmodule
