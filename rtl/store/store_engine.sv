// Store engine (docs/units/store.md): scratchpad to memory.
//
//   store_read ──word, place──> store_buffer (4 bursts) ──beats──> store_write ──> AW, W ──> memory ──B──> retire
//        └──────── bursts granted ────────────────────────────────────^
//
//   cycle          t   t+1=S   S+1 .. S+w   S+w+2=g   g+1 .. g+n    g+n+latency
//   issue          1
//   claim_req_o        1
//   store_ren_o                1  ..  1
//   AW, first W                                       1
//   W                                                 1  ..  1
//   B, retire_o                                                     1
module store_engine #(
    parameter int ROWS        = 16,    // rows of the array
    parameter int COLUMNS     = 16,    // columns of the array
    parameter int BANKS       = 4,     // scratchpad banks
    parameter int BANK_WORDS  = 4096,  // words of B bytes in a bank
    parameter int BUS_BYTES   = 16,    // bytes of a beat
    parameter int OUTSTANDING = 16,    // writes outstanding on the memory port
    localparam int B          = ROWS > COLUMNS ? ROWS : COLUMNS  // bytes of a scratchpad word
) (
    input  logic                                    clk_i,            // clock
    input  logic                                    rst_ni,           // synchronous reset, active low
    input  logic [                            31:0] limit_i,          // MEMORY_LIMIT: bytes that may be addressed
    input  logic [                            31:0] program_first_i,  // first byte of the program
    input  logic [                            31:0] program_end_i,    // byte after its last
    // Control (rtl/README.md)
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,          // queue head
    input  logic                                    instr_valid_i,    // it is there and has its tokens
    output logic                                    accept_o,         // can accept in this cycle
    output logic                                    retire_o,         // an instruction retires in this cycle
    output logic [         tpukit_isa::ENGINES-1:0] retire_send_o,    // its send mask
    output logic [                             3:0] state_o,          // engine state of this cycle
    output logic                                    idle_o,           // nothing active or in flight (visible)
    output logic                                    quiet_o,          // no event of the deadlock rule, no write out
    output logic                                    address_error_o,  // the presented burst lies outside
    // Claims
    output logic                                    claim_req_o,      // a burst's reads ask
    output logic [                       BANKS-1:0] claim_read_o,     // for these read ports
    input  logic                                    claim_grant_i,    // granted in this cycle
    output logic [                       BANKS-1:0] hold_read_o,      // read ports held (visible)
    // Scratchpad
    output logic                                    store_ren_o,      // read in this cycle
    output logic [                            17:0] store_addr_o,     // granule address
    input  logic [                         B*8-1:0] store_rdata_i,    // the word, one cycle later
    // AXI4 write channels: one ID, INCR bursts of whole beats
    output logic                                    m_axi_awvalid_o,
    output logic [                            31:0] m_axi_awaddr_o,
    output logic [                             7:0] m_axi_awlen_o,
    output logic [                             2:0] m_axi_awsize_o,
    output logic [                             1:0] m_axi_awburst_o,
    input  logic                                    m_axi_awready_i,
    output logic                                    m_axi_wvalid_o,
    output logic [                 BUS_BYTES*8-1:0] m_axi_wdata_o,
    output logic [                   BUS_BYTES-1:0] m_axi_wstrb_o,
    output logic                                    m_axi_wlast_o,
    input  logic                                    m_axi_wready_i,
    input  logic                                    m_axi_bvalid_i,
    output logic                                    m_axi_bready_o
);
  localparam int BUFFER_BITS = $clog2(tpukit_isa::STORE_BUFFERS);

  logic active, ready, room, buffered, outstanding, issue, granted, taken, write_grant;
  logic [31:0] burst_address;
  logic [7:0] burst_offset;
  logic [8:0] burst_end;
  logic [6:0] burst_beats;
  logic burst_final;
  logic [tpukit_isa::ENGINES-1:0] burst_send;
  logic pack_valid, pack_last;
  logic [$clog2(B)-1:0] pack_first;
  logic [$clog2(B):0] pack_end;
  logic [7:0] pack_place;
  logic [BUFFER_BITS-1:0] pack_buffer, read_buffer;
  logic read;
  logic [7-$clog2(BUS_BYTES):0] read_beat;
  logic [BUS_BYTES*8-1:0] beat;

  store_read #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .BUS_BYTES(BUS_BYTES)
  ) i_store_read (
      .clk_i,
      .rst_ni,
      .instr_i,
      .issue_i(issue),
      .limit_i,
      .program_first_i,
      .program_end_i,
      .active_o(active),
      .ready_o(ready),
      .room_i(room),
      .claim_req_o,
      .claim_read_o,
      .claim_grant_i,
      .hold_read_o,
      .address_error_o,
      .store_ren_o,
      .store_addr_o,
      .granted_o(granted),
      .taken_o(taken),
      .burst_address_o(burst_address),
      .burst_offset_o(burst_offset),
      .burst_end_o(burst_end),
      .burst_beats_o(burst_beats),
      .burst_final_o(burst_final),
      .burst_send_o(burst_send),
      .pack_valid_o(pack_valid),
      .pack_last_o(pack_last),
      .pack_first_o(pack_first),
      .pack_end_o(pack_end),
      .pack_place_o(pack_place)
  );

  store_buffer #(
      .B(B),
      .BUS_BYTES(BUS_BYTES)
  ) i_store_buffer (
      .clk_i,
      .pack_valid_i(pack_valid),
      .pack_buffer_i(pack_buffer),
      .pack_first_i(pack_first),
      .pack_end_i(pack_end),
      .pack_place_i(pack_place),
      .pack_data_i(store_rdata_i),
      .read_i(read),
      .read_buffer_i(read_buffer),
      .read_beat_i(read_beat),
      .beat_o(beat)
  );

  store_write #(
      .BUS_BYTES  (BUS_BYTES),
      .OUTSTANDING(OUTSTANDING)
  ) i_store_write (
      .clk_i,
      .rst_ni,
      .taken_i(taken),
      .burst_address_i(burst_address),
      .burst_offset_i(burst_offset),
      .burst_end_i(burst_end),
      .burst_beats_i(burst_beats),
      .burst_final_i(burst_final),
      .burst_send_i(burst_send),
      .room_o(room),
      .buffered_o(buffered),
      .outstanding_o(outstanding),
      .write_grant_o(write_grant),
      .pack_valid_i(pack_valid),
      .pack_last_i(pack_last),
      .pack_buffer_o(pack_buffer),
      .read_o(read),
      .read_buffer_o(read_buffer),
      .read_beat_o(read_beat),
      .beat_i(beat),
      .retire_o,
      .retire_send_o,
      .m_axi_awvalid_o,
      .m_axi_awaddr_o,
      .m_axi_awlen_o,
      .m_axi_awsize_o,
      .m_axi_awburst_o,
      .m_axi_awready_i,
      .m_axi_wvalid_o,
      .m_axi_wdata_o,
      .m_axi_wstrb_o,
      .m_axi_wlast_o,
      .m_axi_wready_i,
      .m_axi_bvalid_i,
      .m_axi_bready_o
  );

  assign accept_o = ready;
  assign issue    = ready && instr_valid_i;
  assign idle_o   = !active && !buffered && !outstanding;
  assign quiet_o  = !issue && !granted && !write_grant && !store_ren_o && !outstanding;

  always_comb begin
    if (store_ren_o) state_o = 4'(tpukit_isa::STATE_BUSY);
    else if (granted || issue) state_o = 4'(tpukit_isa::STATE_START);
    else if (active && !room) state_o = 4'(tpukit_isa::STATE_WAIT_ROOM);
    else if (claim_req_o) state_o = 4'(tpukit_isa::STATE_WAIT_BANK);
    else if (buffered || outstanding) state_o = 4'(tpukit_isa::STATE_WAIT_MEMORY);
    else state_o = 4'(tpukit_isa::STATE_IDLE);
  end
endmodule
