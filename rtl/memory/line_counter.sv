// Counts the lines of a load or store instruction: d3 outer, d2, d1 inner (docs/isa.md).
//
//   cycle     t      t+1      t+2 ...
//   load_i    1
//   step_i           1        1
//   wrap*_o          line 0   line 1
module line_counter (
    input  logic        clk_i,     // clock
    input  logic        rst_ni,    // synchronous reset, active low
    input  logic        load_i,    // take new counts and start at line 0 (wins over step_i)
    input  logic [11:0] count1_i,  // lines along dimension 1 (innermost), minus one
    input  logic [11:0] count2_i,  // lines along dimension 2, minus one
    input  logic [11:0] count3_i,  // lines along dimension 3, minus one
    input  logic        step_i,    // go to the next line
    output logic        wrap1_o,   // the line is the last one along 1
    output logic        wrap2_o,   // the line is the last one along 1 and 2
    output logic        last_o     // the line is the instruction's last
);
  logic [11:0] count1_q, count1_d, count2_q, count2_d;
  logic [11:0] left1_q, left1_d, left2_q, left2_d, left3_q, left3_d;

  assign wrap1_o = left1_q == '0;
  assign wrap2_o = wrap1_o && left2_q == '0;
  assign last_o  = wrap2_o && left3_q == '0;

  always_comb begin
    count1_d = count1_q;
    count2_d = count2_q;
    left1_d  = left1_q;
    left2_d  = left2_q;
    left3_d  = left3_q;
    if (load_i) begin
      count1_d = count1_i;
      count2_d = count2_i;
      left1_d  = count1_i;
      left2_d  = count2_i;
      left3_d  = count3_i;
    end else if (step_i) begin
      left1_d = wrap1_o ? count1_q : left1_q - 12'd1;
      if (wrap1_o) left2_d = wrap2_o ? count2_q : left2_q - 12'd1;
      if (wrap2_o) left3_d = left3_q - 12'd1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count1_q <= '0;
      count2_q <= '0;
      left1_q  <= '0;
      left2_q  <= '0;
      left3_q  <= '0;
    end else begin
      count1_q <= count1_d;
      count2_q <= count2_d;
      left1_q  <= left1_d;
      left2_q  <= left2_d;
      left3_q  <= left3_d;
    end
  end

`ifdef FORMAL_LINE_COUNTER
  `include "line_counter.svh"
`endif
endmodule
