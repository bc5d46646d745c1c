// Token counters: token[p][q] counts signals from engine p to engine q, 0 to TOKEN_LIMIT. A retirement in cycle t adds,
// an issue in cycle t takes; both are visible at t+1. Signals of an engine to itself do not exist.
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
  logic [24:0] lacking;  // bit 5 q + p: q waits for p and there is no token
  logic [24:0] over;

  generate
    for (genvar q = 0; q < 5; q++) begin : g_to
      for (genvar p = 0; p < 5; p++) begin : g_from
        if (p == q) begin : g_none  // dispatch lets no such mask through
          assign lacking[5*q+p] = 1'b0;
          assign over[5*q+p] = 1'b0;
          logic unused;
          assign unused = wait_i[5*q+p] ^ send_i[5*p+q];
        end else begin : g_counter
          logic [7:0] count_q;
          logic add, take;

          assign add = retire_i[p] && send_i[5*p+q];
          assign take = issue_i[q] && wait_i[5*q+p];
          assign lacking[5*q+p] = wait_i[5*q+p] && count_q == 0;
          assign over[5*q+p] = add && !take && count_q == 8'(tpukit_isa::TOKEN_LIMIT);

          always_ff @(posedge clk_i) begin
            if (!rst_ni) count_q <= '0;
            else if (add && !take) count_q <= count_q + 1'b1;
            else if (take && !add) count_q <= count_q - 1'b1;
          end
        end
      end
      assign ready_o[q] = lacking[5*q+:5] == '0;
    end
  endgenerate

  assign overflow_o = over != '0;
endmodule
