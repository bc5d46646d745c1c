// Write side of the store engine (docs/units/store.md): the queue of burst buffers, the AXI write channels and the
// responses.
//
//   cycle            S+w+2 (complete)   g        g+1      ...   g+n          g+n+1     g+n+latency
//   write_grant_o                       1                       (next burst)
//   read_o                              beat 0   beat 1
//   AW                                           1
//   W                                            beat 0         beat n-1, last
//   taken                                                                    -1
//   B, retire_o                                                                        1
//
// AW and W hold while their READY is low; a further burst is granted only when AW is free and W is at its last beat.
module store_write #(
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int OUTSTANDING = 16   // bursts granted and not answered
) (
    input  logic                                         clk_i,           // clock
    input  logic                                         rst_ni,          // synchronous reset, active low
    // Burst whose reads are granted
    input  logic                                         taken_i,         // in this cycle
    input  logic [                                 31:0] burst_address_i, // address of its first beat
    input  logic [                                  7:0] burst_offset_i,  // first byte modulo 256
    input  logic [                                  8:0] burst_end_i,     // byte after its last
    input  logic [                                  6:0] burst_beats_i,   // beats
    input  logic                                         burst_final_i,   // the instruction's last
    input  logic [              tpukit_isa::ENGINES-1:0] burst_send_i,    // the instruction's send mask
    output logic                                         room_o,          // a buffer is free (visible)
    output logic                                         buffered_o,      // a buffer is taken (visible)
    output logic                                         outstanding_o,   // a response is outstanding (visible)
    output logic                                         write_grant_o,   // a burst is granted the write channel
    // Packing
    input  logic                                         pack_valid_i,    // a word is written to the buffers
    input  logic                                         pack_last_i,     // the burst's last
    output logic [$clog2(tpukit_isa::STORE_BUFFERS)-1:0] pack_buffer_o,   // the buffer that it goes to
    output logic                                         read_o,          // read a beat of the buffers
    output logic [$clog2(tpukit_isa::STORE_BUFFERS)-1:0] read_buffer_o,   // of this one
    output logic [                7-$clog2(BUS_BYTES):0] read_beat_o,     // which, from place 0 on
    input  logic [                      BUS_BYTES*8-1:0] beat_i,          // one cycle later
    // Retirement
    output logic                                         retire_o,        // an instruction retires in this cycle
    output logic [              tpukit_isa::ENGINES-1:0] retire_send_o,   // its send mask
    // AXI4 write channels: one ID, INCR bursts of whole beats
    output logic                                         m_axi_awvalid_o,
    output logic [                                 31:0] m_axi_awaddr_o,
    output logic [                                  7:0] m_axi_awlen_o,
    output logic [                                  2:0] m_axi_awsize_o,
    output logic [                                  1:0] m_axi_awburst_o,
    input  logic                                         m_axi_awready_i,
    output logic                                         m_axi_wvalid_o,
    output logic [                      BUS_BYTES*8-1:0] m_axi_wdata_o,
    output logic [                        BUS_BYTES-1:0] m_axi_wstrb_o,
    output logic                                         m_axi_wlast_o,
    input  logic                                         m_axi_wready_i,
    input  logic                                         m_axi_bvalid_i,
    output logic                                         m_axi_bready_o
);
  localparam int BUFFERS = tpukit_isa::STORE_BUFFERS;
  localparam int BUFFER_BITS = $clog2(BUFFERS);
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);
  localparam int BEAT_BITS = 8 - BEAT_SHIFT;
  localparam int COUNT_BITS = $clog2(OUTSTANDING + 1);
  localparam int INDEX_BITS = OUTSTANDING > 1 ? $clog2(OUTSTANDING) : 1;
  localparam int ENTRY_BITS = 32 + 8 + 9 + 7 + 1 + tpukit_isa::ENGINES;

  // ---- Burst buffers ---------------------------------------------------------------------------------------------
  logic [ENTRY_BITS-1:0] entries_q[BUFFERS];
  logic [BUFFER_BITS-1:0] take_q, take_d, pack_q, pack_d, send_q, send_d;  // next to be taken, packed, sent
  logic [BUFFER_BITS:0] taken_q, taken_d, complete_q, complete_d;
  logic [31:0] head_address;
  logic [7:0] head_offset;
  logic [8:0] head_end;
  logic [6:0] head_beats;
  logic head_final;
  logic [tpukit_isa::ENGINES-1:0] head_send;

  // ---- Write channels --------------------------------------------------------------------------------------------
  logic awvalid_q, awvalid_d, wvalid_q, wvalid_d;
  logic [31:0] awaddr_q;
  logic [7:0] awlen_q;
  logic [6:0] left_q, left_d;  // beats after this one
  logic [BEAT_BITS-1:0] beat_q, beat_d;  // beat on the bus, from place 0 on
  logic [7:0] first_q;
  logic [8:0] end_q;
  logic [BUFFER_BITS-1:0] sending_q;
  logic grant, sent, stalled;

  // ---- Responses -------------------------------------------------------------------------------------------------
  logic [tpukit_isa::ENGINES:0] waiting_q[OUTSTANDING];  // last burst of its instruction, send mask
  logic [INDEX_BITS-1:0] waiting_head_q, waiting_head_d, waiting_tail_q, waiting_tail_d;
  logic [COUNT_BITS-1:0] outstanding_q, outstanding_d;
  logic answered, answered_final;

  function automatic logic [INDEX_BITS-1:0] after(input logic [INDEX_BITS-1:0] index);
    after = index == INDEX_BITS'(OUTSTANDING - 1) ? '0 : index + INDEX_BITS'(1);
  endfunction

  assign {head_address, head_offset, head_end, head_beats, head_final, head_send} = entries_q[send_q];

  assign stalled = wvalid_q && !m_axi_wready_i;
  assign sent    = wvalid_q && m_axi_wready_i && left_q == '0;
  assign grant   = complete_q != '0 && outstanding_q < COUNT_BITS'(OUTSTANDING) &&
      (!awvalid_q || m_axi_awready_i) && (!wvalid_q || sent);

  assign room_o        = taken_q < (BUFFER_BITS + 1)'(BUFFERS);
  assign buffered_o    = taken_q != '0;
  assign outstanding_o = outstanding_q != '0;
  assign write_grant_o = grant;
  assign pack_buffer_o = pack_q;

  assign read_o        = !stalled;
  assign read_buffer_o = wvalid_q && left_q != '0 ? sending_q : send_q;
  assign read_beat_o   = wvalid_q && left_q != '0 ? beat_q + BEAT_BITS'(1) : head_offset[7:BEAT_SHIFT];

  assign answered = m_axi_bvalid_i && outstanding_o;
  assign {answered_final, retire_send_o} = waiting_q[waiting_head_q];
  assign retire_o = answered && answered_final;

  assign m_axi_awvalid_o = awvalid_q;
  assign m_axi_awaddr_o  = awaddr_q;
  assign m_axi_awlen_o   = awlen_q;
  assign m_axi_awsize_o  = 3'(BEAT_SHIFT);
  assign m_axi_awburst_o = 2'b01;
  assign m_axi_wvalid_o  = wvalid_q;
  assign m_axi_wdata_o   = beat_i;
  assign m_axi_wlast_o   = left_q == '0;
  assign m_axi_bready_o  = 1'b1;

  for (genvar lane = 0; lane < BUS_BYTES; lane++) begin : g_strobe
    logic [7:0] place;

    assign place = {beat_q, BEAT_SHIFT'(lane)};
    assign m_axi_wstrb_o[lane] = place >= first_q && {1'b0, place} < end_q;
  end

  always_comb begin
    take_d         = take_q + BUFFER_BITS'(taken_i);
    pack_d         = pack_q + BUFFER_BITS'(pack_valid_i && pack_last_i);
    send_d         = send_q + BUFFER_BITS'(grant);
    taken_d        = taken_q + (BUFFER_BITS + 1)'(taken_i) - (BUFFER_BITS + 1)'(sent);
    complete_d     = complete_q + (BUFFER_BITS + 1)'(pack_valid_i && pack_last_i) - (BUFFER_BITS + 1)'(grant);
    waiting_tail_d = grant ? after(waiting_tail_q) : waiting_tail_q;
    waiting_head_d = answered ? after(waiting_head_q) : waiting_head_q;
    outstanding_d  = outstanding_q + COUNT_BITS'(grant) - COUNT_BITS'(answered);
  end

  always_comb begin
    awvalid_d = grant || (awvalid_q && !m_axi_awready_i);
    wvalid_d  = grant || (wvalid_q && !sent);
    left_d    = left_q;
    beat_d    = beat_q;
    if (grant) begin
      left_d = head_beats - 7'd1;
      beat_d = head_offset[7:BEAT_SHIFT];
    end else if (wvalid_q && m_axi_wready_i) begin
      left_d = left_q - 7'd1;
      beat_d = beat_q + BEAT_BITS'(1);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      take_q         <= '0;
      pack_q         <= '0;
      send_q         <= '0;
      taken_q        <= '0;
      complete_q     <= '0;
      waiting_head_q <= '0;
      waiting_tail_q <= '0;
      outstanding_q  <= '0;
      awvalid_q      <= 1'b0;
      wvalid_q       <= 1'b0;
    end else begin
      take_q         <= take_d;
      pack_q         <= pack_d;
      send_q         <= send_d;
      taken_q        <= taken_d;
      complete_q     <= complete_d;
      waiting_head_q <= waiting_head_d;
      waiting_tail_q <= waiting_tail_d;
      outstanding_q  <= outstanding_d;
      awvalid_q      <= awvalid_d;
      wvalid_q       <= wvalid_d;
    end
  end

  // Without reset: meaningful only while awvalid_q, wvalid_q or a count says so.
  always_ff @(posedge clk_i) begin
    left_q <= left_d;
    beat_q <= beat_d;
    if (taken_i) begin
      entries_q[take_q] <= {
        burst_address_i, burst_offset_i, burst_end_i, burst_beats_i, burst_final_i, burst_send_i
      };
    end
    if (grant) begin
      awaddr_q                  <= head_address;
      awlen_q                   <= 8'(head_beats) - 8'd1;
      first_q                   <= head_offset;
      end_q                     <= head_end;
      sending_q                 <= send_q;
      waiting_q[waiting_tail_q] <= {head_final, head_send};
    end
  end

`ifdef FORMAL_STORE_WRITE
  `include "store_write.svh"
`endif
endmodule
