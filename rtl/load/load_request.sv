// Request side of the load engine (docs/units/load.md): presents the bursts of the active instruction while the read
// buffer has room for them.
//
//   cycle         t      t+1      ...   g (last burst)
//   issue_i       1
//   mem_req_o            1 (if it fits) 1
//   mem_grant_i                         1
//   ready_o       1                     1
module load_request #(
    parameter int LOAD_BEATS = 256,  // beats of the read buffer
    parameter int BUS_BYTES  = 16    // bytes of a beat
) (
    input  logic                                    clk_i,         // clock
    input  logic                                    rst_ni,        // synchronous reset, active low
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,       // the instruction
    input  logic                                    issue_i,       // it issues in this cycle
    output logic                                    ready_o,       // none is active, or it finishes in this cycle
    input  logic [              $clog2(LOAD_BEATS):0] freed_beats_i, // beats freed in this cycle
    output logic                                    mem_req_o,     // presents a burst
    output logic [                            31:0] mem_addr_o,    // its address
    output logic [                             6:0] mem_beats_o,   // its beats
    input  logic                                    mem_grant_i    // granted in this cycle
);
  localparam int FREE_BITS = $clog2(LOAD_BEATS) + 1;
  localparam int COMPARE_BITS = FREE_BITS > 7 ? FREE_BITS : 7;
  localparam int LENGTH_BITS = tpukit_isa::LOAD_LINE_BYTES_BITS;

  logic active_q, active_d, reads_q;
  logic [FREE_BITS-1:0] free_q, free_d;
  logic [LENGTH_BITS-1:0] field_line_bytes;
  logic grant, finish, last_burst;
  logic [7:0] unused_offset;
  logic [8:0] unused_bytes;
  logic unused_line_first, unused_line_last, unused_wrap1, unused_wrap2, unused_bits;

  assign unused_bits = &{1'b0, instr_i};
  assign field_line_bytes = instr_i[tpukit_isa::LOAD_LINE_BYTES_LSB+:LENGTH_BITS];

  burst_cutter #(
      .BUS_BYTES  (BUS_BYTES),
      .LENGTH_BITS(LENGTH_BITS)
  ) i_burst_cutter (
      .clk_i,
      .rst_ni,
      .load_i(issue_i),
      .address_i(instr_i[tpukit_isa::LOAD_MEMORY_ADDRESS_LSB+:32]),
      .length_i(field_line_bytes),
      .count1_i(instr_i[tpukit_isa::LOAD_COUNT1_LSB+:12]),
      .count2_i(instr_i[tpukit_isa::LOAD_COUNT2_LSB+:12]),
      .count3_i(instr_i[tpukit_isa::LOAD_COUNT3_LSB+:12]),
      .stride1_i(instr_i[tpukit_isa::LOAD_MEMORY_STRIDE1_LSB+:32]),
      .stride2_i(instr_i[tpukit_isa::LOAD_MEMORY_STRIDE2_LSB+:32]),
      .stride3_i(instr_i[tpukit_isa::LOAD_MEMORY_STRIDE3_LSB+:32]),
      .step_i(grant),
      .burst_address_o(mem_addr_o),
      .burst_offset_o(unused_offset),
      .burst_bytes_o(unused_bytes),
      .burst_beats_o(mem_beats_o),
      .line_first_o(unused_line_first),
      .line_last_o(unused_line_last),
      .wrap1_o(unused_wrap1),
      .wrap2_o(unused_wrap2),
      .last_o(last_burst)
  );

  assign mem_req_o = active_q && reads_q && COMPARE_BITS'(mem_beats_o) <= COMPARE_BITS'(free_q);
  assign grant     = mem_req_o && mem_grant_i;
  assign finish    = active_q && (!reads_q || (grant && last_burst));
  assign ready_o   = !active_q || finish;

  always_comb begin
    active_d = issue_i || (active_q && !finish);
    free_d   = free_q + freed_beats_i - (grant ? FREE_BITS'(mem_beats_o) : '0);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q <= 1'b0;
      reads_q  <= 1'b0;
      free_q   <= FREE_BITS'(LOAD_BEATS);
    end else begin
      active_q <= active_d;
      free_q   <= free_d;
      if (issue_i) reads_q <= field_line_bytes != '0;
    end
  end

`ifdef FORMAL_LOAD_REQUEST
  `include "load_request.svh"
`endif
endmodule
