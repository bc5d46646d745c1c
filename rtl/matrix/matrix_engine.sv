// The matrix engine: weight shift, passes (one weight tile each), row addresses, the array and the accumulation
// (docs/units/matrix.md). Instances: matrix_passes, systolic_array.
//
// A pass of m rows, granted in S (r = ROWS, c = COLUMNS; a = S+1+i is the read of row i):
//
//   cycle              S      S+1 .. S+m       a+1             a+2        a+r+c      a+r+c+1   a+r+c+2
//   claim_req/grant    1
//   scratchpad_ren_o          row i
//   scratchpad_rdata_i                         row i
//   array                                      swap (i = 0)    operands              sums
//   acc_ren_o                                                             row i
//   acc_rdata_i                                                                      old row
//   acc_wen_o                                                                                  new row
//   retire_o                                                                                   last row, last pass
//   hold_read_o               .. S+m-1
//   hold_acc_o                .. S+m+r+c+1
//
// A weight shift that starts in s (tile present, and the shadow registers empty or a pass granted in s):
//
//   cycle        s      s+1    s+2     ..  s+r-1     s+r
//   row_ren_o    1      1      1           1
//   row_data_i                 row 0
//   shadow_full                                      1
//
// Address of a row: innermost index first, each level keeps the address where it began:
//   pass: p = a + block*block_stride + t2*tap_stride2 + t1*tap_stride1 + t0*tap_stride0, row: p + the same with rows.
module matrix_engine #(
    parameter int ROWS = 16,         // rows of the array: bytes of an activation row
    parameter int COLUMNS = 16,      // columns of the array: int32 of an accumulator row
    parameter int BANKS = 8,         // scratchpad banks
    parameter int BANK_WORDS = 512,  // words of a scratchpad bank
    parameter int ACC_ROWS = 1024,   // accumulator rows, both halves together
    localparam int ADDRESS_BITS = tpukit_isa::ADDRESS_BITS
) (
    input logic clk_i,  // clock
    input logic rst_ni, // synchronous reset, active low

    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,       // head of the queue, above it the rows of loops 0 and 1
    input  logic                                    instr_valid_i, // it is there and has its tokens
    output logic                                    accept_o,      // can be issued in this cycle
    output logic                                    retire_o,      // an instruction retires in this cycle
    output logic [                             4:0] retire_send_o, // its send mask
    output logic [                             3:0] state_o,       // EngineState of this cycle
    output logic                                    idle_o,        // no instruction active or in flight
    output logic                                    quiet_o,       // nothing in this cycle that counts as an event
    output logic                                    address_error_o, // a pass is presented that reaches outside

    output logic             claim_req_o,          // a pass is presented
    output logic [BANKS-1:0] claim_read_o,         // the read ports that it wants
    output logic [      1:0] claim_acc_o,          // the accumulator half that it wants
    input  logic             claim_grant_i,        // granted in this cycle
    input  logic             claim_bank_denied_i,  // a read port is not free
    output logic [BANKS-1:0] hold_read_o,          // read ports held (visible)
    output logic [      1:0] hold_acc_o,           // accumulator halves held (visible)

    output logic                    scratchpad_ren_o,   // read an activation row
    output logic [ADDRESS_BITS-1:0] scratchpad_addr_o,  // its granule
    input  logic [      8*ROWS-1:0] scratchpad_rdata_i, // the row, one cycle later

    output logic                  acc_ren_o,    // read an accumulator row
    output logic [          15:0] acc_raddr_o,  // its number
    input  logic [32*COLUMNS-1:0] acc_rdata_i,  // the row, one cycle later
    output logic                  acc_wen_o,    // write an accumulator row
    output logic [          15:0] acc_waddr_o,  // its number
    output logic [32*COLUMNS-1:0] acc_wdata_o,  // the row

    input  logic                 tile_present_i,  // a whole tile beyond those being shifted is in the FIFO
    output logic                 row_ren_o,       // a row is shifted in this cycle
    input  logic [9*COLUMNS-1:0] row_data_i       // a row, two cycles after its row_ren_o
);
  localparam int B = ROWS > COLUMNS ? ROWS : COLUMNS;
  localparam int G = ROWS < COLUMNS ? ROWS : COLUMNS;
  localparam int BANK_GRANULES = BANK_WORDS * (B / G);
  localparam int HALF_ROWS = ACC_ROWS / 2;
  localparam int HALF_BIT = $clog2(HALF_ROWS);
  localparam int PSUM_BITS = 18 + $clog2(ROWS);
  localparam int CROSSING = ROWS + COLUMNS;  // from the read of a row to the read of its accumulator row
  localparam int LATENCY = CROSSING + tpukit_isa::MATRIX_LATENCY_CYCLES;  // to the write of its accumulator row
  localparam int DRAIN_BITS = $clog2(LATENCY + 1);
  localparam int POINTER_BITS = $clog2(CROSSING);
  localparam int SHIFT_BITS = $clog2(ROWS);

  initial if (ROWS < 4 || COLUMNS < 4) $fatal(1, "ROWS and COLUMNS must be at least 4");

  // ---- Fields of the queue's head ----------------------------------------------------------------------------------
  logic [tpukit_isa::MATRIX_SEND_BITS-1:0] in_send;
  logic [tpukit_isa::MATRIX_A_SPAN_BITS-1:0] in_a_span;
  logic [tpukit_isa::MATRIX_ROW_COUNT0_BITS-1:0] in_row_count0;
  logic [tpukit_isa::MATRIX_ROW_COUNT1_BITS-1:0] in_row_count1;
  logic [tpukit_isa::MATRIX_ROW_COUNT2_BITS-1:0] in_row_count2;
  logic [tpukit_isa::MATRIX_ROW_STRIDE0_BITS-1:0] in_row_stride0;
  logic [tpukit_isa::MATRIX_ROW_STRIDE1_BITS-1:0] in_row_stride1;
  logic [tpukit_isa::MATRIX_ROW_STRIDE2_BITS-1:0] in_row_stride2;
  logic [tpukit_isa::MATRIX_ZERO_POINT_BITS-1:0] in_zero_point;
  logic in_accumulate;
  assign in_send = instr_i[tpukit_isa::MATRIX_SEND_LSB+:tpukit_isa::MATRIX_SEND_BITS];
  assign in_a_span = instr_i[tpukit_isa::MATRIX_A_SPAN_LSB+:tpukit_isa::MATRIX_A_SPAN_BITS];
  assign in_row_count0 = instr_i[tpukit_isa::MATRIX_ROW_COUNT0_LSB+:tpukit_isa::MATRIX_ROW_COUNT0_BITS];
  assign in_row_count1 = instr_i[tpukit_isa::MATRIX_ROW_COUNT1_LSB+:tpukit_isa::MATRIX_ROW_COUNT1_BITS];
  assign in_row_count2 = instr_i[tpukit_isa::MATRIX_ROW_COUNT2_LSB+:tpukit_isa::MATRIX_ROW_COUNT2_BITS];
  assign in_row_stride0 = instr_i[tpukit_isa::MATRIX_ROW_STRIDE0_LSB+:tpukit_isa::MATRIX_ROW_STRIDE0_BITS];
  assign in_row_stride1 = instr_i[tpukit_isa::MATRIX_ROW_STRIDE1_LSB+:tpukit_isa::MATRIX_ROW_STRIDE1_BITS];
  assign in_row_stride2 = instr_i[tpukit_isa::MATRIX_ROW_STRIDE2_LSB+:tpukit_isa::MATRIX_ROW_STRIDE2_BITS];
  assign in_zero_point = instr_i[tpukit_isa::MATRIX_ZERO_POINT_LSB+:tpukit_isa::MATRIX_ZERO_POINT_BITS];
  assign in_accumulate = instr_i[tpukit_isa::MATRIX_ACCUMULATE_LSB];

  // ---- The active instruction -------------------------------------------------------------------------------------
  logic issue;
  logic active_q, active_d;
  logic [4:0] send_q;
  logic [ADDRESS_BITS-1:0] a_span_q;
  logic [ADDRESS_BITS-1:0] row_stride0_q, row_stride1_q, row_stride2_q;
  logic [tpukit_isa::MATRIX_ROW_COUNT0_BITS-1:0] row_count0_q;
  logic [tpukit_isa::MATRIX_ROW_COUNT1_BITS-1:0] row_count1_q;
  logic [tpukit_isa::MATRIX_ROW_COUNT2_BITS-1:0] row_count2_q;
  logic accumulate_q;
  logic [7:0] zero_point_q;
  logic [16:0] rows_q;  // rows of a pass, at most 2**17 - 1 (more than any accumulators have)

  // The next pass: its first row's address, its accumulator row, its place among the others
  logic [ADDRESS_BITS-1:0] pass_address;
  logic [15:0] pass_acc;
  logic first_tap, last_pass;

  // ---- The rows of the pass that is being read --------------------------------------------------------------------
  logic reading_q, reading_d;
  logic read_first_q, read_first_d;  // the pass's first row
  logic read_final_q, read_final_d;  // of the instruction's last pass
  logic read_overwrite_q, read_overwrite_d;
  logic [4:0] read_send_q, read_send_d;
  logic [7:0] read_zero_q, read_zero_d;
  logic [BANKS-1:0] read_banks_q, read_banks_d;
  logic [15:0] read_acc_q, read_acc_d;  // accumulator row of the row being read
  logic [ADDRESS_BITS-1:0] row0_q, row0_d, row1_q, row1_d, row2_q, row2_d;
  logic [ADDRESS_BITS-1:0] step0_q, step0_d, step1_q, step1_d, step2_q, step2_d;
  logic [tpukit_isa::MATRIX_ROW_COUNT0_BITS-1:0] left0_q, left0_d, count0_q, count0_d;
  logic [tpukit_isa::MATRIX_ROW_COUNT1_BITS-1:0] left1_q, left1_d, count1_q, count1_d;
  logic [tpukit_isa::MATRIX_ROW_COUNT2_BITS-1:0] left2_q, left2_d;
  logic read_last, read_last_d;  // the pass's last row
  logic [BANKS-1:0] hold_read_d;

  // ---- Weight shift -----------------------------------------------------------------------------------------------
  logic shadow_full_q, shadow_full_d;
  logic [SHIFT_BITS-1:0] shift_left_q, shift_left_d;  // rows still to shift after this cycle's, plus one; 0: none
  logic shift_start, shifting, shift_q, shift_qq;
  assign shift_start = shift_left_q == '0 && tile_present_i && (!shadow_full_q || claim_grant_i);
  assign shifting = shift_start || shift_left_q != '0;
  assign row_ren_o = shifting;

  always_comb begin
    shadow_full_d = shadow_full_q;
    if (claim_grant_i) shadow_full_d = 1'b0;
    if (shift_left_q == SHIFT_BITS'(1)) shadow_full_d = 1'b1;
    shift_left_d = shift_left_q;
    if (shift_start) shift_left_d = SHIFT_BITS'(ROWS - 1);
    else if (shift_left_q != '0) shift_left_d = shift_left_q - 1'b1;
  end

  // ---- Request ----------------------------------------------------------------------------------------------------
  logic [ADDRESS_BITS:0] head_last, pass_last;  // last granule of a pass, without wrapping
  logic [BANKS-1:0] head_banks, pass_banks, banks_q;
  logic outside_q;  // the pass lies outside the scratchpad
  logic [17:0] acc_last;  // last accumulator row of the pass, without wrapping
  logic acc_half;
  assign claim_req_o = active_q && shadow_full_q && (!reading_q || read_last);
  assign acc_last = {2'b0, pass_acc} + {1'b0, rows_q} - 18'd1;
  assign acc_half = pass_acc[HALF_BIT];
  assign claim_acc_o = {acc_half, !acc_half};
  assign address_error_o = claim_req_o && (outside_q || acc_last >= (acc_half ? 18'(ACC_ROWS) : 18'(HALF_ROWS)));
  assign accept_o = !active_q || (claim_grant_i && last_pass);
  assign issue = accept_o && instr_valid_i;

  // The banks of the first pass are worked out while its instruction issues, those of a later one while it waits: it is
  // presented at least four cycles after the grant of the pass before (its tile takes that long), and its address is there
  // in the first of them.
  logic [ADDRESS_BITS-1:0] head_address;
  assign head_address = instr_i[tpukit_isa::MATRIX_A_LSB+:ADDRESS_BITS];
  assign head_last = {1'b0, head_address} + {1'b0, in_a_span};
  assign pass_last = {1'b0, pass_address} + {1'b0, a_span_q};

  bank_mask #(
      .BANKS(BANKS),
      .BANK_GRANULES(BANK_GRANULES)
  ) u_head_banks (
      .first_i({2'b0, head_address}),
      .last_i({1'b0, head_last}),
      .mask_o(head_banks)
  );
  bank_mask #(
      .BANKS(BANKS),
      .BANK_GRANULES(BANK_GRANULES)
  ) u_pass_banks (
      .first_i({2'b0, pass_address}),
      .last_i({1'b0, pass_last}),
      .mask_o(pass_banks)
  );

  always_ff @(posedge clk_i) begin
    banks_q   <= issue ? head_banks : pass_banks;
    outside_q <= (issue ? head_last : pass_last) >= (ADDRESS_BITS + 1)'(BANKS * BANK_GRANULES);
  end
  assign claim_read_o = banks_q;

  // ---- Passes: blocks outer, then t2, t1, t0 inner ----------------------------------------------------------------
  logic [32:0] row_product;
  assign row_product = 33'(instr_i[tpukit_isa::MATRIX_USED_BITS+:25]) * (33'(in_row_count2) + 33'd1);

  assign active_d = issue || (active_q && !(claim_grant_i && last_pass));

  matrix_passes u_passes (
      .clk_i,
      .start_i(issue),
      .instr_i,
      .step_i(claim_grant_i),
      .address_o(pass_address),
      .accumulator_o(pass_acc),
      .first_tap_o(first_tap),
      .last_o(last_pass)
  );

  always_ff @(posedge clk_i) begin
    if (issue) begin
      send_q <= in_send;
      a_span_q <= in_a_span;
      row_count0_q <= in_row_count0;
      row_count1_q <= in_row_count1;
      row_count2_q <= in_row_count2;
      row_stride0_q <= in_row_stride0;
      row_stride1_q <= in_row_stride1;
      row_stride2_q <= in_row_stride2;
      accumulate_q <= in_accumulate;
      zero_point_q <= in_zero_point;
      rows_q <= row_product[32:17] != '0 ? '1 : row_product[16:0];
    end
  end

  // ---- Rows: r2 outer, r1, r0 inner -------------------------------------------------------------------------------
  always_comb begin
    reading_d = reading_q && !read_last;
    read_first_d = 1'b0;
    read_final_d = read_final_q;
    read_overwrite_d = read_overwrite_q;
    read_send_d = read_send_q;
    read_zero_d = read_zero_q;
    read_banks_d = read_banks_q;
    read_acc_d = read_acc_q + 16'd1;
    step0_d = step0_q;
    step1_d = step1_q;
    step2_d = step2_q;
    count0_d = count0_q;
    count1_d = count1_q;
    left0_d = left0_q;
    left1_d = left1_q;
    left2_d = left2_q;
    row0_d = row0_q;
    row1_d = row1_q;
    row2_d = row2_q;
    if (left0_q != '0) begin
      left0_d = left0_q - 1'b1;
      row0_d = row0_q + step0_q;
    end else begin
      left0_d = count0_q;
      if (left1_q != '0) begin
        left1_d = left1_q - 1'b1;
        row1_d = row1_q + step1_q;
        row0_d = row1_d;
      end else begin
        left1_d = count1_q;
        left2_d = left2_q - 1'b1;
        row2_d = row2_q + step2_q;
        row1_d = row2_d;
        row0_d = row2_d;
      end
    end
    if (claim_grant_i) begin
      reading_d = 1'b1;
      read_first_d = 1'b1;
      read_final_d = last_pass;
      read_overwrite_d = first_tap && !accumulate_q;
      read_send_d = send_q;
      read_zero_d = zero_point_q;
      read_banks_d = claim_read_o;
      read_acc_d = pass_acc;
      step0_d = row_stride0_q;
      step1_d = row_stride1_q;
      step2_d = row_stride2_q;
      count0_d = row_count0_q;
      count1_d = row_count1_q;
      left0_d = row_count0_q;
      left1_d = row_count1_q;
      left2_d = row_count2_q;
      row0_d = pass_address;
      row1_d = pass_address;
      row2_d = pass_address;
    end
  end

  // Whether the next row is the last of its pass is worked out for either value of the grant, which comes late.
  logic walk_last, pass_single;
  always_comb begin
    // The row after this one is the last: one is left along the level that goes on, and none along the others.
    walk_last = left2_q == '0 && left1_q == '0 && left0_q == (tpukit_isa::MATRIX_ROW_COUNT0_BITS)'(1);
    if (left0_q == '0 && count0_q == '0) begin
      walk_last = left2_q == '0 && left1_q == (tpukit_isa::MATRIX_ROW_COUNT1_BITS)'(1);
      if (left1_q == '0 && count1_q == '0) walk_last = left2_q == (tpukit_isa::MATRIX_ROW_COUNT2_BITS)'(1);
    end
    pass_single = row_count0_q == '0 && row_count1_q == '0 && row_count2_q == '0;
    read_last_d = claim_grant_i ? pass_single : walk_last;
    hold_read_d = '0;
    if (claim_grant_i) hold_read_d = pass_single ? '0 : claim_read_o;
    else if (reading_q && !read_last && !walk_last) hold_read_d = read_banks_q;
  end

  always_ff @(posedge clk_i) begin
    if (claim_grant_i || reading_q) read_last <= read_last_d;
    hold_read_o <= rst_ni ? hold_read_d : '0;
    read_first_q <= read_first_d;
    read_final_q <= read_final_d;
    read_overwrite_q <= read_overwrite_d;
    read_send_q <= read_send_d;
    read_zero_q <= read_zero_d;
    read_banks_q <= read_banks_d;
    if (claim_grant_i || reading_q) begin
      read_acc_q <= read_acc_d;
      step0_q <= step0_d;
      step1_q <= step1_d;
      step2_q <= step2_d;
      count0_q <= count0_d;
      count1_q <= count1_d;
      left0_q <= left0_d;
      left1_q <= left1_d;
      left2_q <= left2_d;
      row0_q <= row0_d;
      row1_q <= row1_d;
      row2_q <= row2_d;
    end
  end

  assign scratchpad_ren_o  = reading_q;
  assign scratchpad_addr_o = row0_q;

  // ---- Accumulator holds: until the cycle before the last write of a pass ------------------------------------------
  logic read_half0, read_half1;  // a row of this half is read
  logic [DRAIN_BITS-1:0] drain0_q, drain0_d, drain1_q, drain1_d;
  assign read_half0 = reading_q && !read_acc_q[HALF_BIT];
  assign read_half1 = reading_q && read_acc_q[HALF_BIT];
  assign hold_acc_o = {read_half1 || drain1_q != '0, read_half0 || drain0_q != '0};

  always_comb begin
    drain0_d = drain0_q;
    if (read_half0) drain0_d = DRAIN_BITS'(LATENCY - 1);
    else if (drain0_q != '0) drain0_d = drain0_q - 1'b1;
    drain1_d = drain1_q;
    if (read_half1) drain1_d = DRAIN_BITS'(LATENCY - 1);
    else if (drain1_q != '0) drain1_d = drain1_q - 1'b1;
  end

  // ---- The rows on their way: element k of the lines belongs to the row read k+1 cycles before ---------------------
  logic [LATENCY-1:0] row_line_q;  // a row
  logic [LATENCY-1:0] final_line_q;  // the last row of an instruction
  logic row_final;
  assign row_final = reading_q && read_last && read_final_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      reading_q <= 1'b0;
      shadow_full_q <= 1'b0;
      shift_left_q <= '0;
      shift_q <= 1'b0;
      shift_qq <= 1'b0;
      drain0_q <= '0;
      drain1_q <= '0;
      row_line_q <= '0;
      final_line_q <= '0;
    end else begin
      active_q <= active_d;
      reading_q <= reading_d;
      shadow_full_q <= shadow_full_d;
      shift_left_q <= shift_left_d;
      shift_q <= shift_start;
      shift_qq <= shift_q;
      drain0_q <= drain0_d;
      drain1_q <= drain1_d;
      row_line_q <= {row_line_q[LATENCY-2:0], reading_q};
      final_line_q <= {final_line_q[LATENCY-2:0], row_final};
    end
  end

  // What travels with a row: a ring that is read, then written, in the same place once every CROSSING cycles.
  logic [21:0] ring[CROSSING];
  logic [21:0] ring_read, accumulate_row_q, write_row_q;  // {send mask, overwrite, accumulator row}
  logic [POINTER_BITS-1:0] pointer_q, pointer_d;
  assign pointer_d = pointer_q == POINTER_BITS'(CROSSING - 1) ? '0 : pointer_q + 1'b1;
  assign ring_read = ring[pointer_q];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) pointer_q <= '0;
    else pointer_q <= pointer_d;
  end

  always_ff @(posedge clk_i) begin
    ring[pointer_q]  <= {read_send_q, read_overwrite_q, read_acc_q};
    accumulate_row_q <= ring_read;
    write_row_q      <= accumulate_row_q;
  end

  // ---- Operands, array, accumulation ------------------------------------------------------------------------------
  logic swap_q;
  logic [7:0] operand_zero_q;
  logic [9*ROWS-1:0] operand_q;
  logic [PSUM_BITS*COLUMNS-1:0] psum;
  logic [32*COLUMNS-1:0] sum_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) swap_q <= 1'b0;
    else swap_q <= reading_q && read_first_q;
    operand_zero_q <= read_zero_q;
  end

  genvar i;
  generate
    for (i = 0; i < ROWS; i++) begin : g_operand
      logic [7:0] x;
      assign x = scratchpad_rdata_i[8*i+:8];
      always_ff @(posedge clk_i) operand_q[9*i+:9] <= {x[7], x} - {operand_zero_q[7], operand_zero_q};
    end
    for (i = 0; i < COLUMNS; i++) begin : g_sum
      logic [PSUM_BITS-1:0] p;
      logic [31:0] extended;
      assign p = psum[PSUM_BITS*i+:PSUM_BITS];
      assign extended = {{(32 - PSUM_BITS) {p[PSUM_BITS-1]}}, p};
      always_ff @(posedge clk_i) begin
        sum_q[32*i+:32] <= extended + (accumulate_row_q[16] ? 32'd0 : acc_rdata_i[32*i+:32]);
      end
    end
  endgenerate

  systolic_array #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS)
  ) u_array (
      .clk_i,
      .rst_ni,
      .x_i(operand_q),
      .swap_i(swap_q),
      .shift_i(shift_qq),
      .weight_row_i(row_data_i),
      .psum_o(psum)
  );

  assign acc_ren_o = row_line_q[CROSSING-1];
  assign acc_raddr_o = ring_read[15:0];
  assign acc_wen_o = row_line_q[LATENCY-1];
  assign acc_waddr_o = write_row_q[15:0];
  assign acc_wdata_o = sum_q;
  assign retire_o = final_line_q[LATENCY-1];
  assign retire_send_o = write_row_q[21:17];

  // ---- What control sees ------------------------------------------------------------------------------------------
  assign idle_o = !active_q && !reading_q && row_line_q == '0;
  assign quiet_o = !(issue || claim_grant_i || reading_q || shifting || row_line_q != '0);

  always_comb begin
    if (reading_q) state_o = 4'(tpukit_isa::STATE_BUSY);
    else if (claim_grant_i || issue) state_o = 4'(tpukit_isa::STATE_START);
    else if (active_q && !shadow_full_q && !shifting) state_o = 4'(tpukit_isa::STATE_WAIT_WEIGHTS);
    else if (active_q && !shadow_full_q) state_o = 4'(tpukit_isa::STATE_WAIT_SHIFT);
    else if (claim_req_o && claim_bank_denied_i) state_o = 4'(tpukit_isa::STATE_WAIT_BANK);
    else if (claim_req_o) state_o = 4'(tpukit_isa::STATE_WAIT_ACCUMULATOR);
    else if (!idle_o) state_o = 4'(tpukit_isa::STATE_DRAIN);
    else state_o = 4'(tpukit_isa::STATE_IDLE);
  end

  logic unused;
  assign unused = ^{instr_i[tpukit_isa::INSTRUCTION_BITS-1:tpukit_isa::MATRIX_USED_BITS],
                    instr_i[tpukit_isa::MATRIX_SEND_LSB-1:0], write_row_q[16]};
endmodule
