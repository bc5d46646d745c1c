// Load engine (docs/units/load.md): memory to scratchpad, parameter memory or table memory. At most four instructions
// between issue and retirement; requests and writes go on side by side.
//
//   load_request ──bursts──> memory ──beats──> load_buffer ──window──> load_write ──words──> scratchpad, parameters, tables
//        ^────────────────────── beats freed ──────────────────────────────┘
//
//   cycle          t       t+1          ...  S            S+1       ...  S+c
//   issue          1
//   mem_req_o              1
//   claim_req_o                              1 (beats there)
//   claim_grant_i                            1
//   *_wen_o                                               word 0         word c-1
//   retire_o                                                             1 (last segment)
module load_engine #(
    parameter int ROWS          = 16,     // rows of the array
    parameter int COLUMNS       = 16,     // columns of the array
    parameter int BANKS         = 4,      // scratchpad banks
    parameter int BANK_WORDS    = 4096,   // words of B bytes in a bank
    parameter int PARAM_ENTRIES = 64,     // entries of the parameter memory
    parameter int LOAD_BEATS    = 256,    // beats of the read buffer, a power of two
    parameter int BUS_BYTES     = 16,     // bytes of a beat
    localparam int B            = ROWS > COLUMNS ? ROWS : COLUMNS  // bytes of a scratchpad word
) (
    input  logic                                    clk_i,            // clock
    input  logic                                    rst_ni,           // synchronous reset, active low
    // Control (rtl/README.md)
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,          // queue head
    input  logic                                    instr_valid_i,    // it is there and has its tokens
    output logic                                    accept_o,         // can accept in this cycle
    output logic                                    retire_o,         // an instruction retires in this cycle
    output logic [         tpukit_isa::ENGINES-1:0] retire_send_o,    // its send mask
    output logic [                             3:0] state_o,          // engine state of this cycle
    output logic                                    idle_o,           // nothing active or in flight (visible)
    output logic                                    quiet_o,          // no event of the deadlock rule in this cycle
    output logic                                    address_error_o,  // the presented segment lies outside
    // Memory port
    output logic                                    mem_req_o,        // presents a burst
    output logic [                            31:0] mem_addr_o,       // its address
    output logic [                             6:0] mem_beats_o,      // its beats
    input  logic                                    mem_grant_i,      // granted in this cycle
    input  logic                                    mem_rvalid_i,     // a beat arrives
    input  logic                                    mem_rlast_i,      // the burst's last beat (not needed)
    input  logic [                 BUS_BYTES*8-1:0] mem_rdata_i,      // the beat
    // Claims
    output logic                                    claim_req_o,      // a segment asks
    output logic [                       BANKS-1:0] claim_write_o,    // for these write ports
    input  logic                                    claim_grant_i,    // granted in this cycle
    output logic [                       BANKS-1:0] hold_write_o,     // write ports held (visible)
    // Scratchpad
    output logic                                    load_wen_o,       // write in this cycle
    output logic [                            17:0] load_addr_o,      // granule address
    output logic [                         B*8-1:0] load_wdata_o,     // bytes
    output logic [                           B-1:0] load_be_o,        // byte enables
    // Parameter memory
    output logic                                    param_wen_o,      // write in this cycle
    output logic [                            17:0] param_addr_o,     // word address
    output logic [                         B*8-1:0] param_wdata_o,    // bytes
    // Table memory
    output logic                                    table_wen_o,      // write in this cycle
    output logic [                            17:0] table_addr_o,     // word address
    output logic [                         B*8-1:0] table_wdata_o     // bytes
);
  localparam int RING_BITS = $clog2(LOAD_BEATS * BUS_BYTES);
  localparam int FREE_BITS = $clog2(LOAD_BEATS) + 1;
  localparam int FLIGHT_BITS = $clog2(tpukit_isa::LOAD_IN_FLIGHT + 1);

  logic [FLIGHT_BITS-1:0] in_flight_q, in_flight_d;
  logic issue, request_ready, segment_grant, access;
  logic [FREE_BITS-1:0] freed_beats;
  logic [RING_BITS-1:0] window_start;
  logic [B*8-1:0] window;
  logic unused_bits;

  assign unused_bits = mem_rlast_i;

  load_request #(
      .LOAD_BEATS(LOAD_BEATS),
      .BUS_BYTES (BUS_BYTES)
  ) i_load_request (
      .clk_i,
      .rst_ni,
      .instr_i,
      .issue_i(issue),
      .ready_o(request_ready),
      .freed_beats_i(freed_beats),
      .mem_req_o,
      .mem_addr_o,
      .mem_beats_o,
      .mem_grant_i
  );

  load_buffer #(
      .LOAD_BEATS(LOAD_BEATS),
      .BUS_BYTES(BUS_BYTES),
      .WINDOW_BYTES(B)
  ) i_load_buffer (
      .clk_i,
      .rst_ni,
      .beat_valid_i(mem_rvalid_i),
      .beat_data_i(mem_rdata_i),
      .start_i(window_start),
      .window_o(window)
  );

  load_write #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .PARAM_ENTRIES(PARAM_ENTRIES),
      .LOAD_BEATS(LOAD_BEATS),
      .BUS_BYTES(BUS_BYTES)
  ) i_load_write (
      .clk_i,
      .rst_ni,
      .instr_i,
      .issue_i(issue),
      .beat_valid_i(mem_rvalid_i),
      .freed_beats_o(freed_beats),
      .window_start_o(window_start),
      .window_i(window),
      .claim_req_o,
      .claim_write_o,
      .claim_grant_i,
      .hold_write_o,
      .grant_o(segment_grant),
      .access_o(access),
      .address_error_o,
      .retire_o,
      .retire_send_o,
      .load_wen_o,
      .load_addr_o,
      .load_wdata_o,
      .load_be_o,
      .param_wen_o,
      .param_addr_o,
      .param_wdata_o,
      .table_wen_o,
      .table_addr_o,
      .table_wdata_o
  );

  assign accept_o = request_ready && in_flight_q < FLIGHT_BITS'(tpukit_isa::LOAD_IN_FLIGHT);
  assign issue    = accept_o && instr_valid_i;
  assign idle_o   = in_flight_q == '0;
  assign quiet_o  = !issue && !segment_grant && !(mem_req_o && mem_grant_i) && !access && !mem_rvalid_i;

  always_comb begin
    if (access) state_o = 4'(tpukit_isa::STATE_BUSY);
    else if (segment_grant || issue) state_o = 4'(tpukit_isa::STATE_START);
    else if (claim_req_o) state_o = 4'(tpukit_isa::STATE_WAIT_BANK);
    else if (!idle_o) state_o = 4'(tpukit_isa::STATE_WAIT_MEMORY);
    else state_o = 4'(tpukit_isa::STATE_IDLE);
  end

  always_comb begin
    in_flight_d = in_flight_q + FLIGHT_BITS'(issue) - FLIGHT_BITS'(retire_o);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) in_flight_q <= '0;
    else in_flight_q <= in_flight_d;
  end
endmodule
