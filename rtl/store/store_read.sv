// Read side of the store engine (docs/units/store.md): cuts lines into bursts, claims the banks of a burst's line,
// reads its words one a cycle and hands their bytes on, with the place where they go.
//
//   cycle           S            S+1         ...  S+w            S+w+1
//   claim_req_o     1                             (next burst)
//   granted_o       1
//   store_ren_o                  word 0           word w-1
//   hold_read_o                  1                0
//   pack_valid_o                             word 0 ...          word w-1, pack_last_o
//
// The offset in a word is carried along from burst to burst, so nothing is divided: a word that straddles two bursts is
// read again by the second. A burst that lies outside is granted as the law says, but nothing of it is read or sent.
module store_read #(
    parameter int ROWS       = 16,    // rows of the array
    parameter int COLUMNS    = 16,    // columns of the array
    parameter int BANKS      = 4,     // scratchpad banks
    parameter int BANK_WORDS = 4096,  // words of B bytes in a bank
    parameter int BUS_BYTES  = 16,    // bytes of a beat
    localparam int B         = ROWS > COLUMNS ? ROWS : COLUMNS
) (
    input  logic                                    clk_i,            // clock
    input  logic                                    rst_ni,           // synchronous reset, active low
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,          // the instruction
    input  logic                                    issue_i,          // it issues in this cycle
    input  logic [                            31:0] limit_i,          // bytes of memory that may be addressed
    input  logic [                            31:0] program_first_i,  // first byte of the program
    input  logic [                            31:0] program_end_i,    // byte after its last
    output logic                                    active_o,         // an instruction is active (visible)
    output logic                                    ready_o,          // none is, or its last burst is granted
    input  logic                                    room_i,           // a burst buffer is free (visible)
    output logic                                    claim_req_o,      // a burst's reads ask
    output logic [                       BANKS-1:0] claim_read_o,     // for these read ports
    input  logic                                    claim_grant_i,    // granted in this cycle
    output logic [                       BANKS-1:0] hold_read_o,      // read ports held
    output logic                                    address_error_o,  // the presented burst lies outside
    output logic                                    store_ren_o,      // scratchpad: read
    output logic [                            17:0] store_addr_o,     // granule address
    // Burst granted in this cycle
    output logic                                    granted_o,        // a burst is granted
    output logic                                    taken_o,          // and it lies inside, so it goes on its way
    output logic [                            31:0] burst_address_o,  // address of its first beat
    output logic [                             7:0] burst_offset_o,   // first byte modulo 256
    output logic [                             8:0] burst_end_o,      // byte after its last, from the same multiple
    output logic [                             6:0] burst_beats_o,    // beats
    output logic                                    burst_final_o,    // the instruction's last
    output logic [         tpukit_isa::ENGINES-1:0] burst_send_o,     // the instruction's send mask
    // Word read in the cycle before: its bytes [first, end) go to the burst buffer
    output logic                                    pack_valid_o,     // a word is there
    output logic                                    pack_last_o,      // the burst's last word
    output logic [                   $clog2(B)-1:0] pack_first_o,     // first byte of the word that is stored
    output logic [                     $clog2(B):0] pack_end_o,       // byte after the last
    output logic [                             7:0] pack_place_o      // where the first byte goes, modulo 256
);
  localparam int G = ROWS < COLUMNS ? ROWS : COLUMNS;
  localparam int BANK_GRANULES = BANK_WORDS * (B / G);
  localparam int GRANULES = BANK_GRANULES * BANKS;
  localparam int LENGTH_BITS = 26;  // words (17 bits) times window bytes (9 bits)
  localparam int BYTE_BITS = $clog2(B);
  localparam int ADDR_BITS = 20;

  // ---- The next burst --------------------------------------------------------------------------------------------
  logic active_q, active_d;
  logic [17:0] span_q, word_stride_q, line_source, next_source, head_source, head_span;
  logic [8:0] window_bytes_q;
  logic [BYTE_BITS-1:0] lane_offset_q;
  logic [tpukit_isa::ENGINES-1:0] send_q;
  logic [LENGTH_BITS-1:0] line_bytes;
  logic [8:0] burst_bytes;
  logic line_first, line_last, wrap1, wrap2, final_burst;
  logic present, grant, take;
  logic fault_q;  // an address error came: nothing more is presented until the reset
  logic [ADDR_BITS-1:0] next_last, head_last;  // last granule of the next line, and of the instruction's first
  logic [32:0] burst_first, burst_after;
  logic [BANKS-1:0] next_mask, head_mask, mask_q;  // banks of a line
  logic source_outside_q;  // the line lies outside the scratchpad
  logic unused_bits;

  // ---- The running burst -----------------------------------------------------------------------------------------
  logic run_q, run_d, run_last;  // run_last: this word is the burst's last
  logic [BANKS-1:0] run_mask_q;
  logic [8:0] run_left_q, run_left_d, run_left_after;  // bytes of the burst from this word on
  logic [7:0] run_place_q, run_place_d;  // place of this word's first byte in the burst buffer
  logic [17:0] run_address_q, run_address_d, run_address_after;  // of this word
  logic [8:0] run_skip_q, run_skip_d, run_skip_after;  // bytes of this word's window that earlier bursts took
  logic [17:0] run_stride_q;
  logic [8:0] run_window_q;
  logic [BYTE_BITS-1:0] run_lane_q;
  logic [8:0] in_word, taken, left_after_word, burst_in_word;
  logic run_last_d;
  logic [BYTE_BITS:0] pack_first;

  assign unused_bits = &{1'b0, instr_i, pack_first};
  assign line_bytes = LENGTH_BITS'({1'b0, instr_i[tpukit_isa::STORE_WORDS_LSB+:16]} + 17'd1) *
      LENGTH_BITS'(instr_i[tpukit_isa::STORE_WINDOW_BYTES_LSB+:9]);

  burst_cutter #(
      .BUS_BYTES  (BUS_BYTES),
      .LENGTH_BITS(LENGTH_BITS)
  ) i_burst_cutter (
      .clk_i,
      .rst_ni,
      .load_i(issue_i),
      .address_i(instr_i[tpukit_isa::STORE_MEMORY_ADDRESS_LSB+:32]),
      .length_i(line_bytes),
      .count1_i(instr_i[tpukit_isa::STORE_COUNT1_LSB+:12]),
      .count2_i(instr_i[tpukit_isa::STORE_COUNT2_LSB+:12]),
      .count3_i(instr_i[tpukit_isa::STORE_COUNT3_LSB+:12]),
      .stride1_i(instr_i[tpukit_isa::STORE_MEMORY_STRIDE1_LSB+:32]),
      .stride2_i(instr_i[tpukit_isa::STORE_MEMORY_STRIDE2_LSB+:32]),
      .stride3_i(instr_i[tpukit_isa::STORE_MEMORY_STRIDE3_LSB+:32]),
      .step_i(grant),
      .burst_address_o,
      .burst_offset_o,
      .burst_bytes_o(burst_bytes),
      .burst_beats_o,
      .line_first_o(line_first),
      .line_last_o(line_last),
      .wrap1_o(wrap1),
      .wrap2_o(wrap2),
      .last_o(final_burst)
  );

  line_address #(
      .WIDTH(18)
  ) i_line_source (
      .clk_i,
      .rst_ni,
      .load_i(issue_i),
      .base_i(head_source),
      .stride1_i(instr_i[tpukit_isa::STORE_SOURCE_STRIDE1_LSB+:18]),
      .stride2_i(instr_i[tpukit_isa::STORE_SOURCE_STRIDE2_LSB+:18]),
      .stride3_i(instr_i[tpukit_isa::STORE_SOURCE_STRIDE3_LSB+:18]),
      .step_i(grant && line_last),
      .wrap1_i(wrap1),
      .wrap2_i(wrap2),
      .address_o(line_source),
      .next_o(next_source)
  );

  assign present        = active_q && !fault_q && room_i && (!run_q || run_last);
  assign grant          = present && claim_grant_i;
  assign claim_req_o    = present;
  assign claim_read_o   = mask_q;
  assign head_source    = instr_i[tpukit_isa::STORE_SOURCE_LSB+:18];
  assign head_span      = instr_i[tpukit_isa::STORE_SOURCE_SPAN_LSB+:18];
  assign head_last      = ADDR_BITS'(head_source) + ADDR_BITS'(head_span);
  assign next_last      = ADDR_BITS'(next_source) + ADDR_BITS'(span_q);
  assign burst_end_o    = {1'b0, burst_offset_o} + burst_bytes;
  assign burst_final_o  = final_burst;
  assign burst_send_o   = send_q;
  assign burst_first    = {1'b0, burst_address_o};
  assign burst_after    = burst_first + (33'(burst_beats_o) << $clog2(BUS_BYTES));
  assign take           = grant && !address_error_o;
  assign granted_o      = grant;
  assign taken_o        = take;
  assign active_o       = active_q;
  assign ready_o        = !active_q || (grant && final_burst);
  assign address_error_o = present && (source_outside_q || burst_after > {1'b0, limit_i} ||
      (burst_first < {1'b0, program_end_i} && burst_after > {1'b0, program_first_i}));

  bank_mask #(
      .BANKS(BANKS),
      .BANK_GRANULES(BANK_GRANULES)
  ) i_head_mask (
      .first_i(ADDR_BITS'(head_source)),
      .last_i (head_last),
      .mask_o (head_mask)
  );

  bank_mask #(
      .BANKS(BANKS),
      .BANK_GRANULES(BANK_GRANULES)
  ) i_next_mask (
      .first_i(ADDR_BITS'(next_source)),
      .last_i (next_last),
      .mask_o (next_mask)
  );

  // The banks of a line are worked out before it is presented, whichever grant brings it.
  always_ff @(posedge clk_i) begin
    if (issue_i) begin
      mask_q           <= head_mask;
      source_outside_q <= head_last >= ADDR_BITS'(GRANULES);
    end else if (grant && line_last) begin
      mask_q           <= next_mask;
      source_outside_q <= next_last >= ADDR_BITS'(GRANULES);
    end
  end

  assign in_word     = run_window_q - run_skip_q;
  assign taken       = run_last ? run_left_q : in_word;
  assign hold_read_o = run_q && !run_last ? run_mask_q : '0;
  assign store_ren_o = run_q;
  assign store_addr_o = run_address_q;
  assign pack_first  = (BYTE_BITS + 1)'(run_lane_q) + (BYTE_BITS + 1)'(run_skip_q);

  // Whether the next word is its burst's last: of this burst, where a word is used up before the next, or of the next burst.
  assign left_after_word = run_left_q - in_word;
  assign burst_in_word   = line_first ? window_bytes_q : window_bytes_q - (run_q ? run_skip_after : run_skip_q);
  assign run_last_d      = take ? burst_bytes <= burst_in_word : left_after_word <= run_window_q;

  always_comb begin
    run_left_after    = run_left_q - taken;
    run_address_after = run_address_q;
    run_skip_after    = run_skip_q + taken;
    if (taken == in_word) begin
      run_address_after = run_address_q + run_stride_q;
      run_skip_after    = '0;
    end
  end

  always_comb begin
    active_d      = issue_i || (active_q && !(grant && final_burst));
    run_d         = run_q && !run_last;
    run_left_d    = run_left_q;
    run_place_d   = run_place_q;
    run_address_d = run_address_q;
    run_skip_d    = run_skip_q;
    if (run_q) begin
      run_left_d    = run_left_after;
      run_place_d   = run_place_q + taken[7:0];
      run_address_d = run_address_after;
      run_skip_d    = run_skip_after;
    end
    if (take) begin
      run_d       = 1'b1;
      run_left_d  = burst_bytes;
      run_place_d = burst_offset_o;
      if (line_first) begin
        run_address_d = line_source;
        run_skip_d    = '0;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q     <= 1'b0;
      fault_q      <= 1'b0;
      run_q        <= 1'b0;
      pack_valid_o <= 1'b0;
    end else begin
      active_q     <= active_d;
      fault_q      <= fault_q || address_error_o;
      run_q        <= run_d;
      pack_valid_o <= run_q;
    end
  end

  // Without reset: meaningful only while active_q, run_q or pack_valid_o.
  always_ff @(posedge clk_i) begin
    run_left_q    <= run_left_d;
    run_last      <= run_last_d;
    run_place_q   <= run_place_d;
    run_address_q <= run_address_d;
    run_skip_q    <= run_skip_d;
    pack_last_o   <= run_last;
    pack_first_o  <= pack_first[BYTE_BITS-1:0];
    pack_end_o    <= pack_first + (BYTE_BITS + 1)'(taken);
    pack_place_o  <= run_place_q;
    if (issue_i) begin
      span_q         <= head_span;
      word_stride_q  <= instr_i[tpukit_isa::STORE_WORD_STRIDE_LSB+:18];
      window_bytes_q <= instr_i[tpukit_isa::STORE_WINDOW_BYTES_LSB+:9];
      lane_offset_q  <= instr_i[tpukit_isa::STORE_LANE_OFFSET_LSB+:BYTE_BITS];
      send_q         <= instr_i[tpukit_isa::STORE_SEND_LSB+:tpukit_isa::ENGINES];
    end
    if (grant) begin
      run_mask_q   <= mask_q;
      run_stride_q <= word_stride_q;
      run_window_q <= window_bytes_q;
      run_lane_q   <= lane_offset_q;
    end
  end
endmodule
