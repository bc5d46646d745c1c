// A delay of CYCLES cycles for BITS bits, without reset: one step of the triangles that skew and deskew the array.
//
//   cycle     t     t+CYCLES
//   data_i    d
//   data_o          d
module matrix_delay #(
    parameter int BITS = 9,   // width
    parameter int CYCLES = 1  // delay; 0 is a wire
) (
    input  logic            clk_i,   // clock
    input  logic [BITS-1:0] data_i,  // in
    output logic [BITS-1:0] data_o   // out, CYCLES cycles later
);
  generate
    if (CYCLES == 0) begin : g_wire
      assign data_o = data_i;
      logic unused;
      assign unused = clk_i;
    end else begin : g_line
      logic [BITS*CYCLES-1:0] line_q;
      logic [BITS*(CYCLES+1)-1:0] line;
      assign line = {line_q, data_i};
      always_ff @(posedge clk_i) line_q <= line[BITS*CYCLES-1:0];
      assign data_o = line[BITS*CYCLES+:BITS];
    end
  endgenerate
endmodule
