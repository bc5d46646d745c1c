  // Slots reserved, filled and free add up to the buffer, so it never overflows; each burst is legal, lies within the
  // program and begins where the one before it ended.
  `include "formal_reset.svh"
  logic [FreeBits-1:0] f_reserved_q, f_held_q;  // slots that await an instruction; that hold one
  logic [31:0] f_next_q, f_address_q, f_length_q;  // instructions asked for

  always_ff @(posedge clk_i) begin
    f_address_q <= {program_address_i, 8'b0};
    f_length_q  <= program_length_i;
    if (!rst_ni) begin
      {f_reserved_q, f_held_q, f_next_q} <= '0;
    end else begin
      f_reserved_q <= f_reserved_q + (mem_grant_i ? FreeBits'(count) : '0) - FreeBits'(complete);
      f_held_q     <= f_held_q + FreeBits'(complete) - FreeBits'(head_pop_i);
      if (mem_grant_i) f_next_q <= f_next_q + 32'(count);
    end
  end

  always_comb begin
    assume (!rst_ni || running_i);  // control holds the reset while nothing runs
    assume (!mem_grant_i || mem_req_o);
    assume (!mem_rvalid_i || f_reserved_q != '0);  // only what was asked for comes
    assume (!head_pop_i || f_held_q != '0);  // instruction_queue.svh: the head is valid then
    assume (!rst_ni || ({program_address_i, 8'b0} == f_address_q && program_length_i == f_length_q));  // written before
    assume (program_length_i < 32'h0400_0000);  // so many instructions fill the address space
    if (f_started_q && rst_ni) begin
      assert (32'(free_q) + 32'(f_reserved_q) + 32'(f_held_q) == FETCH_DEPTH);
      assert (32'(f_reserved_q) <= FETCH_DEPTH && 32'(f_held_q) <= FETCH_DEPTH);
      if (complete) assert (32'(f_held_q) < FETCH_DEPTH);
      assert (next_q == f_next_q && f_next_q <= program_length_i);
      assert (left_q == program_length_i - f_next_q);
      assert (some_q == (f_next_q != program_length_i) && burst_q == (left_q[31:2] != '0));
      assert (f_next_q[1:0] == '0 || f_next_q == program_length_i);
      if (mem_req_o) begin
        assert (count >= 3'd1 && count <= 3'd4);
        assert (f_next_q + 32'(count) <= program_length_i);
        assert (mem_addr_o == {program_address_i, 8'b0} + {f_next_q[25:0], 6'b0});
        assert (32'(mem_beats_o) == 32'(count) * Beats);
        assert (32'(mem_addr_o[7:0]) + 32'(mem_beats_o) * BUS_BYTES <= 256);
        assert (32'(count) + 32'(f_reserved_q) + 32'(f_held_q) <= FETCH_DEPTH);
      end
      cover (free_q == '0 && f_next_q < program_length_i);
      cover (mem_req_o && count == 3'd1 && f_next_q == 4);
    end
  end
