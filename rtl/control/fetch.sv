// Fetch: reads the program in bursts of up to four instructions into the fetch buffer. Slots are reserved at the grant
// of a burst and freed by dispatch. An instruction is at the head, complete, in the cycle after its last beat.
//
//   cycle           g      g+1 ...  t             t+1
//   mem_req/grant   1
//   next, free      n      n+k
//   mem_rvalid                      last beat
//   head_valid                                    1
module fetch #(
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int FETCH_DEPTH = 16   // instructions that the buffer holds
) (
    input  logic                   clk_i,              // clock
    input  logic                   rst_ni,             // synchronous reset, active low; held while not running
    input  logic                   running_i,          // the program runs
    input  logic [31:8]            program_address_i,  // address of the first instruction, in 256 bytes
    input  logic [31:0]            program_length_i,   // instructions
    output logic                   mem_req_o,          // a burst is presented
    output logic [31:0]            mem_addr_o,         // its address
    output logic [6:0]             mem_beats_o,        // its beats
    input  logic                   mem_grant_i,        // it is granted
    input  logic                   mem_rvalid_i,       // a beat of fetch arrives
    input  logic [BUS_BYTES*8-1:0] mem_rdata_i,        // that beat
    output logic                   head_valid_o,       // the oldest instruction is complete
    output logic [511:0]           head_o,             // oldest instruction
    input  logic                   head_pop_i          // it is dispatched
);
  localparam int Beats = 64 / BUS_BYTES;  // beats of an instruction
  localparam int BusBits = BUS_BYTES * 8;
  localparam int FreeBits = $clog2(FETCH_DEPTH) + 1;

  logic [31:0] next_q;  // index of the next instruction to request
  logic [31:0] left_q;  // instructions from it on
  logic some_q, burst_q;  // left_q is not 0; it is at least 4
  logic [FreeBits-1:0] free_q;  // slots neither holding nor awaiting an instruction
  logic [2:0] count;  // instructions of this burst: 4, which is 256 bytes, or what is left
  logic [511:0] assembled;
  logic complete;
  logic unused_full;

  assign count = burst_q ? 3'd4 : {1'b0, left_q[1:0]};
  assign mem_req_o = running_i && some_q && free_q >= FreeBits'(count);
  assign mem_addr_o = {program_address_i, 8'b0} + {next_q[25:0], 6'b0};
  assign mem_beats_o = 7'(count) * 7'(Beats);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      next_q <= '0;
      left_q <= program_length_i;
      some_q <= program_length_i != '0;
      burst_q <= program_length_i[31:2] != '0;
      free_q <= FreeBits'(FETCH_DEPTH);
    end else begin
      if (mem_grant_i) begin
        next_q <= next_q + {29'b0, count};
        left_q <= left_q - {29'b0, count};
        some_q <= burst_q && left_q != 32'd4;
        burst_q <= left_q[31:3] != '0;
      end
      free_q <= free_q - (mem_grant_i ? FreeBits'(count) : '0) + (head_pop_i ? FreeBits'(1) : '0);
    end
  end

  generate
    if (Beats == 1) begin : g_whole
      assign complete = mem_rvalid_i;
      assign assembled = mem_rdata_i;
    end else begin : g_assemble
      logic [511-BusBits:0] partial_q;  // the beats before the last, youngest on top
      logic [$clog2(Beats)-1:0] beat_q;

      assign complete = mem_rvalid_i && beat_q == '1;
      assign assembled = {mem_rdata_i, partial_q};

      always_ff @(posedge clk_i) begin
        if (mem_rvalid_i) partial_q <= assembled[511:BusBits];
      end

      always_ff @(posedge clk_i) begin
        if (!rst_ni) beat_q <= '0;
        else if (mem_rvalid_i) beat_q <= beat_q + 1'b1;
      end
    end
  endgenerate

  instruction_queue #(
      .WIDTH(512),
      .DEPTH(FETCH_DEPTH)
  ) u_buffer (
      .clk_i,
      .rst_ni,
      .push_i (complete),
      .data_i (assembled),
      .pop_i  (head_pop_i),
      .valid_o(head_valid_o),
      .full_o (unused_full),
      .head_o
  );

`ifdef FORMAL_FETCH
  `include "fetch.svh"
`endif
endmodule
