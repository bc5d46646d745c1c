// Token counters: token[p][q] counts signals from engine p to engine q, 0 to TOKEN_LIMIT. A retirement in cycle t adds,
// an issue in cycle t takes; both are visible at t+1. Dispatch lets no signal of an engine to itself through.
//
//   cycle           t      t+1
//   retire_i[p]     1
//   ready_o[q]             1      if q waits for p alone
module tokens (
    input  logic        clk_i,      // clock
    input  logic        rst_ni,     // synchronous reset, active low: all counters zero
    input  logic [24:0] wait_i,     // wait mask of each queue's head: bit 5 q + p
    input  logic [ 4:0] issue_i,    // engine q issues its head in this cycle
    input  logic [ 4:0] retire_i,   // engine p retires an instruction in this cycle
    input  logic [24:0] send_i,     // its send mask: bit 5 p + q
    output logic [ 4:0] ready_o,    // every token that the head of q waits for is there
    output logic        overflow_o  // a counter would exceed the limit
);
  // Bit or counter 5 q + p belongs to the signals from p to q.
  logic [24:0][7:0] count_q;
  logic [24:0] some_q, full_q;  // counters that are not zero; at the limit
  logic [24:0] add, take;

  always_comb begin
    for (int q = 0; q < 5; q++) begin
      for (int p = 0; p < 5; p++) add[5*q+p] = retire_i[p] && send_i[5*p+q];
      take[5*q+:5] = issue_i[q] ? wait_i[5*q+:5] : '0;
      ready_o[q] = (wait_i[5*q+:5] & ~some_q[5*q+:5]) == '0;
    end
  end

  assign overflow_o = (add & ~take & full_q) != '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      some_q  <= '0;
      full_q  <= '0;
    end else if (add != take) begin
      for (int i = 0; i < 25; i++) begin
        if (add[i] && !take[i]) begin
          count_q[i] <= count_q[i] + 1'b1;
          some_q[i]  <= 1'b1;
          full_q[i]  <= count_q[i] == 8'(tpukit_isa::TOKEN_LIMIT - 1);
        end else if (take[i] && !add[i]) begin
          count_q[i] <= count_q[i] - 1'b1;
          some_q[i]  <= count_q[i] != 8'd1;
          full_q[i]  <= 1'b0;
        end
      end
    end
  end

`ifdef FORMAL_TOKENS
  `include "tokens.svh"
`endif
endmodule
