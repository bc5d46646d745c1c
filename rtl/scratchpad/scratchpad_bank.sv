// One bank of the scratchpad: one read port and one write port with byte enables, read data registered. Written so that
// tools map it to block RAM; a read in the cycle of a write to the same word gives the old word in simulation. No legal
// program does that (programs are free of races), so synthesis need not build it: no_rw_check.
//
//   cycle          t          t+1
//   ren_i, raddr   A
//   rdata_o                   word A as the writes of cycles < t left it
//   wen_i, waddr   A          (seen by reads from t+1 on)
module scratchpad_bank #(
    parameter int BYTES = 16,  // bytes of a word
    parameter int WORDS = 512  // words, a power of two, at least 2
) (
    input  logic                     clk_i,    // clock
    input  logic                     ren_i,    // read in this cycle
    input  logic [$clog2(WORDS)-1:0] raddr_i,  // word to read
    output logic [8*BYTES-1:0]       rdata_o,  // word read in the last cycle with ren_i, one cycle later
    input  logic                     wen_i,    // write in this cycle
    input  logic [$clog2(WORDS)-1:0] waddr_i,  // word to write
    input  logic [BYTES-1:0]         wbe_i,    // bytes to write
    input  logic [8*BYTES-1:0]       wdata_i   // data to write
);
  (* no_rw_check *)
  logic [8*BYTES-1:0] memory[WORDS];

  always_ff @(posedge clk_i) begin
    if (ren_i) rdata_o <= memory[raddr_i];
  end

  always_ff @(posedge clk_i) begin
    for (int b = 0; b < BYTES; b++) begin
      if (wen_i && wbe_i[b]) memory[waddr_i][8*b+:8] <= wdata_i[8*b+:8];
    end
  end
endmodule
