// The address of the line that a line_counter stands at, kept with adders only; addresses wrap modulo 2**WIDTH.
//
//   cycle       t      t+1          t+2
//   load_i      1
//   step_i             1
//   address_o          line 0       line 1
//   next_o             line 1       line 2
module line_address #(
    parameter int WIDTH = 32  // bits of the address
) (
    input  logic             clk_i,      // clock
    input  logic             rst_ni,     // synchronous reset, active low
    input  logic             load_i,     // take a new base and strides (wins over step_i)
    input  logic [WIDTH-1:0] base_i,     // address of line 0
    input  logic [WIDTH-1:0] stride1_i,  // step along dimension 1 (innermost)
    input  logic [WIDTH-1:0] stride2_i,  // step along dimension 2
    input  logic [WIDTH-1:0] stride3_i,  // step along dimension 3
    input  logic             step_i,     // go to the next line
    input  logic             wrap1_i,    // of the line_counter
    input  logic             wrap2_i,    // of the line_counter
    output logic [WIDTH-1:0] address_o,  // address of the present line
    output logic [WIDTH-1:0] next_o      // address of the line after it
);
  logic [WIDTH-1:0] address_q, base2_q, base2_d, base3_q, base3_d;
  logic [WIDTH-1:0] stride1_q, stride2_q, stride3_q;
  logic [WIDTH-1:0] along1, along2, along3;

  assign along1    = address_q + stride1_q;
  assign along2    = base2_q + stride2_q;
  assign along3    = base3_q + stride3_q;
  assign next_o    = wrap2_i ? along3 : wrap1_i ? along2 : along1;
  assign address_o = address_q;

  always_comb begin
    base2_d = base2_q;
    base3_d = base3_q;
    if (load_i) begin
      base2_d = base_i;
      base3_d = base_i;
    end else if (step_i) begin
      if (wrap1_i) base2_d = next_o;
      if (wrap2_i) base3_d = next_o;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      address_q <= '0;
      base2_q   <= '0;
      base3_q   <= '0;
      stride1_q <= '0;
      stride2_q <= '0;
      stride3_q <= '0;
    end else begin
      base2_q <= base2_d;
      base3_q <= base3_d;
      if (load_i) address_q <= base_i;
      else if (step_i) address_q <= next_o;
      if (load_i) begin
        stride1_q <= stride1_i;
        stride2_q <= stride2_i;
        stride3_q <= stride3_i;
      end
    end
  end

`ifdef FORMAL_LINE_ADDRESS
  `include "line_address.svh"
`endif
endmodule
