  // No burst is asked for that has no room in the buffer; beats freed and beats reserved add up to the buffer; a burst
  // that is presented stays, unchanged, until it is granted.
  `include "formal_reset.svh"
  logic [FREE_BITS-1:0] f_reserved_q;  // beats granted and not freed
  logic f_waits_q;
  logic [31:0] f_addr_q;
  logic [6:0] f_beats_q;

  always_ff @(posedge clk_i) begin
    f_waits_q <= rst_ni && mem_req_o && !mem_grant_i;
    f_addr_q  <= mem_addr_o;
    f_beats_q <= mem_beats_o;
    if (!rst_ni) f_reserved_q <= '0;
    else f_reserved_q <= f_reserved_q - freed_beats_i + (mem_req_o && mem_grant_i ? FREE_BITS'(mem_beats_o) : '0);
  end

  always_comb begin
    assume (!issue_i || ready_o);
    assume (freed_beats_i <= f_reserved_q);
    if (f_started_q) begin
      assert (32'(f_reserved_q) <= LOAD_BEATS);
      assert (32'(free_q) == LOAD_BEATS - 32'(f_reserved_q));
      if (mem_req_o) assert (32'(mem_beats_o) + 32'(f_reserved_q) <= LOAD_BEATS);
      if (f_waits_q) assert (mem_req_o && mem_addr_o == f_addr_q && mem_beats_o == f_beats_q);
      cover (mem_req_o && mem_grant_i && 32'(f_reserved_q) + 32'(mem_beats_o) == LOAD_BEATS);
      cover (active_q && reads_q && !mem_req_o);
    end
  end
