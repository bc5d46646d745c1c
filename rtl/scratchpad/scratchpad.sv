// The scratchpad: BANKS banks of BANK_WORDS words of B = max(ROWS, COLUMNS) bytes, and the engines' ports to them. An
// address counts granules of G = min(ROWS, COLUMNS) bytes: lowest bits granule in the word, then word in the bank,
// then bank. The claims (claim_arbiter) see to it that a bank's port has one user in a cycle; nothing is checked here,
// and an access beyond the last bank does nothing.
//
//   cycle              t        t+1
//   *_ren_i, *_addr_i  A
//   *_rdata_o                   A, as the writes of cycles < t left it
//   *_wen_i / load_*   A        (seen by reads from t+1 on)
//
// Lower address bits are ignored where a port is wider than a granule: it is aligned to its own width.
module scratchpad #(
    parameter int ROWS = 16,        // bytes of an activation row, rows of the array
    parameter int COLUMNS = 16,     // vector lanes, columns of the array
    parameter int BANKS = 8,        // banks, a power of two, at least 2
    parameter int BANK_WORDS = 512, // words in a bank, a power of two, at least 2
    localparam int B = ROWS > COLUMNS ? ROWS : COLUMNS,  // bytes of a word
    localparam int ADDRESS_BITS = tpukit_isa::ADDRESS_BITS
) (
    input  logic                    clk_i,             // clock
    input  logic                    matrix_ren_i,      // matrix reads an activation row
    input  logic [ADDRESS_BITS-1:0] matrix_addr_i,     // its granule
    output logic [      8*ROWS-1:0] matrix_rdata_o,    // the row, one cycle later
    input  logic                    vector_a_ren_i,    // vector reads operand A
    input  logic [ADDRESS_BITS-1:0] vector_a_addr_i,   // its granule
    output logic [   8*COLUMNS-1:0] vector_a_rdata_o,  // operand A, one cycle later
    input  logic                    vector_b_ren_i,    // vector reads operand B
    input  logic [ADDRESS_BITS-1:0] vector_b_addr_i,   // its granule
    output logic [   8*COLUMNS-1:0] vector_b_rdata_o,  // operand B, one cycle later
    input  logic                    vector_wen_i,      // vector writes a result
    input  logic [ADDRESS_BITS-1:0] vector_waddr_i,    // its granule
    input  logic [   8*COLUMNS-1:0] vector_wdata_i,    // the result
    input  logic                    store_ren_i,       // store reads a word
    input  logic [ADDRESS_BITS-1:0] store_addr_i,      // its granule (aligned to a word)
    output logic [         8*B-1:0] store_rdata_o,     // the word, one cycle later
    input  logic                    load_wen_i,        // load writes a word
    input  logic [ADDRESS_BITS-1:0] load_addr_i,       // its granule (aligned to a word)
    input  logic [         8*B-1:0] load_wdata_i,      // the word
    input  logic [           B-1:0] load_be_i          // its bytes to write
);
  localparam int G = ROWS < COLUMNS ? ROWS : COLUMNS;  // bytes of a granule
  localparam int GRANULES = B / G;  // granules in a word
  localparam int LANE_BITS = $clog2(GRANULES);
  localparam int SELECT_BITS = LANE_BITS > 0 ? LANE_BITS : 1;
  localparam int WORD_BITS = $clog2(BANK_WORDS);
  localparam int BANK_BITS = $clog2(BANKS);
  localparam int BANK_LSB = LANE_BITS + WORD_BITS;
  localparam logic [ADDRESS_BITS-1:0] LANE_MASK = ADDRESS_BITS'(GRANULES - 1);
  localparam logic [ADDRESS_BITS-1:0] ROW_MASK = ROWS == G ? LANE_MASK : '0;
  localparam logic [ADDRESS_BITS-1:0] COLUMN_MASK = COLUMNS == G ? LANE_MASK : '0;

  initial if (BANKS < 2 || BANK_WORDS < 2) $fatal(1, "BANKS and BANK_WORDS must be at least 2");

  // What each reader read last: bank, and granule in the word.
  logic [BANK_BITS-1:0] matrix_bank_q, vector_a_bank_q, vector_b_bank_q, store_bank_q;
  logic [SELECT_BITS-1:0] matrix_lane_q, vector_a_lane_q, vector_b_lane_q;

  always_ff @(posedge clk_i) begin
    if (matrix_ren_i) begin
      matrix_bank_q <= matrix_addr_i[BANK_LSB+:BANK_BITS];
      matrix_lane_q <= SELECT_BITS'(matrix_addr_i & ROW_MASK);
    end
    if (vector_a_ren_i) begin
      vector_a_bank_q <= vector_a_addr_i[BANK_LSB+:BANK_BITS];
      vector_a_lane_q <= SELECT_BITS'(vector_a_addr_i & COLUMN_MASK);
    end
    if (vector_b_ren_i) begin
      vector_b_bank_q <= vector_b_addr_i[BANK_LSB+:BANK_BITS];
      vector_b_lane_q <= SELECT_BITS'(vector_b_addr_i & COLUMN_MASK);
    end
    if (store_ren_i) store_bank_q <= store_addr_i[BANK_LSB+:BANK_BITS];
  end

  // The vector engine's write as a word.
  logic [SELECT_BITS-1:0] vector_wlane;
  logic [B-1:0] vector_be;
  logic [8*B-1:0] vector_word;
  assign vector_wlane = SELECT_BITS'(vector_waddr_i & COLUMN_MASK);
  assign vector_be = B'({COLUMNS{1'b1}}) << (32'(vector_wlane) * COLUMNS);
  assign vector_word = {(B / COLUMNS) {vector_wdata_i}};

  logic [BANKS-1:0][8*B-1:0] rdata;  // what each bank read

  genvar k;
  generate
    for (k = 0; k < BANKS; k++) begin : g_bank
      logic matrix_here, vector_a_here, vector_b_here, store_here, vector_write_here, load_here;
      logic ren, wen;
      logic [WORD_BITS-1:0] raddr, waddr;
      logic [B-1:0] wbe;
      logic [8*B-1:0] wdata;

      assign matrix_here = matrix_ren_i && (matrix_addr_i >> BANK_LSB) == ADDRESS_BITS'(k);
      assign vector_a_here = vector_a_ren_i && (vector_a_addr_i >> BANK_LSB) == ADDRESS_BITS'(k);
      assign vector_b_here = vector_b_ren_i && (vector_b_addr_i >> BANK_LSB) == ADDRESS_BITS'(k);
      assign store_here = store_ren_i && (store_addr_i >> BANK_LSB) == ADDRESS_BITS'(k);
      assign vector_write_here = vector_wen_i && (vector_waddr_i >> BANK_LSB) == ADDRESS_BITS'(k);
      assign load_here = load_wen_i && (load_addr_i >> BANK_LSB) == ADDRESS_BITS'(k);

      assign ren = matrix_here || vector_a_here || vector_b_here || store_here;
      assign raddr = matrix_here ? matrix_addr_i[LANE_BITS+:WORD_BITS]
                   : vector_a_here ? vector_a_addr_i[LANE_BITS+:WORD_BITS]
                   : vector_b_here ? vector_b_addr_i[LANE_BITS+:WORD_BITS]
                   : store_addr_i[LANE_BITS+:WORD_BITS];
      assign wen = vector_write_here || load_here;
      assign waddr = load_here ? load_addr_i[LANE_BITS+:WORD_BITS] : vector_waddr_i[LANE_BITS+:WORD_BITS];
      assign wbe = load_here ? load_be_i : vector_be;
      assign wdata = load_here ? load_wdata_i : vector_word;

      scratchpad_bank #(
          .BYTES(B),
          .WORDS(BANK_WORDS)
      ) u_bank (
          .clk_i,
          .ren_i(ren),
          .raddr_i(raddr),
          .rdata_o(rdata[k]),
          .wen_i(wen),
          .waddr_i(waddr),
          .wbe_i(wbe),
          .wdata_i(wdata)
      );
    end
  endgenerate

  logic [8*B-1:0] matrix_word, vector_a_word, vector_b_word;
  assign matrix_word = rdata[matrix_bank_q];
  assign vector_a_word = rdata[vector_a_bank_q];
  assign vector_b_word = rdata[vector_b_bank_q];
  assign matrix_rdata_o = (8 * ROWS)'(matrix_word >> (32'(matrix_lane_q) * 8 * ROWS));
  assign vector_a_rdata_o = (8 * COLUMNS)'(vector_a_word >> (32'(vector_a_lane_q) * 8 * COLUMNS));
  assign vector_b_rdata_o = (8 * COLUMNS)'(vector_b_word >> (32'(vector_b_lane_q) * 8 * COLUMNS));
  assign store_rdata_o = rdata[store_bank_q];
endmodule
