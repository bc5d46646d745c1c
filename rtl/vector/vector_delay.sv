// A delay line without reset: data_o is data_i of CYCLES cycles ago. Tools map it to shift-register primitives.
//
//   cycle     t     ...   t+CYCLES
//   data_i    A
//   data_o                A
module vector_delay #(
    parameter int WIDTH  = 1,  // bits of the data
    parameter int CYCLES = 1   // cycles of delay, at least 1
) (
    input  logic             clk_i,   // clock
    input  logic [WIDTH-1:0] data_i,  // data
    output logic [WIDTH-1:0] data_o   // the data of CYCLES cycles ago
);
  logic [CYCLES*WIDTH-1:0] line_q;  // youngest at the bottom

  if (CYCLES == 1) begin : g_one
    always_ff @(posedge clk_i) line_q <= data_i;
  end else begin : g_many
    always_ff @(posedge clk_i) line_q <= {line_q[(CYCLES-1)*WIDTH-1:0], data_i};
  end

  assign data_o = line_q[(CYCLES-1)*WIDTH+:WIDTH];
endmodule
