// Table memory of one lane: a copy of the vector engine's tables (docs/units/scratchpad.md), written by the load engine
// in words of B bytes, all lanes alike, and read a byte at a time. One write port and one read port, both a word wide
// (block or distributed RAM); the byte is selected behind the read register.
//
//   cycle                    t            t+1
//   read_i, table_i, index_i 1, k, i
//   entry_o                               entry i of table k as the writes of cycles < t left it
//   wen_i, waddr_i           w            (seen by reads from t+1 on)
module table_memory #(
    parameter int ROWS    = 16,  // rows of the systolic array
    parameter int COLUMNS = 16,  // lanes
    localparam int B      = ROWS > COLUMNS ? ROWS : COLUMNS  // bytes of a word
) (
    input  logic           clk_i,    // clock
    input  logic           wen_i,    // write in this cycle
    input  logic [   17:0] waddr_i,  // word to write
    input  logic [8*B-1:0] wdata_i,  // data to write
    input  logic           read_i,   // look up in this cycle; else entry_o stays
    input  logic           table_i,  // table
    input  logic [    7:0] index_i,  // entry of it: an int8 modulo 256
    output logic [    7:0] entry_o   // the entry, one cycle later
);
  localparam int BYTES = tpukit_isa::TABLE_COUNT * tpukit_isa::TABLE_BYTES;
  localparam int WORDS = BYTES / B;
  localparam int WORD_BITS = $clog2(WORDS);
  localparam int BYTE_BITS = $clog2(B);

  initial if (BYTES != 512) $fatal(1, "table_memory holds two tables of 256 bytes");

  logic [8*B-1:0] memory[WORDS];
  logic [8*B-1:0] word_q;
  logic [BYTE_BITS-1:0] byte_q;
  logic [WORD_BITS+BYTE_BITS-1:0] address;
  logic unused;

  assign address = {table_i, index_i};
  assign entry_o = word_q[{byte_q, 3'b000}+:8];
  assign unused  = &{1'b0, waddr_i};

  always_ff @(posedge clk_i) begin
    if (wen_i) memory[waddr_i[WORD_BITS-1:0]] <= wdata_i;
    if (read_i) begin
      word_q <= memory[address[BYTE_BITS+:WORD_BITS]];
      byte_q <= address[BYTE_BITS-1:0];
    end
  end
endmodule
