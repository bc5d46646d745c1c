// Address of one operand in nested loops, by additions only. Level 0 is the innermost loop. Every level keeps the address
// at which its present iteration began; an advance of level l adds its stride to that and restarts the levels below.
//
//   cycle       t         t+1          t+2
//   start_i     1
//   advance_i             01 (level 0) 10 (level 1)
//   address_o             base         base + stride 0        (t+3: base + stride 1)
module vector_address_walker #(
    parameter int LEVELS = 5  // nested loops
) (
    input  logic                 clk_i,      // clock
    input  logic                 start_i,    // begin at base_i in the next cycle
    input  logic [         17:0] base_i,     // first address
    input  logic [LEVELS*18-1:0] strides_i,  // stride of every level (level 0 lowest), constant while walking
    input  logic [   LEVELS-1:0] advance_i,  // at most one bit: the level that goes on; the levels below it restart
    output logic [         17:0] address_o   // address of this cycle
);
  logic [LEVELS*18-1:0] points_d, points_q;
  logic [17:0] point, stride, next;

  always_comb begin
    point  = '0;
    stride = '0;
    for (int l = 0; l < LEVELS; l++) begin
      if (advance_i[l]) begin
        point  = point | points_q[18*l+:18];
        stride = stride | strides_i[18*l+:18];
      end
    end
    next = point + stride;
    points_d = points_q;
    for (int l = 0; l < LEVELS; l++) begin
      if (start_i) points_d[18*l+:18] = base_i;
      else if ((advance_i >> l) != '0) points_d[18*l+:18] = next;
    end
  end

  always_ff @(posedge clk_i) points_q <= points_d;

  assign address_o = points_q[17:0];

`ifdef FORMAL_VECTOR_ADDRESS_WALKER
  `include "vector_address_walker.svh"
`endif
endmodule
