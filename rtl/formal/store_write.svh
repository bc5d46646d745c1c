  // The write channels: AW and W hold and keep their payload until they are taken; each burst has as many beats as its
  // address says, WLAST on the last alone; an address goes out only once its burst is packed; bursts in order.
  `include "formal_reset.svh"
  logic f_aw_waits_q, f_w_waits_q, f_w_last_q, f_read_q;
  logic [31:0] f_awaddr_q;
  logic [7:0] f_awlen_q, f_place;
  logic [BUS_BYTES*8-1:0] f_wdata_q, f_beat_q;
  logic [BUS_BYTES-1:0] f_wstrb_q;
  logic [BUFFERS-1:0][31:0] f_address_q;  // bursts taken and not granted the channel, the oldest lowest
  logic [BUFFERS-1:0][7:0] f_offset_q;
  logic [BUFFERS-1:0][8:0] f_end_q;
  logic [BUFFERS-1:0][6:0] f_beats_q;
  logic [BUFFER_BITS:0] f_taken_q, f_packed_q, f_behind;  // of these so many; so many packed from the oldest on
  logic f_sending_q;  // a burst is on W
  logic [31:0] f_now_address_q;  // it: address, offset, end, beats, beats sent
  logic [7:0] f_now_offset_q;
  logic [8:0] f_now_end_q;
  logic [6:0] f_now_beats_q, f_sent_q;
  logic [COUNT_BITS-1:0] f_outstanding_q, f_answerable_q;  // addresses granted, bursts sent whole; not answered
  logic f_w, f_whole;
  logic [15:0] f_aw_end;  // end of the burst on AW, from the multiple of 256 bytes on

  assign f_w = m_axi_wvalid_o && m_axi_wready_i;
  assign f_aw_end = 16'(m_axi_awaddr_o[7:0]) + 16'({8'(m_axi_awlen_o) + 8'd1, {BEAT_SHIFT{1'b0}}});
  assign f_whole = f_w && m_axi_wlast_o;
  assign f_behind = f_taken_q - (BUFFER_BITS + 1)'(write_grant_o);
  assign f_place = {f_now_offset_q[7:BEAT_SHIFT], {BEAT_SHIFT{1'b0}}} + (8'(f_sent_q) << BEAT_SHIFT);

  always_ff @(posedge clk_i) begin
    f_aw_waits_q <= rst_ni && m_axi_awvalid_o && !m_axi_awready_i;
    f_w_waits_q  <= rst_ni && m_axi_wvalid_o && !m_axi_wready_i;
    {f_awaddr_q, f_awlen_q} <= {m_axi_awaddr_o, m_axi_awlen_o};
    {f_wdata_q, f_wstrb_q, f_w_last_q} <= {m_axi_wdata_o, m_axi_wstrb_o, m_axi_wlast_o};
    {f_read_q, f_beat_q} <= {read_o, beat_i};
    if (write_grant_o) begin
      f_address_q <= f_address_q >> 32;
      f_offset_q  <= f_offset_q >> 8;
      f_end_q     <= f_end_q >> 9;
      f_beats_q   <= f_beats_q >> 7;
      f_now_address_q <= f_address_q[0];
      f_now_offset_q  <= f_offset_q[0];
      f_now_end_q     <= f_end_q[0];
      f_now_beats_q   <= f_beats_q[0];
    end
    if (taken_i) begin
      f_address_q[f_behind[BUFFER_BITS-1:0]] <= burst_address_i;
      f_offset_q[f_behind[BUFFER_BITS-1:0]]  <= burst_offset_i;
      f_end_q[f_behind[BUFFER_BITS-1:0]]     <= burst_end_i;
      f_beats_q[f_behind[BUFFER_BITS-1:0]]   <= burst_beats_i;
    end
    if (!rst_ni) begin
      {f_taken_q, f_packed_q, f_sending_q, f_sent_q, f_outstanding_q, f_answerable_q} <= '0;
    end else begin
      f_taken_q       <= f_taken_q + (BUFFER_BITS + 1)'(taken_i) - (BUFFER_BITS + 1)'(write_grant_o);
      f_packed_q      <= f_packed_q + (BUFFER_BITS + 1)'(pack_valid_i && pack_last_i) - (BUFFER_BITS + 1)'(write_grant_o);
      f_sending_q     <= write_grant_o || (f_sending_q && !f_whole);
      f_sent_q        <= write_grant_o ? '0 : f_sent_q + 7'(f_w);
      f_outstanding_q <= f_outstanding_q + COUNT_BITS'(write_grant_o) - COUNT_BITS'(m_axi_bvalid_i);
      f_answerable_q  <= f_answerable_q + COUNT_BITS'(f_whole) - COUNT_BITS'(m_axi_bvalid_i);
    end
  end

  always_comb begin
    // What store_read hands over: a burst for which there is a buffer, cut as burst_cutter.svh proves.
    assume (!taken_i || room_o);
    assume (!taken_i || (burst_address_i[7:0] == {burst_offset_i[7:BEAT_SHIFT], {BEAT_SHIFT{1'b0}}} &&
        burst_end_i > {1'b0, burst_offset_i} && burst_end_i <= 9'd256 && burst_beats_i != '0 &&
        16'(burst_address_i[7:0]) + (16'(burst_beats_i) << BEAT_SHIFT) >= 16'(burst_end_i) &&
        16'(burst_address_i[7:0]) + (16'(burst_beats_i) << BEAT_SHIFT) < 16'(burst_end_i) + 16'(BUS_BYTES)));
    assume (!pack_valid_i || f_packed_q < f_taken_q);  // words of a burst that is taken
    assume (f_read_q || beat_i == f_beat_q);  // store_buffer: the beat stays until the next is read
    assume (!m_axi_bvalid_i || f_answerable_q != '0);  // a response follows its burst
    if (f_started_q) begin
      // Stability.
      if (f_aw_waits_q) assert (m_axi_awvalid_o && m_axi_awaddr_o == f_awaddr_q && m_axi_awlen_o == f_awlen_q);
      if (f_w_waits_q) assert (m_axi_wvalid_o && m_axi_wlast_o == f_w_last_q && m_axi_wstrb_o == f_wstrb_q);
      if (f_w_waits_q) assert (m_axi_wdata_o == f_wdata_q);
      // AW: the burst whose data is on W, or whose data is all sent; legal.
      if (m_axi_awvalid_o) begin
        assert (m_axi_awaddr_o == f_now_address_q && 8'(m_axi_awlen_o) + 8'd1 == 8'(f_now_beats_q));
        assert (m_axi_awlen_o <= 8'd63);
        assert (m_axi_awaddr_o[BEAT_SHIFT-1:0] == '0);
        assert (f_aw_end <= 16'd256);
      end
      if (f_sending_q || m_axi_awvalid_o) begin
        assert (f_now_address_q[BEAT_SHIFT-1:0] == '0 && f_now_beats_q != '0);
        assert (16'(f_now_address_q[7:0]) + (16'(f_now_beats_q) << BEAT_SHIFT) <= 16'd256);
      end
      assert (m_axi_awsize_o == 3'(BEAT_SHIFT) && m_axi_awburst_o == 2'b01 && m_axi_bready_o);
      // W: all beats of the burst and no other; only bytes of it are enabled.
      assert (m_axi_wvalid_o == f_sending_q);
      if (f_sending_q) begin
        assert (f_sent_q < f_now_beats_q);
        assert (m_axi_wlast_o == (f_sent_q + 7'd1 == f_now_beats_q));
        assert (left_q + f_sent_q + 7'd1 == f_now_beats_q);
        assert ({beat_q, {BEAT_SHIFT{1'b0}}} == f_place);
        assert (first_q == f_now_offset_q && end_q == f_now_end_q);
      end
      // Buffers and outstanding bursts.
      assert (!write_grant_o || f_packed_q != '0);
      assert (complete_q == f_packed_q && f_packed_q <= f_taken_q);
      assert (32'(f_taken_q) + 32'(f_sending_q) <= BUFFERS);
      assert (32'(taken_q) == 32'(f_taken_q) + 32'(f_sending_q));
      assert (32'(f_outstanding_q) <= OUTSTANDING && outstanding_q == f_outstanding_q);
      assert (32'(f_outstanding_q) == 32'(f_answerable_q) + 32'(f_sending_q));
      assert (!retire_o || m_axi_bvalid_i);
      cover (f_aw_waits_q && f_w_waits_q && f_whole && f_now_beats_q == 3);
      cover (32'(f_outstanding_q) == OUTSTANDING && f_packed_q == 1);
      cover (retire_o && write_grant_o && f_taken_q == 3);
    end
  end

  for (genvar lane = 0; lane < BUS_BYTES; lane++) begin : g_f_strobe
    logic [8:0] f_byte;

    assign f_byte = {1'b0, f_place} + 9'(lane);
    always_comb begin
      if (f_started_q && f_sending_q) begin
        assert (m_axi_wstrb_o[lane] == (f_byte >= {1'b0, f_now_offset_q} && f_byte < f_now_end_q));
      end
    end
  end

  // The ring of bursts against the queue that shifts.
  logic [BUFFER_BITS-1:0] f_tail;
  assign f_tail = send_q + f_taken_q[BUFFER_BITS-1:0];
  always_comb if (f_started_q) assert (take_q == f_tail);
  for (genvar place = 0; place < BUFFERS; place++) begin : g_f_entry
    logic [BUFFER_BITS-1:0] f_index;
    logic [ENTRY_BITS-1:0] f_entry;

    assign f_index = send_q + BUFFER_BITS'(place);
    assign f_entry = entries_q[f_index];
    always_comb begin
      if (f_started_q && 32'(f_taken_q) > place) begin
        assert (f_entry[ENTRY_BITS-1:tpukit_isa::ENGINES+1] ==
            {f_address_q[place], f_offset_q[place], f_end_q[place], f_beats_q[place]});
        assert (f_address_q[place][7:0] == {f_offset_q[place][7:BEAT_SHIFT], {BEAT_SHIFT{1'b0}}});
        assert (f_end_q[place] > {1'b0, f_offset_q[place]} && f_end_q[place] <= 9'd256 && f_beats_q[place] != '0);
        assert (16'(f_address_q[place][7:0]) + (16'(f_beats_q[place]) << BEAT_SHIFT) >= 16'(f_end_q[place]));
        assert (16'(f_address_q[place][7:0]) + (16'(f_beats_q[place]) << BEAT_SHIFT) <
            16'(f_end_q[place]) + 16'(BUS_BYTES));
      end
    end
  end
