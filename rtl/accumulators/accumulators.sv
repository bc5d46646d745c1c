// The accumulators: ACC_ROWS rows of COLUMNS int32 in two halves (the upper half has the top bit of the row number
// set), each a block RAM with one read and one write port. Matrix reads and writes one half while vector reads the
// other; the claims (claim_arbiter) see to it that a half's read port has one user in a cycle.
//
//   cycle               t        t+1
//   *_ren_i, *_raddr_i  A
//   *_rdata_o                    A, as the writes of cycles < t left it
//   matrix_wen_i        A        (seen by reads from t+1 on)
module accumulators #(
    parameter int COLUMNS = 16,    // int32 of a row
    parameter int ACC_ROWS = 1024  // rows in both halves together, a power of two, at least 4
) (
    input  logic                  clk_i,           // clock
    input  logic                  matrix_ren_i,    // matrix reads a row
    input  logic [          15:0] matrix_raddr_i,  // its number
    output logic [32*COLUMNS-1:0] matrix_rdata_o,  // the row, one cycle later
    input  logic                  matrix_wen_i,    // matrix writes a row
    input  logic [          15:0] matrix_waddr_i,  // its number
    input  logic [32*COLUMNS-1:0] matrix_wdata_i,  // the row
    input  logic                  vector_ren_i,    // vector reads a row
    input  logic [          15:0] vector_raddr_i,  // its number
    output logic [32*COLUMNS-1:0] vector_rdata_o   // the row, one cycle later
);
  localparam int WORDS = ACC_ROWS / 2;
  localparam int WORD_BITS = $clog2(WORDS);

  initial if (ACC_ROWS < 4) $fatal(1, "ACC_ROWS must be at least 4");

  logic [1:0][32*COLUMNS-1:0] rdata;  // what each half read
  logic matrix_half_q, vector_half_q;  // the half that each reader read last

  always_ff @(posedge clk_i) begin
    if (matrix_ren_i) matrix_half_q <= matrix_raddr_i[WORD_BITS];
    if (vector_ren_i) vector_half_q <= vector_raddr_i[WORD_BITS];
  end

  genvar h;
  generate
    for (h = 0; h < 2; h++) begin : g_half
      // No legal program reads a row in the very cycle of its write: synthesis need not build it.
      (* no_rw_check *)
      logic [32*COLUMNS-1:0] memory[WORDS];
      logic [32*COLUMNS-1:0] rdata_q;
      logic matrix_here, vector_here, write_here;

      assign matrix_here = matrix_ren_i && (matrix_raddr_i >> WORD_BITS) == 16'(h);
      assign vector_here = vector_ren_i && (vector_raddr_i >> WORD_BITS) == 16'(h);
      assign write_here  = matrix_wen_i && (matrix_waddr_i >> WORD_BITS) == 16'(h);

      logic [WORD_BITS-1:0] raddr;
      assign raddr = matrix_here ? matrix_raddr_i[WORD_BITS-1:0] : vector_raddr_i[WORD_BITS-1:0];

      always_ff @(posedge clk_i) begin
        if (matrix_here || vector_here) rdata_q <= memory[raddr];
      end

      always_ff @(posedge clk_i) begin
        if (write_here) memory[matrix_waddr_i[WORD_BITS-1:0]] <= matrix_wdata_i;
      end

      assign rdata[h] = rdata_q;
    end
  endgenerate

  assign matrix_rdata_o = rdata[matrix_half_q];
  assign vector_rdata_o = rdata[vector_half_q];
endmodule
