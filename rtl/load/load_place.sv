// Where a segment of up to 16 words is written: the banks of its words, and whether all lie inside. Combinational.
module load_place #(
    parameter int ROWS          = 16,    // rows of the array
    parameter int COLUMNS       = 16,    // columns of the array
    parameter int BANKS         = 4,     // scratchpad banks
    parameter int BANK_WORDS    = 4096,  // words of B bytes in a bank
    parameter int PARAM_ENTRIES = 64,    // entries of the parameter memory
    localparam int B            = ROWS > COLUMNS ? ROWS : COLUMNS
) (
    input  logic [     19:0] address_i,     // of word 0, in the destination's addresses
    input  logic [     16:0] words_i,       // words of the line from it on, at least 1
    input  logic             parameters_i,  // the destination is the parameter memory
    input  logic             tables_i,      // the destination is the table memory
    output logic [BANKS-1:0] mask_o,        // scratchpad banks; without a meaning for other destinations
    output logic             outside_o      // a word lies outside the destination
);
  localparam int WORD_GRANULES = B / (ROWS < COLUMNS ? ROWS : COLUMNS);
  localparam int BANK_GRANULES = BANK_WORDS * WORD_GRANULES;
  localparam int PARAM_WORDS = PARAM_ENTRIES * 16 * COLUMNS / B;
  localparam int TABLE_WORDS = tpukit_isa::TABLE_COUNT * tpukit_isa::TABLE_BYTES / B;

  logic [3:0] steps;  // words after word 0
  logic [19:0] last_granule, last_word;

  assign steps        = words_i > 17'(tpukit_isa::SEGMENT_WORDS) ? '1 : words_i[3:0] - 4'd1;
  assign last_granule = address_i + 20'(20'(steps) * 20'(WORD_GRANULES));
  assign last_word    = address_i + 20'(steps);

  always_comb begin
    outside_o = last_granule >= 20'(BANK_GRANULES * BANKS);
    if (parameters_i) outside_o = last_word >= 20'(PARAM_WORDS);
    if (tables_i) outside_o = last_word >= 20'(TABLE_WORDS);
  end

  bank_mask #(
      .BANKS(BANKS),
      .BANK_GRANULES(BANK_GRANULES)
  ) i_bank_mask (
      .first_i(address_i),
      .last_i (last_granule),
      .mask_o (mask_o)
  );
endmodule
