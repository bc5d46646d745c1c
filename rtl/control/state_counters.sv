// The state counters of one engine: 16 counters of 64 bits in a small memory, one goes up in each counted cycle. The state
// comes at the end of long paths, so it is registered before it is counted: a read shows the count of the cycles before
// the last one. Clearing takes one cycle: it marks every counter as zero.
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
  logic count_q;
  logic [3:0] state_q;

  assign value_o = valid_q[index_i] ? memory[index_i] : '0;

  always_ff @(posedge clk_i) begin
    state_q <= state_i;
    if (count_q) memory[state_q] <= (valid_q[state_q] ? memory[state_q] : '0) + 64'd1;
  end

  always_ff @(posedge clk_i) begin
    count_q <= count_i && rst_ni && !clear_i;
    if (!rst_ni || clear_i) valid_q <= '0;
    else if (count_q) valid_q[state_q] <= 1'b1;
  end
endmodule
