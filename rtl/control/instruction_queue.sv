// A queue of instructions with its head in a register. An instruction pushed in cycle t is visible from t+1 on; the
// fullness that the pusher sees is that of the visible count, so a pop in the same cycle makes no room.
//
//   cycle     t     t+1        (empty queue)
//   push_i    A
//   valid_o         1
//   head_o          A
module instruction_queue #(
    parameter int WIDTH = 512,  // bits of an entry
    parameter int DEPTH = 8     // entries, a power of two, at least 2
) (
    input  logic             clk_i,    // clock
    input  logic             rst_ni,   // synchronous reset, active low: empties the queue
    input  logic             push_i,   // put data_i behind the last entry; only if not full_o
    input  logic [WIDTH-1:0] data_i,   // entry to push
    input  logic             pop_i,    // remove the head; only if valid_o
    output logic             valid_o,  // the queue is not empty
    output logic             full_o,   // the queue holds DEPTH entries
    output logic [WIDTH-1:0] head_o    // oldest entry
);
  localparam int PointerBits = $clog2(DEPTH);

  logic [WIDTH-1:0] memory[DEPTH];  // what is behind the head
  logic [WIDTH-1:0] head_q;
  logic [PointerBits:0] count_q;  // entries, the head included
  logic [PointerBits-1:0] read_q, write_q;
  logic single, direct;

  assign valid_o = count_q != 0;
  assign full_o = count_q[PointerBits];
  assign head_o = head_q;
  assign single = count_q == 1;
  assign direct = push_i && (!valid_o || (single && pop_i));

  always_ff @(posedge clk_i) begin
    if (direct) head_q <= data_i;
    else if (pop_i) head_q <= memory[read_q];
  end

  always_ff @(posedge clk_i) begin
    if (push_i && !direct) memory[write_q] <= data_i;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      count_q <= '0;
      read_q  <= '0;
      write_q <= '0;
    end else if (push_i || pop_i) begin
      if (push_i && !pop_i) count_q <= count_q + 1'b1;
      if (pop_i && !push_i) count_q <= count_q - 1'b1;
      if (pop_i && !single) read_q <= read_q + 1'b1;
      if (push_i && !direct) write_q <= write_q + 1'b1;
    end
  end

`ifdef FORMAL_INSTRUCTION_QUEUE
  `include "instruction_queue.svh"
`endif
endmodule
