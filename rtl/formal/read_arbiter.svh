  // Who is granted, what goes out on AR, and who gets the beats that come back. The memory promises: an address waits at
  // most F_STALL cycles, and while bursts are outstanding one ends at least every F_ANSWER + 1 cycles.
  `include "formal_reset.svh"
  localparam int F_STALL = 2;
  localparam int F_ANSWER = 3;
  localparam int F_WAIT = OUTSTANDING > 1 ? F_ANSWER : F_ANSWER + 1;  // cycles in a row: somebody asks, nobody is granted
  logic [2:0] f_requests, f_grants, f_first, f_beats_to;  // fetch, weights, load
  logic f_room, f_error_q, f_pending_q, f_stalled_q;
  logic [31:0] f_addr_q, f_addr, f_stalled_addr_q, f_limit_q;
  logic [6:0] f_beats_q, f_beats;
  logic [7:0] f_stalled_len_q;
  logic [OUTSTANDING-1:0][2:0] f_owners_q;  // one-hot, the oldest lowest
  logic [COUNT_BITS-1:0] f_count_q, f_place;
  logic [2:0] f_stall_q, f_answer_q, f_wait_q;
  logic [32:0] f_behind;

  assign f_requests = {load_req_i, weights_req_i, fetch_req_i};
  assign f_grants = {load_grant_o, weights_grant_o, fetch_grant_o};
  assign f_first = f_requests & -f_requests;  // of those that ask, the first in the order
  assign f_room = 32'(f_count_q) < OUTSTANDING && (!m_axi_arvalid_o || m_axi_arready_i);
  assign f_addr = fetch_req_i ? fetch_addr_i : weights_req_i ? weights_addr_i : load_addr_i;
  assign f_beats = fetch_req_i ? fetch_beats_i : weights_req_i ? weights_beats_i : load_beats_i;
  assign f_place = f_count_q - COUNT_BITS'(done);
  assign f_beats_to = {load_rvalid_o, weights_rvalid_o, fetch_rvalid_o};
  assign f_behind = {1'b0, m_axi_araddr_o} + ((33'(m_axi_arlen_o) + 33'd1) << BEAT_SHIFT);

  always_ff @(posedge clk_i) begin
    f_error_q        <= rst_ni && address_error_o;
    f_stalled_q      <= rst_ni && m_axi_arvalid_o && !m_axi_arready_i;
    f_stalled_addr_q <= m_axi_araddr_o;
    f_stalled_len_q  <= m_axi_arlen_o;
    f_limit_q        <= limit_i;
    if (!rst_ni) begin
      {f_count_q, f_pending_q, f_stall_q, f_answer_q, f_wait_q} <= '0;
    end else begin
      f_count_q   <= f_count_q + COUNT_BITS'(f_grants != '0) - COUNT_BITS'(done);
      f_pending_q <= f_grants != '0 || (f_pending_q && !m_axi_arready_i);
      f_stall_q   <= m_axi_arvalid_o && !m_axi_arready_i ? f_stall_q + 1'b1 : '0;
      f_answer_q  <= f_count_q != '0 && !done ? f_answer_q + 1'b1 : '0;
      f_wait_q    <= f_requests != '0 && f_grants == '0 ? f_wait_q + 1'b1 : '0;
      if (f_grants != '0) f_addr_q <= f_addr;
      if (f_grants != '0) f_beats_q <= f_beats;
    end
    if (done) f_owners_q <= f_owners_q >> 3;
    if (f_grants != '0) f_owners_q[f_place] <= f_first;
  end

  always_comb begin
    // What the requesters present is legal: burst_cutter.svh and fetch.svh prove it.
    assume (!fetch_req_i || f_legal(fetch_addr_i[7:0], fetch_beats_i));
    assume (!weights_req_i || f_legal(weights_addr_i[7:0], weights_beats_i));
    assume (!load_req_i || f_legal(load_addr_i[7:0], load_beats_i));
    assume (!f_error_q || !rst_ni);  // an address error ends the program
    assume (!f_started_q || !rst_ni || limit_i == f_limit_q);
    assume (!m_axi_rvalid_i || f_count_q != '0);
    assume (32'(f_stall_q) < F_STALL || !m_axi_arvalid_o || m_axi_arready_i);
    assume (32'(f_answer_q) < F_ANSWER || f_count_q == '0 || done);
    if (f_started_q) begin
      assert (error_q == f_error_q);
      if (f_error_q && m_axi_arvalid_o) assert (f_behind <= 33'(f_limit_q));  // what is beyond never goes out
      cover (f_error_q && granted_q);
    end
    if (f_started_q && !f_error_q) begin
      // Grants: to the first in the order of those that ask, exactly when there is room.
      assert (f_grants == (f_room ? f_first : 3'b0));
      assert ((f_grants & (f_grants - 1'b1)) == '0);
      // Waiting: bounded.
      assert (32'(f_wait_q) <= F_WAIT);
      assert (32'(f_stall_q) <= F_STALL && 32'(f_answer_q) <= F_ANSWER);
      // Outstanding bursts.
      assert (32'(f_count_q) <= OUTSTANDING);
      assert (outstanding_q == f_count_q);
      assert (outstanding_o == (f_count_q != '0));
      assert (32'(head_q) < OUTSTANDING && 32'(tail_q) < OUTSTANDING);
      // AR: what was granted, once, and stable while it waits.
      assert (m_axi_arvalid_o == f_pending_q);
      assert (!f_pending_q || (m_axi_araddr_o == f_addr_q && 9'(m_axi_arlen_o) + 9'd1 == 9'(f_beats_q)));
      if (f_stalled_q) assert (m_axi_arvalid_o);
      if (f_stalled_q) assert (m_axi_araddr_o == f_stalled_addr_q && m_axi_arlen_o == f_stalled_len_q);
      // AR: legal.
      if (f_pending_q) begin
        assert (m_axi_arlen_o <= 8'd63);
        assert (m_axi_araddr_o[BEAT_SHIFT-1:0] == '0);
        assert (33'(m_axi_araddr_o[7:0]) + ((33'(m_axi_arlen_o) + 33'd1) << BEAT_SHIFT) <= 33'd256);
        assert (f_behind <= 33'(f_limit_q));
      end
      assert (m_axi_arsize_o == 3'(BEAT_SHIFT) && m_axi_arburst_o == 2'b01 && m_axi_rready_o);
      // R: each beat to the owner of the oldest burst.
      assert (f_beats_to == (m_axi_rvalid_i ? f_owners_q[0] : 3'b0));
      assert ({load_rlast_o, weights_rlast_o, fetch_rlast_o} == (m_axi_rlast_i ? f_beats_to : 3'b0));
      cover (32'(f_wait_q) == F_WAIT && load_grant_o);
      cover (32'(f_count_q) == OUTSTANDING && f_owners_q[0] == 3'b100 && f_owners_q[1] == 3'b010);
      cover (f_stalled_q && 32'(f_stall_q) == F_STALL && tail_q == 0);
    end
  end

  for (genvar place = 0; place < OUTSTANDING; place++) begin : g_f_place
    logic [INDEX_BITS:0] f_ahead;
    logic [INDEX_BITS-1:0] f_index;
    logic [1:0] f_owner;

    assign f_ahead = {1'b0, head_q} + (INDEX_BITS + 1)'(place);
    assign f_index = 32'(f_ahead) < OUTSTANDING ? f_ahead[INDEX_BITS-1:0] : INDEX_BITS'(32'(f_ahead) - OUTSTANDING);
    assign f_owner = owner_q[f_index];
    always_comb begin
      if (f_started_q && !f_error_q && 32'(f_count_q) > place) begin
        assert (f_owners_q[place] == 3'(1 << f_owner));
        assert (f_owner != 2'd3);
      end
      if (f_started_q && !f_error_q && 32'(f_count_q) == place) assert (tail_q == f_index);
    end
  end

  function automatic logic f_legal(input logic [7:0] address, input logic [6:0] beats);
    f_legal = address[BEAT_SHIFT-1:0] == '0 && beats != '0 && 16'(address) + (16'(beats) << BEAT_SHIFT) <= 16'd256;
  endfunction
