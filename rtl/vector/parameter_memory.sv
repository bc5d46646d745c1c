// Parameter memory: entries of three sections of COLUMNS 32-bit lanes (docs/units/scratchpad.md), written by the load
// engine in words of B bytes; every section has a read port of its own, and the first four lanes are kept a second time
// for the records of residual additions. Word address: entry * 4P + section * P + word; section 3 does not exist.
//
//   cycle               t      t+1
//   *_entry_i           e
//   bias_o ...                 entry e as the writes of cycles < t left it
//   wen_i, waddr_i      e      (seen by reads from t+1 on)
module parameter_memory #(
    parameter int ROWS          = 16,  // rows of the systolic array
    parameter int COLUMNS       = 16,  // lanes
    parameter int PARAM_ENTRIES = 64,  // entries, a power of two
    localparam int B            = ROWS > COLUMNS ? ROWS : COLUMNS,  // bytes of a word
    localparam int ENTRY_BITS   = $clog2(PARAM_ENTRIES)  // bits of an entry's index
) (
    input  logic                  clk_i,               // clock
    input  logic                  wen_i,               // write in this cycle
    input  logic [          17:0] waddr_i,             // word to write
    input  logic [       8*B-1:0] wdata_i,             // data to write
    input  logic [ENTRY_BITS-1:0] bias_entry_i,        // entry whose biases are read
    output logic [COLUMNS*32-1:0] bias_o,              // section 0 of it, one cycle later
    input  logic [ENTRY_BITS-1:0] multiplier_entry_i,  // entry whose multipliers are read
    output logic [COLUMNS*32-1:0] multiplier_o,        // section 1 of it, one cycle later
    input  logic [ENTRY_BITS-1:0] shift_entry_i,       // entry whose shifts are read
    output logic [COLUMNS*32-1:0] shift_o,             // section 2 of it, one cycle later
    input  logic [ENTRY_BITS-1:0] record_entry_i,      // entry whose first lanes are read
    output logic [     3*128-1:0] record_o             // lanes 0 to 3 of its sections 0 to 2, one cycle later
);
  localparam int SECTIONS = 3;
  localparam int WORDS = 4 * COLUMNS / B;  // words of a section (P)
  localparam int WORD_BITS = $clog2(WORDS);
  localparam int RECORD_LANES = 4;

  logic [           1:0] section;
  logic [ENTRY_BITS-1:0] entry;
  logic [          17:0] word;
  logic [SECTIONS*ENTRY_BITS-1:0] read_entries;
  logic [SECTIONS*COLUMNS*32-1:0] read_data;

  always_comb begin
    section = 2'(waddr_i >> WORD_BITS);
    entry = ENTRY_BITS'(waddr_i >> (WORD_BITS + 2));
    word = waddr_i & 18'(WORDS - 1);
    read_entries = {shift_entry_i, multiplier_entry_i, bias_entry_i};
    {shift_o, multiplier_o, bias_o} = read_data;
  end

  for (genvar s = 0; s < SECTIONS; s++) begin : g_section
    for (genvar w = 0; w < WORDS; w++) begin : g_word
      logic [8*B-1:0] memory[PARAM_ENTRIES];
      logic [8*B-1:0] data_q;
      always_ff @(posedge clk_i) begin
        if (wen_i && section == 2'(s) && word == 18'(w)) memory[entry] <= wdata_i;
        data_q <= memory[read_entries[s*ENTRY_BITS+:ENTRY_BITS]];
      end
      assign read_data[(s*WORDS+w)*8*B+:8*B] = data_q;
    end
    for (genvar l = 0; l < RECORD_LANES; l++) begin : g_lane
      logic [31:0] memory[PARAM_ENTRIES];
      logic [31:0] data_q;
      always_ff @(posedge clk_i) begin
        if (wen_i && section == 2'(s) && word == 18'(4 * l / B)) memory[entry] <= wdata_i[8*(4*l%B)+:32];
        data_q <= memory[record_entry_i];
      end
      assign record_o[(s*RECORD_LANES+l)*32+:32] = data_q;
    end
  end
endmodule
