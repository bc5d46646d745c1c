// Control: fetch, dispatch, the five queues, tokens, counters and the end of a program. Engines see `instr_valid_o` in
// every cycle in which the head of their queue may issue; it issues if they accept.
//
//   fetch ──> fetch buffer ──> dispatch ──> queue[q] ──instr_valid_o[q]──> engine q
//                                              ^                              │ retire_i[q]
//                                              └────────── tokens <───────────┘
module control #(
    parameter int ROWS        = 16,  // rows of the array
    parameter int COLUMNS     = 16,  // columns of the array
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int QUEUE_DEPTH = 8,   // instructions in each engine's queue
    parameter int FETCH_DEPTH = 16   // instructions in the fetch buffer
) (
    input  logic                   clk_i,               // clock
    input  logic                   rst_ni,              // synchronous reset, active low
    // Host registers
    input  logic                   start_i,             // CONTROL.start is written
    input  logic                   reset_i,             // CONTROL.reset is written
    input  logic [31:8]            program_address_i,   // address of the first instruction, in 256 bytes
    input  logic [31:0]            program_length_i,    // instructions
    output logic                   start_o,             // a program starts: this is cycle 0
    output logic                   running_o,           // the program runs
    output logic [2:0]             status_o,            // STATUS
    output logic [63:0]            cycles_o,            // CYCLES
    output logic [31:0]            read_beats_o,        // READ_BEATS
    output logic [31:0]            write_beats_o,       // WRITE_BEATS
    input  logic [2:0]             counter_engine_i,    // state counter to read: engine
    input  logic [3:0]             counter_state_i,     // and state
    output logic [63:0]            counter_o,           // its value
    // Resets of the machine
    output logic                   core_rst_no,         // engines; low while no program runs
    output logic                   memory_rst_no,       // memory port; low once it is drained, too
    // Engines: bit or slice q belongs to engine q
    output logic [5*512-1:0]       instr_o,             // heads of the queues, with what is worked out ahead
    output logic [4:0]             instr_valid_o,       // heads that may issue
    input  logic [4:0]             accept_i,            // engines that can accept
    input  logic [4:0]             retire_i,            // engines that retire an instruction
    input  logic [24:0]            retire_send_i,       // its send mask, for each engine
    input  logic [19:0]            state_i,             // state of each engine, but for waiting for tokens
    input  logic [4:0]             idle_i,              // idle engines
    input  logic [4:0]             quiet_i,             // engines without an event
    input  logic                   bus_error_i,         // the memory answers with an error
    input  logic                   address_error_i,     // address error of any unit
    input  logic                   port_quiet_i,        // no grant, beat or response, and nothing outstanding
    input  logic                   drained_i,           // nothing is outstanding or on its way out
    input  logic                   read_beat_i,         // a beat is read
    input  logic                   write_beat_i,        // a beat is written
    // Memory port of fetch
    output logic                   mem_req_o,           // a burst is presented
    output logic [31:0]            mem_addr_o,          // its address
    output logic [6:0]             mem_beats_o,         // its beats
    input  logic                   mem_grant_i,         // it is granted
    input  logic                   mem_rvalid_i,        // a beat of fetch arrives
    input  logic [BUS_BYTES*8-1:0] mem_rdata_i,         // that beat
    // Observation
    output logic [4:0]             issue_o,             // engines that issue in this cycle
    output logic [19:0]            state_o              // their states
);
  localparam logic [3:0] WaitToken = 4'(tpukit_isa::STATE_WAIT_TOKEN);
  localparam logic [3:0] Drain = 4'(tpukit_isa::STATE_DRAIN);
  localparam int LoadAhead = 2 * tpukit_isa::LOAD_LINE_BYTES_BITS;
  localparam int MatrixAhead = tpukit_isa::MATRIX_ROW_COUNT0_BITS + tpukit_isa::MATRIX_ROW_COUNT1_BITS + 1;
  localparam logic [3:0] Idle = 4'(tpukit_isa::STATE_IDLE);

  logic running, draining, ending;
  logic [2:0] end_status;
  logic head_valid, dispatched, halt, illegal, overflow, quiet;
  logic [511:0] head;
  logic [4:0] full, push, queued, ready;
  logic [24:0] wait_masks;

  assign running_o = running;
  assign core_rst_no = rst_ni && running;
  // Low already in the cycle that finds the port drained, so that store starts no further burst then.
  assign memory_rst_no = rst_ni && (running || (draining && !drained_i));

  run_state u_run_state (
      .clk_i,
      .rst_ni,
      .start_i,
      .reset_i,
      .end_i       (ending),
      .end_status_i(end_status),
      .drained_i,
      .start_o,
      .running_o   (running),
      .draining_o  (draining),
      .status_o
  );

  fetch #(
      .BUS_BYTES  (BUS_BYTES),
      .FETCH_DEPTH(FETCH_DEPTH)
  ) u_fetch (
      .clk_i,
      .rst_ni      (core_rst_no),
      .running_i   (running),
      .program_address_i,
      .program_length_i,
      .mem_req_o,
      .mem_addr_o,
      .mem_beats_o,
      .mem_grant_i,
      .mem_rvalid_i,
      .mem_rdata_i,
      .head_valid_o(head_valid),
      .head_o      (head),
      .head_pop_i  (dispatched)
  );

  dispatch #(
      .ROWS   (ROWS),
      .COLUMNS(COLUMNS)
  ) u_dispatch (
      .running_i   (running),
      .head_valid_i(head_valid),
      .head_i      (head),
      .full_i      (full),
      .push_o      (push),
      .pop_o       (dispatched),
      .halt_o      (halt),
      .illegal_o   (illegal)
  );

  // Some of what an engine needs right after the issue takes longer than a cycle. It is worked out while the instruction
  // enters its queue, and kept there above it.
  logic [LoadAhead-1:0] load_ahead;
  logic [MatrixAhead-1:0] matrix_ahead;

  load_ahead u_load_ahead (
      .instr_i(head),
      .ahead_o(load_ahead)
  );
  // Rows of the two inner loops of a pass.
  assign matrix_ahead =
      (MatrixAhead'(head[tpukit_isa::MATRIX_ROW_COUNT0_LSB+:tpukit_isa::MATRIX_ROW_COUNT0_BITS]) + 1'b1) *
      (MatrixAhead'(head[tpukit_isa::MATRIX_ROW_COUNT1_LSB+:tpukit_isa::MATRIX_ROW_COUNT1_BITS]) + 1'b1);

  generate
    for (genvar q = 0; q < 5; q++) begin : g_engine
      localparam int Width = q == tpukit_isa::ENGINE_LOAD ? tpukit_isa::LOAD_USED_BITS + LoadAhead
          : q == tpukit_isa::ENGINE_WEIGHTS ? tpukit_isa::WEIGHTS_USED_BITS
          : q == tpukit_isa::ENGINE_MATRIX ? tpukit_isa::MATRIX_USED_BITS + MatrixAhead
          : q == tpukit_isa::ENGINE_VECTOR ? tpukit_isa::VECTOR_USED_BITS : tpukit_isa::STORE_USED_BITS;

      logic [Width-1:0] pushed, entry;
      logic [3:0] state;

      if (q == tpukit_isa::ENGINE_LOAD) begin : g_load
        assign pushed = {load_ahead, head[tpukit_isa::LOAD_USED_BITS-1:0]};
      end else if (q == tpukit_isa::ENGINE_MATRIX) begin : g_matrix
        assign pushed = {matrix_ahead, head[tpukit_isa::MATRIX_USED_BITS-1:0]};
      end else begin : g_plain
        assign pushed = head[Width-1:0];
      end

      instruction_queue #(
          .WIDTH(Width),
          .DEPTH(QUEUE_DEPTH)
      ) u_queue (
          .clk_i,
          .rst_ni (core_rst_no),
          .push_i (push[q]),
          .data_i (pushed),
          .pop_i  (issue_o[q]),
          .valid_o(queued[q]),
          .full_o (full[q]),
          .head_o (entry)
      );

      assign instr_o[512*q+:512] = {{512 - Width{1'b0}}, entry};
      // The masks lie at the same place in every engine's format.
      assign wait_masks[5*q+:5] = entry[tpukit_isa::LOAD_WAIT_LSB+:5];
      assign instr_valid_o[q] = queued[q] && ready[q] && running;
      assign issue_o[q] = instr_valid_o[q] && accept_i[q];
      assign state = state_i[4*q+:4];
      assign state_o[4*q+:4] = (state == Drain || state == Idle) && queued[q] && !issue_o[q] ? WaitToken : state;
    end
  endgenerate

  tokens u_tokens (
      .clk_i,
      .rst_ni    (core_rst_no),
      .wait_i    (wait_masks),
      .issue_i   (issue_o),
      .retire_i,
      .send_i    (retire_send_i),
      .ready_o   (ready),
      .overflow_o(overflow)
  );

  assign quiet = quiet_i == '1 && port_quiet_i && !dispatched && issue_o == '0;

  program_end u_end (
      .clk_i,
      .rst_ni   (core_rst_no),
      .running_i(running),
      .halt_i   (halt),
      .empty_i  (queued == '0),
      .idle_i   (idle_i == '1),
      .quiet_i  (quiet),
      .bus_error_i,
      .illegal_i(illegal),
      .address_error_i,
      .overflow_i(overflow),
      .end_o    (ending),
      .status_o (end_status)
  );

  program_counters u_counters (
      .clk_i,
      .rst_ni,
      .clear_i         (start_o || reset_i),
      .running_i       (running),
      .state_i         (state_o),
      .read_beat_i,
      .write_beat_i,
      .counter_engine_i,
      .counter_state_i,
      .counter_o,
      .cycles_o,
      .read_beats_o,
      .write_beats_o
  );
endmodule
