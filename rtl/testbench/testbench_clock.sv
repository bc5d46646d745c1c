// The test bench with a clock, for simulators without a C++ main.
`timescale 1ns / 1ns
module testbench_clock;
  logic clk = 1'b0;

  always #1 clk = ~clk;
  testbench u_testbench (.clk_i(clk));
endmodule
