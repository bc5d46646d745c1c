// Write side of the load engine (docs/units/load.md): forms segments of up to 16 words, waits for their beats and their
// banks, and writes a word a cycle. Divided as
//
//   pending ring ─> next segment (described in registers) ─grant─> running segment ─> access (scratchpad, parameters,
//                                                └─ window address ─> read buffer ─┘ tables), data one cycle later
//
//   cycle            S            S+1          S+2   ...  S+c            S+c+1
//   claim_req_o      1                                    (next segment)
//   window_start_o   word 0       word 1       word 2     (word 0 of next)
//   window_i                      word 0       word 1     word c-1
//   write enable                  word 0       word 1     word c-1
//   hold_write_o                  1            1          0
//   freed_beats_o                                         n
//
// The window of a segment's word 0 is read from the buffer in the cycle of the grant and in the cycles before it,
// whether or not it is granted: the address does not depend on the grant. Positions in a line are signed: bytes before
// the line's first or after its last are fill.
//
// What the next segment needs and frees is worked out before a grant brings it, so that a grant, which comes late in its
// cycle, only chooses: of a line's first segment from what control has worked out of the instruction (LOAD_AHEAD_BITS
// above it) and from the line's address; of a later one in the cycles in which the 16 words before it are written.
//
//   cycle                   S      S+1       S+2          S+3        ...  S+16
//   grant (16 words)        1                                             (next, at the earliest)
//   words_left, position_q         after it
//   end_q, after_q                           in bytes
//   needed_q, passed_q, ...                               in beats
module load_write #(
    parameter int ROWS          = 16,     // rows of the array
    parameter int COLUMNS       = 16,     // columns of the array
    parameter int BANKS         = 4,      // scratchpad banks
    parameter int BANK_WORDS    = 4096,   // words of B bytes in a bank
    parameter int PARAM_ENTRIES = 64,     // entries of the parameter memory
    parameter int LOAD_BEATS    = 256,    // beats of the read buffer
    parameter int BUS_BYTES     = 16,     // bytes of a beat
    localparam int B            = ROWS > COLUMNS ? ROWS : COLUMNS,
    localparam int RING_BITS    = $clog2(LOAD_BEATS * BUS_BYTES),
    localparam int FREE_BITS    = $clog2(LOAD_BEATS) + 1
) (
    input  logic                                    clk_i,            // clock
    input  logic                                    rst_ni,           // synchronous reset, active low
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,          // the instruction
    input  logic                                    issue_i,          // it issues in this cycle
    input  logic                                    beat_valid_i,     // a beat arrives in the read buffer
    output logic [                   FREE_BITS-1:0] freed_beats_o,    // beats freed in this cycle
    output logic [                   RING_BITS-1:0] window_start_o,   // ring address of byte 0 of the next word
    input  logic [                         B*8-1:0] window_i,         // its bytes, one cycle later
    output logic                                    claim_req_o,      // a scratchpad segment asks
    output logic [                       BANKS-1:0] claim_write_o,    // write ports that it asks for
    input  logic                                    claim_grant_i,    // granted in this cycle
    output logic [                       BANKS-1:0] hold_write_o,     // write ports held
    output logic                                    grant_o,          // a segment is granted (of any destination)
    output logic                                    access_o,         // a word is written in this cycle
    output logic                                    address_error_o,  // the presented segment lies outside
    output logic                                    retire_o,         // an instruction retires in this cycle
    output logic [         tpukit_isa::ENGINES-1:0] retire_send_o,    // its send mask
    output logic                                    load_wen_o,       // scratchpad: write
    output logic [                            17:0] load_addr_o,      // granule address of the word
    output logic [                         B*8-1:0] load_wdata_o,     // bytes
    output logic [                           B-1:0] load_be_o,        // byte enables
    output logic                                    param_wen_o,      // parameter memory: write
    output logic [                            17:0] param_addr_o,     // word address
    output logic [                         B*8-1:0] param_wdata_o,    // bytes
    output logic                                    table_wen_o,      // table memory: write
    output logic [                            17:0] table_addr_o,     // word address
    output logic [                         B*8-1:0] table_wdata_o     // bytes
);
  localparam int G = ROWS < COLUMNS ? ROWS : COLUMNS;
  localparam int WORD_GRANULES = B / G;
  localparam int SEGMENT = tpukit_isa::SEGMENT_WORDS;
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);
  localparam int LINE_BITS = tpukit_isa::LOAD_LINE_BYTES_BITS;  // 20
  localparam int BEATS_BITS = LINE_BITS;  // beats of a line and LOAD_BEATS more
  localparam int POSITION_BITS = 32;  // signed position in a line: |w * stride| < 2**30
  localparam int ADDR_BITS = 20;  // segment address without wrapping
  localparam int EDGE_BITS = $clog2(2 * B) + 1;
  localparam int AHEAD = 2 * LINE_BITS;  // bits that control adds above the instruction
  localparam int USED = tpukit_isa::LOAD_USED_BITS + AHEAD;
  localparam int PENDING = tpukit_isa::LOAD_IN_FLIGHT;
  localparam int PENDING_BITS = $clog2(PENDING);

  typedef struct packed {
    logic                             parameters;    // destination is the parameter memory
    logic                             tables;        // destination is the table memory
    logic [LINE_BITS-1:0]             line_bytes;
    logic [16:0]                      words;
    logic [8:0]                       window_bytes;
    logic [12:0]                      window_stride;
    logic [12:0]                      window_pad;
    logic [7:0]                       lane_offset;
    logic [7:0]                       fill;
    logic [tpukit_isa::ENGINES-1:0]   send;
    logic [LINE_BITS-1:0]             first_end;     // bytes of the line that its first 16 words need
    logic [LINE_BITS-1:0]             first_after;   // bytes before the window of its word 16
  } fields_t;

  // ---- Pending instructions: issued, but not yet described -------------------------------------------------------
  logic [USED-1:0] pending_q[PENDING];
  logic [PENDING_BITS-1:0] pending_head_q, pending_head_d, pending_tail_q, pending_tail_d;
  logic [PENDING_BITS:0] pending_count_q, pending_count_d;
  logic [USED-1:0] head;
  logic pending, push, take;
  fields_t head_fields;
  logic [BEAT_SHIFT-1:0] head_offset;
  logic [17:0] head_destination;
  logic unused_bits;

  assign unused_bits = &{1'b0, head, instr_i, unused_line_beats};

  assign pending = pending_count_q != '0;
  assign head    = pending ? pending_q[pending_head_q] : instr_i[USED-1:0];

  assign head_offset               = head[tpukit_isa::LOAD_MEMORY_ADDRESS_LSB+:BEAT_SHIFT];
  assign head_destination          = head[tpukit_isa::LOAD_DESTINATION_LSB+:18];
  assign head_fields.parameters    = head[tpukit_isa::LOAD_SPACE_LSB+:2] == 2'(tpukit_isa::SPACE_PARAMETERS);
  assign head_fields.tables        = head[tpukit_isa::LOAD_SPACE_LSB+:2] == 2'(tpukit_isa::SPACE_TABLES);
  assign head_fields.line_bytes    = head[tpukit_isa::LOAD_LINE_BYTES_LSB+:LINE_BITS];
  assign head_fields.words         = {1'b0, head[tpukit_isa::LOAD_WORDS_LSB+:16]} + 17'd1;
  assign head_fields.window_bytes  = head[tpukit_isa::LOAD_WINDOW_BYTES_LSB+:9];
  assign head_fields.window_stride = head[tpukit_isa::LOAD_WINDOW_STRIDE_LSB+:13];
  assign head_fields.window_pad    = head[tpukit_isa::LOAD_WINDOW_PAD_LSB+:13];
  assign head_fields.lane_offset   = head[tpukit_isa::LOAD_LANE_OFFSET_LSB+:8];
  assign head_fields.fill          = head[tpukit_isa::LOAD_FILL_LSB+:8];
  assign head_fields.send          = head[tpukit_isa::LOAD_SEND_LSB+:tpukit_isa::ENGINES];

  assign head_fields.first_end     = head[tpukit_isa::LOAD_USED_BITS+:LINE_BITS];
  assign head_fields.first_after   = head[tpukit_isa::LOAD_USED_BITS+LINE_BITS+:LINE_BITS];

  // Registers of the running segment (below)
  logic run_q, run_d, run_last, run_final_q;
  fields_t run_fields_q;
  logic [3:0] run_left_q, run_left_d;  // accesses after this one
  logic [ADDR_BITS-1:0] run_address_q, run_address_d;  // of the word written in this cycle
  logic [BANKS-1:0] run_mask_q;
  logic [FREE_BITS-1:0] run_freed_q;
  logic [RING_BITS-1:0] run_window_q;  // of the word after the one written in this cycle
  logic signed [POSITION_BITS-1:0] run_position_q;

  // ---- The next segment ------------------------------------------------------------------------------------------
  logic valid_q, valid_d;
  fields_t next_q;
  logic [BEAT_SHIFT-1:0] offset_q, offset_next;  // line's first byte in its first beat
  logic [17:0] line_destination_next, unused_line_destination;
  logic [16:0] words_left_q;
  logic signed [POSITION_BITS-1:0] position_q;  // of word 0's window in the line
  logic [ADDR_BITS-1:0] address_q;  // of word 0
  logic [RING_BITS-1:0] line_ring_q, line_ring_d;  // ring address of the line's first beat
  logic [RING_BITS-1:0] window_q;  // ring address of word 0's window
  logic [BEATS_BITS-1:0] available_q, available_d;  // beats that arrived, from the line's first on
  logic [BEATS_BITS-1:0] needed_q;  // beats of the line that the segment needs
  logic [BEATS_BITS-1:0] line_beats_q;  // beats of the line
  logic [BEATS_BITS-1:0] passed_q;  // beats of the line that are free after the segment
  logic [BEATS_BITS-1:0] freed_q;  // beats of the line that segments before it free
  logic last_segment_q;  // the line's last
  logic [BANKS-1:0] mask_q;  // the banks of its words
  logic outside_q;  // it lies outside its destination
  logic wrap1, wrap2, last_line;
  logic present, grant, line_done, instruction_done, go_on;
  logic [4:0] count;
  logic to_scratchpad;

  assign count = last_segment_q ? words_left_q[4:0] : 5'(SEGMENT);
  assign to_scratchpad = !next_q.parameters && !next_q.tables;
  assign present = valid_q && needed_q <= available_q && (!run_q || run_last);
  assign claim_req_o = present && to_scratchpad;
  assign grant = present && (!to_scratchpad || claim_grant_i);
  assign line_done = grant && last_segment_q;
  assign instruction_done = line_done && last_line;
  assign go_on = grant && !last_segment_q;
  assign take = (!valid_q || instruction_done) && (pending || issue_i);
  assign push = issue_i && !(take && !pending);
  assign grant_o = grant;
  assign claim_write_o = mask_q;
  assign address_error_o = present && outside_q;

  line_counter i_line_counter (
      .clk_i,
      .rst_ni,
      .load_i(take),
      .count1_i(head[tpukit_isa::LOAD_COUNT1_LSB+:12]),
      .count2_i(head[tpukit_isa::LOAD_COUNT2_LSB+:12]),
      .count3_i(head[tpukit_isa::LOAD_COUNT3_LSB+:12]),
      .step_i(line_done),
      .wrap1_o(wrap1),
      .wrap2_o(wrap2),
      .last_o(last_line)
  );

  line_address #(
      .WIDTH(BEAT_SHIFT)
  ) i_line_offset (
      .clk_i,
      .rst_ni,
      .load_i(take),
      .base_i(head_offset),
      .stride1_i(head[tpukit_isa::LOAD_MEMORY_STRIDE1_LSB+:BEAT_SHIFT]),
      .stride2_i(head[tpukit_isa::LOAD_MEMORY_STRIDE2_LSB+:BEAT_SHIFT]),
      .stride3_i(head[tpukit_isa::LOAD_MEMORY_STRIDE3_LSB+:BEAT_SHIFT]),
      .step_i(line_done),
      .wrap1_i(wrap1),
      .wrap2_i(wrap2),
      .address_o(offset_q),
      .next_o(offset_next)
  );

  line_address #(
      .WIDTH(18)
  ) i_line_destination (
      .clk_i,
      .rst_ni,
      .load_i(take),
      .base_i(head_destination),
      .stride1_i(head[tpukit_isa::LOAD_DESTINATION_STRIDE1_LSB+:18]),
      .stride2_i(head[tpukit_isa::LOAD_DESTINATION_STRIDE2_LSB+:18]),
      .stride3_i(head[tpukit_isa::LOAD_DESTINATION_STRIDE3_LSB+:18]),
      .step_i(line_done),
      .wrap1_i(wrap1),
      .wrap2_i(wrap2),
      .address_o(unused_line_destination),
      .next_o(line_destination_next)
  );

  always_comb begin
    pending_head_d  = pending_head_q + PENDING_BITS'(take && pending);
    pending_tail_d  = pending_tail_q + PENDING_BITS'(push);
    pending_count_d = pending_count_q + (PENDING_BITS + 1)'(push) - (PENDING_BITS + 1)'(take && pending);
  end

  // Ring address of the line after this one; of this one where there is none before it.
  logic [RING_BITS-1:0] ring_after;
  assign ring_after = valid_q ? line_ring_q + (RING_BITS'(line_beats_q) << BEAT_SHIFT) : line_ring_q;

  always_comb begin
    valid_d = take || (valid_q && !instruction_done);
    line_ring_d = line_done ? ring_after : line_ring_q;
    available_d = (line_done ? available_q - line_beats_q : available_q) + BEATS_BITS'(beat_valid_i);
  end

  // The first segment of the head's first line, of this instruction's next line, and the next segment of this line.
  logic [BEATS_BITS-1:0] take_line_beats, take_needed, take_passed, line_line_beats, line_needed, line_passed;
  logic [BEATS_BITS-1:0] unused_line_beats, on_needed, on_passed;
  logic take_last, line_last, on_last, take_outside, line_outside, on_outside;
  logic [BANKS-1:0] take_mask, line_mask, on_mask;
  logic [LINE_BITS-1:0] end_q;
  logic [LINE_BITS:0] after_q;
  logic [1:0] settling_q;  // a segment of this line was granted so many cycles ago

  load_segment #(
      .BUS_BYTES(BUS_BYTES)
  ) i_take_segment (
      .offset_i(head_offset),
      .words_i(head_fields.words),
      .line_bytes_i(head_fields.line_bytes),
      .end_i(head_fields.first_end),
      .after_i({1'b0, head_fields.first_after}),
      .last_o(take_last),
      .line_beats_o(take_line_beats),
      .needed_o(take_needed),
      .passed_o(take_passed)
  );
  load_segment #(
      .BUS_BYTES(BUS_BYTES)
  ) i_line_segment (
      .offset_i(offset_next),
      .words_i(next_q.words),
      .line_bytes_i(next_q.line_bytes),
      .end_i(next_q.first_end),
      .after_i({1'b0, next_q.first_after}),
      .last_o(line_last),
      .line_beats_o(line_line_beats),
      .needed_o(line_needed),
      .passed_o(line_passed)
  );
  load_segment #(
      .BUS_BYTES(BUS_BYTES)
  ) i_on_segment (
      .offset_i(offset_q),
      .words_i(words_left_q),
      .line_bytes_i(next_q.line_bytes),
      .end_i(end_q),
      .after_i(after_q),
      .last_o(on_last),
      .line_beats_o(unused_line_beats),
      .needed_o(on_needed),
      .passed_o(on_passed)
  );

  load_place #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .PARAM_ENTRIES(PARAM_ENTRIES)
  ) i_take_place (
      .address_i(ADDR_BITS'(head_destination)),
      .words_i(head_fields.words),
      .parameters_i(head_fields.parameters),
      .tables_i(head_fields.tables),
      .mask_o(take_mask),
      .outside_o(take_outside)
  );
  load_place #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .PARAM_ENTRIES(PARAM_ENTRIES)
  ) i_line_place (
      .address_i(ADDR_BITS'(line_destination_next)),
      .words_i(next_q.words),
      .parameters_i(next_q.parameters),
      .tables_i(next_q.tables),
      .mask_o(line_mask),
      .outside_o(line_outside)
  );
  load_place #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .PARAM_ENTRIES(PARAM_ENTRIES)
  ) i_on_place (
      .address_i(address_q),
      .words_i(words_left_q),
      .parameters_i(next_q.parameters),
      .tables_i(next_q.tables),
      .mask_o(on_mask),
      .outside_o(on_outside)
  );

  // Bytes of the line that 16 words from position_q on need, and those before the word after them.
  logic signed [POSITION_BITS-1:0] after_d, end_d;
  logic [LINE_BITS-1:0] end_bytes;
  logic [LINE_BITS:0] after_bytes;
  always_comb begin
    after_d = position_q + POSITION_BITS'({next_q.window_stride, 4'd0});
    end_d   = after_d - POSITION_BITS'(next_q.window_stride) + POSITION_BITS'(next_q.window_bytes);
    end_bytes = end_d[LINE_BITS-1:0];
    if (end_d < 0) end_bytes = '0;
    else if (end_d > $signed(POSITION_BITS'(next_q.line_bytes))) end_bytes = next_q.line_bytes;
    after_bytes = after_d[LINE_BITS:0];
    if (after_d < 0) after_bytes = '0;
    else if (after_d > $signed(POSITION_BITS'(1 << LINE_BITS))) after_bytes = '1;
  end

  // Without reset: meaningful only while valid_q.
  always_ff @(posedge clk_i) begin
    end_q   <= end_bytes;
    after_q <= after_bytes;
    if (take) begin
      next_q         <= head_fields;
      words_left_q   <= head_fields.words;
      position_q     <= POSITION_BITS'(0) - POSITION_BITS'(head_fields.window_pad);
      address_q      <= ADDR_BITS'(head_destination);
      window_q       <= ring_after + RING_BITS'(head_offset) - RING_BITS'(head_fields.window_pad);
      freed_q        <= '0;
      last_segment_q <= take_last;
      line_beats_q   <= take_line_beats;
      needed_q       <= take_needed;
      passed_q       <= take_passed;
      mask_q         <= take_mask;
      outside_q      <= take_outside;
    end else if (line_done) begin
      words_left_q   <= next_q.words;
      position_q     <= POSITION_BITS'(0) - POSITION_BITS'(next_q.window_pad);
      address_q      <= ADDR_BITS'(line_destination_next);
      window_q       <= ring_after - RING_BITS'(next_q.window_pad) + RING_BITS'(offset_next);
      freed_q        <= '0;
      last_segment_q <= line_last;
      line_beats_q   <= line_line_beats;
      needed_q       <= line_needed;
      passed_q       <= line_passed;
      mask_q         <= line_mask;
      outside_q      <= line_outside;
    end else if (go_on) begin
      words_left_q <= words_left_q - 17'(SEGMENT);
      position_q   <= after_d;
      address_q    <= address_q + (to_scratchpad ? ADDR_BITS'(SEGMENT * WORD_GRANULES) : ADDR_BITS'(SEGMENT));
      freed_q      <= passed_q;
    end else if (settling_q[1]) begin
      window_q       <= line_ring_q + RING_BITS'(offset_q) + position_q[RING_BITS-1:0];
      last_segment_q <= on_last;
      needed_q       <= on_needed;
      passed_q       <= on_passed;
      mask_q         <= on_mask;
      outside_q      <= on_outside;
    end
  end

  // ---- The running segment: words 1 and later ------------------------------------------------------------------

  logic run_to_scratchpad;

  assign run_to_scratchpad = !run_fields_q.parameters && !run_fields_q.tables;
  assign run_last      = run_left_q == '0;
  assign hold_write_o  = run_q && !run_last ? run_mask_q : '0;
  assign freed_beats_o = run_q && run_last ? run_freed_q : '0;
  assign retire_o      = run_q && run_last && run_final_q;
  assign retire_send_o = run_fields_q.send;
  assign access_o      = run_q;

  always_comb begin
    run_d         = run_q && !run_last;
    run_left_d    = run_left_q - 4'd1;
    run_address_d = run_address_q + (run_to_scratchpad ? ADDR_BITS'(WORD_GRANULES) : ADDR_BITS'(1));
    if (grant) begin
      run_d         = !outside_q;  // nothing is written outside
      run_left_d    = 4'(count - 5'd1);
      run_address_d = address_q;
    end
  end

  // ---- The word that is read from the buffer in this cycle and written in the next -------------------------------
  logic running;
  fields_t word_fields;
  logic signed [POSITION_BITS-1:0] word_position, word_before, word_after;
  logic [RING_BITS-1:0] word_window;
  logic [EDGE_BITS-1:0] line_first_q, line_first_d, line_end_q, line_end_d;  // bytes of the word from the line: [first, end)
  logic unused_word;

  assign unused_word = &{1'b0, word_fields};

  assign running        = run_q && !run_last;
  assign word_fields    = running ? run_fields_q : next_q;
  assign word_position  = running ? run_position_q : position_q;
  assign word_window    = running ? run_window_q : window_q;
  assign window_start_o = word_window - RING_BITS'(word_fields.lane_offset);

  always_comb begin
    word_before = -word_position;
    word_after  = $signed(POSITION_BITS'(word_fields.line_bytes)) - word_position;
    line_first_d     = word_before[EDGE_BITS-1:0];
    line_end_d       = word_after[EDGE_BITS-1:0];
    if (word_before < 0) line_first_d = '0;
    else if (word_before > POSITION_BITS'(B)) line_first_d = EDGE_BITS'(B);
    if (word_after < 0) line_end_d = '0;
    else if (word_after > POSITION_BITS'(B)) line_end_d = EDGE_BITS'(B);
    line_first_d = line_first_d + EDGE_BITS'(word_fields.lane_offset);
    line_end_d   = line_end_d + EDGE_BITS'(word_fields.lane_offset);
  end

  for (genvar lane = 0; lane < B; lane++) begin : g_byte
    assign load_be_o[lane] = EDGE_BITS'(lane) >= EDGE_BITS'(run_fields_q.lane_offset) &&
        EDGE_BITS'(lane) < EDGE_BITS'(run_fields_q.lane_offset) + EDGE_BITS'(run_fields_q.window_bytes);
    assign load_wdata_o[lane*8+:8] =
        EDGE_BITS'(lane) >= line_first_q && EDGE_BITS'(lane) < line_end_q ? window_i[lane*8+:8] : run_fields_q.fill;
  end

  assign load_wen_o    = run_q && run_to_scratchpad;
  assign load_addr_o   = run_address_q[17:0];
  assign param_wen_o   = run_q && run_fields_q.parameters;
  assign param_addr_o  = run_address_q[17:0];
  assign param_wdata_o = load_wdata_o;
  assign table_wen_o   = run_q && run_fields_q.tables;
  assign table_addr_o  = run_address_q[17:0];
  assign table_wdata_o = load_wdata_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      pending_head_q  <= '0;
      pending_tail_q  <= '0;
      pending_count_q <= '0;
      valid_q         <= 1'b0;
      available_q     <= '0;
      line_ring_q     <= '0;
      settling_q      <= '0;
      run_q           <= 1'b0;
    end else begin
      pending_head_q  <= pending_head_d;
      pending_tail_q  <= pending_tail_d;
      pending_count_q <= pending_count_d;
      valid_q         <= valid_d;
      available_q     <= available_d;
      line_ring_q     <= line_ring_d;
      settling_q      <= {settling_q[0], go_on};
      run_q           <= run_d;
    end
  end

  // Without reset: meaningful only while run_q.
  always_ff @(posedge clk_i) begin
    run_left_q     <= run_left_d;
    run_address_q  <= run_address_d;
    run_window_q   <= word_window + RING_BITS'(word_fields.window_stride);
    run_position_q <= word_position + POSITION_BITS'(word_fields.window_stride);
    line_first_q        <= line_first_d;
    line_end_q          <= line_end_d;
    if (push) pending_q[pending_tail_q] <= instr_i[USED-1:0];
    if (grant) begin
      run_fields_q <= next_q;
      run_final_q  <= instruction_done;
      run_mask_q   <= to_scratchpad ? mask_q : '0;
      run_freed_q  <= FREE_BITS'(passed_q - freed_q);
    end
  end
endmodule
