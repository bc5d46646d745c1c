// Vector engine (docs/units/vector.md): queue head -> active instruction -> claims -> reads -> pipeline -> writes.
// The request of the active instruction (bank masks, address error) is worked out while it issues, so claims start at
// registers. Reads are in S+1 .. S+n of a grant in S; the next instruction may be granted in S+n.
//
//   cycle             t      t+1=S        S+1 .. S+n       S+21 ..      S+n+20
//   accept_o, issue   1      1 (grant)
//   claim_req_o              1                       1 (the next's)
//   *_ren_o                               1
//   wen_o                                                  1 (for each result, 20 cycles after its last tap)
//   retire_o                                                            1
//   hold_write_o                          1 1 1 1 1 1 1 1 1 1 1 1 .. S+n+19
module vector_engine #(
    parameter int ROWS          = 16,    // rows of the systolic array
    parameter int COLUMNS       = 16,    // columns of the systolic array: lanes
    parameter int BANKS         = 8,     // scratchpad banks
    parameter int BANK_WORDS    = 2048,  // words of a scratchpad bank
    parameter int ACC_ROWS      = 1024,  // accumulator rows, both halves together
    parameter int PARAM_ENTRIES = 64,    // entries of the parameter memory
    localparam int B            = ROWS > COLUMNS ? ROWS : COLUMNS  // bytes of a scratchpad, parameter or table word
) (
    input  logic                                   clk_i,                // clock
    input  logic                                   rst_ni,               // synchronous reset, active low
    // Control
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,             // queue head
    input  logic                                   instr_valid_i,        // queue not empty, its tokens there, running
    output logic                                   accept_o,             // issue in this cycle if instr_valid_i
    output logic                                   retire_o,             // an instruction retires in this cycle
    output logic [tpukit_isa::VECTOR_SEND_BITS-1:0] retire_send_o,       // its send mask, else 0
    output logic [                            3:0] state_o,              // engine state of this cycle
    output logic                                   idle_o,               // nothing active or in flight
    output logic                                   quiet_o,              // no event of the deadlock rule
    output logic                                   address_error_o,      // address error in this cycle
    // Claims
    output logic                                   claim_req_o,          // a segment asks for its ports
    output logic [                      BANKS-1:0] claim_read_o,         // read ports that it wants
    output logic [                      BANKS-1:0] claim_write_o,        // write ports that it wants
    output logic [                            1:0] claim_acc_o,          // accumulator halves that it wants
    input  logic                                   claim_grant_i,        // granted in this cycle
    input  logic                                   claim_bank_denied_i,  // asks, and a scratchpad port is not free
    output logic [                      BANKS-1:0] hold_read_o,          // read ports held
    output logic [                      BANKS-1:0] hold_write_o,         // write ports held
    output logic [                            1:0] hold_acc_o,           // accumulator halves held
    // Scratchpad (read data one cycle after the enable)
    output logic                                   a_ren_o,              // read A
    output logic [                           17:0] a_addr_o,             // granule of A
    input  logic [                  8*COLUMNS-1:0] a_rdata_i,            // A
    output logic                                   b_ren_o,              // read B
    output logic [                           17:0] b_addr_o,             // granule of B
    input  logic [                  8*COLUMNS-1:0] b_rdata_i,            // B
    output logic                                   wen_o,                // write a result
    output logic [                           17:0] waddr_o,              // granule of the result
    output logic [                  8*COLUMNS-1:0] wdata_o,              // the result
    // Accumulators (read data one cycle after the enable)
    output logic                                   acc_ren_o,            // read A
    output logic [                           15:0] acc_raddr_o,          // row of A
    input  logic [                 32*COLUMNS-1:0] acc_rdata_i,          // A
    // Parameter memory, written by the load engine
    input  logic                                   param_wen_i,          // write
    input  logic [                           17:0] param_addr_i,         // word address
    input  logic [                        8*B-1:0] param_wdata_i,        // data
    // Table memory, written by the load engine
    input  logic                                   table_wen_i,          // write
    input  logic [                           17:0] table_addr_i,         // word address
    input  logic [                        8*B-1:0] table_wdata_i         // data
);
  localparam int G = ROWS < COLUMNS ? ROWS : COLUMNS;  // bytes of a granule
  localparam int BANK_GRANULES = BANK_WORDS * (B / G);
  localparam int ACC_BITS = $clog2(ACC_ROWS);
  localparam int ENTRY_BITS = $clog2(PARAM_ENTRIES);
  localparam int STAGES = tpukit_isa::VECTOR_LATENCY_CYCLES;  // from read to write
  localparam int COUNT_BITS = $clog2(STAGES + 1);
  localparam int INSTR_BITS = tpukit_isa::VECTOR_USED_BITS;
  localparam int SEND_BITS = tpukit_isa::VECTOR_SEND_BITS;

  initial if (STAGES != 20) $fatal(1, "vector_pipeline has 20 stages");

  // Banks that hold granules first to last; granules beyond the scratchpad have none.
  function automatic logic [BANKS-1:0] banks(input logic [17:0] first, input logic [18:0] last);
    for (int b = 0; b < BANKS; b++) begin
      banks[b] = 32'(first) < 32'((b + 1) * BANK_GRANULES) && 32'(last) >= 32'(b * BANK_GRANULES);
    end
  endfunction

  // ---- Active instruction: its fields, and its request, worked out in the cycle of its issue
  logic active_d, active_q, error_d, error_q;
  logic [INSTR_BITS-1:0] instr_q;
  logic [BANKS-1:0] read_d, read_q, write_d, write_q;
  logic [1:0] acc_d, acc_q;
  logic issue;
  logic head_from_acc, head_uses_b;
  logic [17:0] head_a, head_b, head_d;
  logic [18:0] head_a_end, head_b_end, head_d_end;
  logic [BANKS-1:0] head_a_banks, head_b_banks;
  logic acc_error, a_error, b_error, d_error;

  always_comb begin
    head_from_acc = instr_i[tpukit_isa::VECTOR_SOURCE_LSB] == 1'(tpukit_isa::SOURCE_ACCUMULATOR);
    head_uses_b = instr_i[tpukit_isa::VECTOR_USE_RESIDUAL_LSB]
        || instr_i[tpukit_isa::VECTOR_REDUCE_LSB+:tpukit_isa::VECTOR_REDUCE_BITS]
           == tpukit_isa::VECTOR_REDUCE_BITS'(tpukit_isa::REDUCE_MAC);
    head_a = instr_i[tpukit_isa::VECTOR_A_LSB+:18];
    head_b = instr_i[tpukit_isa::VECTOR_B_LSB+:18];
    head_d = instr_i[tpukit_isa::VECTOR_D_LSB+:18];
    head_a_end = 19'(head_a) + 19'(instr_i[tpukit_isa::VECTOR_A_SPAN_LSB+:18]);
    head_b_end = 19'(head_b) + 19'(instr_i[tpukit_isa::VECTOR_B_SPAN_LSB+:18]);
    head_d_end = 19'(head_d) + 19'(instr_i[tpukit_isa::VECTOR_D_SPAN_LSB+:18]);

    head_a_banks = head_from_acc ? '0 : banks(head_a, head_a_end);
    head_b_banks = head_uses_b ? banks(head_b, head_b_end) : '0;
    read_d = head_a_banks | head_b_banks;
    write_d = banks(head_d, head_d_end);
    acc_d = '0;
    if (head_from_acc) acc_d[head_a[ACC_BITS-1]] = 1'b1;

    acc_error = 32'(head_a_end) >= 32'(ACC_ROWS) || head_a[ACC_BITS-1] != head_a_end[ACC_BITS-1];
    a_error = head_from_acc ? acc_error : 32'(head_a_end) >= 32'(BANKS * BANK_GRANULES);
    b_error = head_uses_b
        && (32'(head_b_end) >= 32'(BANKS * BANK_GRANULES) || (head_a_banks & head_b_banks) != '0);
    d_error = 32'(head_d_end) >= 32'(BANKS * BANK_GRANULES);
    error_d = a_error || b_error || d_error;
  end

  // ---- Claims: asked for when no reads go on, or in the cycle of the last
  logic running, last, presents, own_conflict;

  assign presents = active_q && (!running || last);
  assign own_conflict = (read_q & hold_write_o) != '0;
  assign claim_req_o = presents && !own_conflict;
  assign claim_read_o = read_q;
  assign claim_write_o = write_q;
  assign claim_acc_o = acc_q;
  assign address_error_o = presents && error_q;
  assign accept_o = !active_q || claim_grant_i;
  assign issue = accept_o && instr_valid_i;
  assign active_d = issue || (active_q && !claim_grant_i);

  // The arbiter grants only what is asked for.
  always @(posedge clk_i) begin
    if (rst_ni) assert (!claim_grant_i || claim_req_o);
  end

  always_ff @(posedge clk_i) begin
    active_q <= active_d && rst_ni;
    if (issue) begin
      instr_q <= instr_i[INSTR_BITS-1:0];
      read_q  <= read_d;
      write_q <= write_d;
      acc_q   <= acc_d;
      error_q <= error_d;
    end
  end

  // ---- Reads
  logic first_tap, last_tap;
  logic [17:0] a_address, b_address, d_address;
  logic [tpukit_isa::VECTOR_PARAMETERS_BITS-1:0] entry;
  logic from_acc_q, uses_b_q, maximum_q, multiply_q, use_residual_q, subtract_q, look_up_q, table_q, rescale_q;
  logic [7:0] a_zero_point_q, b_zero_point_q, zero_point_q, low_q, high_q;
  logic [ENTRY_BITS-1:0] record_q;
  logic [SEND_BITS-1:0] send_q;
  logic [BANKS-1:0] reads_q, writes_q;
  logic [1:0] acc_reads_q;
  logic reduce_is_mac;

  vector_addresses u_addresses (
      .clk_i,
      .rst_ni,
      .start_i(claim_grant_i),
      .instr_i(instr_q),
      .running_o(running),
      .first_tap_o(first_tap),
      .last_tap_o(last_tap),
      .last_o(last),
      .a_o(a_address),
      .b_o(b_address),
      .d_o(d_address),
      .entry_o(entry)
  );

  assign reduce_is_mac = instr_q[tpukit_isa::VECTOR_REDUCE_LSB+:tpukit_isa::VECTOR_REDUCE_BITS]
      == tpukit_isa::VECTOR_REDUCE_BITS'(tpukit_isa::REDUCE_MAC);

  always_ff @(posedge clk_i) begin
    if (claim_grant_i) begin
      from_acc_q <= instr_q[tpukit_isa::VECTOR_SOURCE_LSB] == 1'(tpukit_isa::SOURCE_ACCUMULATOR);
      uses_b_q <= instr_q[tpukit_isa::VECTOR_USE_RESIDUAL_LSB] || reduce_is_mac;
      multiply_q <= reduce_is_mac;
      maximum_q <= instr_q[tpukit_isa::VECTOR_REDUCE_LSB+:tpukit_isa::VECTOR_REDUCE_BITS]
          == tpukit_isa::VECTOR_REDUCE_BITS'(tpukit_isa::REDUCE_MAX);
      use_residual_q <= instr_q[tpukit_isa::VECTOR_USE_RESIDUAL_LSB];
      subtract_q <= instr_q[tpukit_isa::VECTOR_SUBTRACT_LSB];
      look_up_q <= instr_q[tpukit_isa::VECTOR_TABLE_LSB+:2] != 2'd0;
      table_q <= instr_q[tpukit_isa::VECTOR_TABLE_LSB+:2] == 2'd2;
      rescale_q <= instr_q[tpukit_isa::VECTOR_RESCALE_LSB];
      a_zero_point_q <= instr_q[tpukit_isa::VECTOR_A_ZERO_POINT_LSB+:8];
      b_zero_point_q <= instr_q[tpukit_isa::VECTOR_B_ZERO_POINT_LSB+:8];
      zero_point_q <= instr_q[tpukit_isa::VECTOR_ZERO_POINT_LSB+:8];
      low_q <= instr_q[tpukit_isa::VECTOR_LOW_LSB+:8];
      high_q <= instr_q[tpukit_isa::VECTOR_HIGH_LSB+:8];
      record_q <= instr_q[tpukit_isa::VECTOR_RECORD_LSB+:ENTRY_BITS];
      send_q <= instr_q[tpukit_isa::VECTOR_SEND_LSB+:SEND_BITS];
      reads_q <= read_q;
      writes_q <= write_q;
      acc_reads_q <= acc_q;
    end
  end

  assign a_ren_o = running && !from_acc_q;
  assign a_addr_o = a_address;
  assign b_ren_o = running && uses_b_q;
  assign b_addr_o = b_address;
  assign acc_ren_o = running && from_acc_q;
  assign acc_raddr_o = a_address[15:0];

  // ---- Holds: read ports up to the cycle before the last read, write ports up to the one before the last write
  logic [COUNT_BITS-1:0] flight_d, flight_q;  // cycles until the write that belongs to the latest read, inclusive
  logic [BANKS*COUNT_BITS-1:0] holds_d, holds_q;  // the same less one, for every bank to be written
  logic [BANKS-1:0] hold_write_d;  // in the next cycle
  logic in_flight;

  always_comb begin
    flight_d = flight_q;
    if (running) flight_d = COUNT_BITS'(STAGES);
    else if (flight_q != '0) flight_d = flight_q - 1'b1;
    holds_d = holds_q;
    for (int b = 0; b < BANKS; b++) begin
      if (running && writes_q[b]) holds_d[COUNT_BITS*b+:COUNT_BITS] = COUNT_BITS'(STAGES - 1);
      else if (holds_q[COUNT_BITS*b+:COUNT_BITS] != '0)
        holds_d[COUNT_BITS*b+:COUNT_BITS] = holds_q[COUNT_BITS*b+:COUNT_BITS] - 1'b1;
      // A bank is held while the instruction that writes it reads, and after that until holds_q is down to 0.
      hold_write_d[b] = (running && writes_q[b]) || holds_q[COUNT_BITS*b+:COUNT_BITS] > COUNT_BITS'(1)
          || (claim_grant_i && write_q[b]);
    end
    hold_read_o = running && !last ? reads_q : '0;
    hold_acc_o  = running && !last ? acc_reads_q : '0;
  end
  assign in_flight = flight_q != '0;

  always_ff @(posedge clk_i) begin
    flight_q <= rst_ni ? flight_d : '0;
    holds_q  <= rst_ni ? holds_d : '0;
    hold_write_o <= rst_ni ? hold_write_d : '0;
  end

  // ---- Pipeline
  logic [STAGES-1:0] write_pipe_q, retire_pipe_q;  // bit i: stage i + 1
  logic [SEND_BITS-1:0] send;

  always_ff @(posedge clk_i) begin
    write_pipe_q  <= {write_pipe_q[STAGES-2:0], running && last_tap} & {STAGES{rst_ni}};
    retire_pipe_q <= {retire_pipe_q[STAGES-2:0], last} & {STAGES{rst_ni}};
  end

  vector_delay #(
      .WIDTH (18),
      .CYCLES(STAGES)
  ) u_waddr (
      .clk_i,
      .data_i(d_address),
      .data_o(waddr_o)
  );
  vector_delay #(
      .WIDTH (SEND_BITS),
      .CYCLES(STAGES)
  ) u_send (
      .clk_i,
      .data_i(send_q),
      .data_o(send)
  );
  vector_pipeline #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .PARAM_ENTRIES(PARAM_ENTRIES)
  ) u_pipeline (
      .clk_i,
      .param_wen_i,
      .param_addr_i,
      .param_wdata_i,
      .table_wen_i,
      .table_addr_i,
      .table_wdata_i,
      .first_tap_0_i(first_tap),
      .from_accumulator_0_i(from_acc_q),
      .maximum_0_i(maximum_q),
      .multiply_0_i(multiply_q),
      .use_residual_0_i(use_residual_q),
      .subtract_0_i(subtract_q),
      .look_up_0_i(look_up_q),
      .table_0_i(table_q),
      .rescale_0_i(rescale_q),
      .a_zero_point_0_i(a_zero_point_q),
      .b_zero_point_0_i(b_zero_point_q),
      .zero_point_0_i(zero_point_q),
      .low_0_i(low_q),
      .high_0_i(high_q),
      .entry_0_i(entry[ENTRY_BITS-1:0]),
      .record_0_i(record_q),
      .a_1_i(a_rdata_i),
      .b_1_i(b_rdata_i),
      .accumulators_1_i(acc_rdata_i),
      .values_20_o(wdata_o)
  );

  assign wen_o = write_pipe_q[STAGES-1];
  assign retire_o = retire_pipe_q[STAGES-1];
  assign retire_send_o = retire_o ? send : '0;

  // ---- What control sees
  always_comb begin
    if (running) state_o = 4'(tpukit_isa::STATE_BUSY);
    else if (claim_grant_i || issue) state_o = 4'(tpukit_isa::STATE_START);
    else if (presents && (own_conflict || claim_bank_denied_i)) state_o = 4'(tpukit_isa::STATE_WAIT_BANK);
    else if (presents) state_o = 4'(tpukit_isa::STATE_WAIT_ACCUMULATOR);
    else if (in_flight) state_o = 4'(tpukit_isa::STATE_DRAIN);
    else state_o = 4'(tpukit_isa::STATE_IDLE);
  end
  assign idle_o = !active_q && !running && !in_flight;
  assign quiet_o = !issue && !claim_grant_i && !running && !in_flight;

  logic unused;
  assign unused = &{1'b0, instr_i, instr_q, entry};
endmodule
