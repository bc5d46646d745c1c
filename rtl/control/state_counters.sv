// The state counters of one engine: 16 counters of 64 bits in a small memory, one goes up in each counted cycle. Clearing
// takes one cycle: it marks every counter as zero. A read shows the count of the cycles before this one.
module state_counters (
    input  logic        clk_i,    // clock
    input  logic        rst_ni,   // synchronous reset, active low: all zero
    input  logic        clear_i,  // all zero from the next cycle on
    input  logic        count_i,  // this cycle counts
    input  logic [ 3:0] state_i,  // the counter that goes up
    input  logic [ 3:0] index_i,  // the counter to read
    output logic [63:0] value_o   // its value, in the same cycle
);
  logic [63:0] memory[16];
  logic [15:0] valid_q;  // counters that are not zero

  assign value_o = valid_q[index_i] ? memory[index_i] : '0;

  always_ff @(posedge clk_i) begin
    if (count_i) memory[state_i] <= (valid_q[state_i] ? memory[state_i] : '0) + 64'd1;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) valid_q <= '0;
    else if (count_i) valid_q[state_i] <= 1'b1;
  end
endmodule
