  // Each counter equals the signals sent minus the signals taken, counted here in one bit more. What control promises:
  // only an instruction whose tokens are there issues; after an overflow the machine is reset.
  `include "formal_reset.svh"
  localparam logic [8:0] F_LIMIT = 9'(tpukit_isa::TOKEN_LIMIT);
  logic f_overflow_q;
  logic [24:0] f_over;

  always_ff @(posedge clk_i) f_overflow_q <= rst_ni && overflow_o;

  always_comb begin
    assume ((issue_i & ~ready_o) == '0);
    assume (!rst_ni || !f_overflow_q);
    if (f_started_q) assert (overflow_o == (f_over != '0));
    cover (f_started_q && issue_i == '1 && retire_i == '1);
  end

  for (genvar q = 0; q < 5; q++) begin : g_f_queue
    logic [4:0] f_there;
    for (genvar p = 0; p < 5; p++) begin : g_f_counter
      logic [8:0] f_count_q;
      logic f_add, f_take;

      assign f_add = retire_i[p] && send_i[5*p+q];
      assign f_take = issue_i[q] && wait_i[5*q+p];
      assign f_there[p] = f_count_q != '0;
      assign f_over[5*q+p] = f_add && !f_take && f_count_q == F_LIMIT;

      always_ff @(posedge clk_i) begin
        if (!rst_ni) f_count_q <= '0;
        else f_count_q <= f_count_q + {8'b0, f_add} - {8'b0, f_take};
      end

      always_comb begin
        if (f_started_q && !f_overflow_q) begin
          assert (f_count_q <= F_LIMIT);
          assert (count_q[5*q+p] == f_count_q[7:0]);
          assert (some_q[5*q+p] == (f_count_q != '0));
          assert (full_q[5*q+p] == (f_count_q == F_LIMIT));
          assert (!f_take || f_count_q != '0);
        end
      end
    end
    always_comb begin
      if (f_started_q && !f_overflow_q) assert (ready_o[q] == ((wait_i[5*q+:5] & ~f_there) == '0));
    end
  end
