// Weights engine (docs/units/weights.md): reads weight tiles from memory into the weight FIFO, which it contains.
//
//   cycle          t        t+1       ...   g           ...   u
//   issue          1
//   mem_req_o               1 (if it fits)  1
//   mem_grant_i                             1 (last)
//   accept_o       1                        1
//   mem_rvalid_i                                              1 (last beat)
//   retire_o                                                  1
//
// Instructions between issue and retirement (one active, the others with bursts under way, so at most OUTSTANDING + 1)
// stand in a small queue: tiles, zero point, send mask.
module weights_engine #(
    parameter int ROWS        = 16,  // rows of the array
    parameter int COLUMNS     = 16,  // columns of the array
    parameter int FIFO_TILES  = 16,  // capacity of the weight FIFO in tiles, a power of two
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int OUTSTANDING = 16   // reads outstanding on the memory port
) (
    input  logic                                   clk_i,            // clock
    input  logic                                   rst_ni,           // synchronous reset, active low
    // Control (rtl/README.md)
    input  logic [tpukit_isa::INSTRUCTION_BITS-1:0] instr_i,         // queue head
    input  logic                                   instr_valid_i,    // it is there and has its tokens
    output logic                                   accept_o,         // can accept in this cycle
    output logic                                   retire_o,         // an instruction retires in this cycle
    output logic [        tpukit_isa::ENGINES-1:0] retire_send_o,    // its send mask
    output logic [                            3:0] state_o,          // engine state of this cycle
    output logic                                   idle_o,           // nothing active or in flight (visible)
    output logic                                   quiet_o,          // no event of the deadlock rule in this cycle
    output logic                                   address_error_o,  // never: the read arbiter checks bursts
    // Memory port
    output logic                                   mem_req_o,        // presents a burst
    output logic [                           31:0] mem_addr_o,       // its address
    output logic [                            6:0] mem_beats_o,      // its beats
    input  logic                                   mem_grant_i,      // granted in this cycle
    input  logic                                   mem_rvalid_i,     // a beat arrives
    input  logic                                   mem_rlast_i,      // the burst's last beat (not needed)
    input  logic [                BUS_BYTES*8-1:0] mem_rdata_i,      // the beat
    // Matrix engine
    output logic                                   tile_present_o,   // a tile beyond those being shifted (visible)
    input  logic                                   row_ren_i,        // next row, in each cycle of a shift
    output logic [                  COLUMNS*9-1:0] row_data_o        // two cycles after row_ren_i
);
  localparam int TILE_BYTES = ROWS * COLUMNS;
  localparam int TILE_BEATS = TILE_BYTES / BUS_BYTES;
  localparam int FIFO_BEATS = FIFO_TILES * TILE_BEATS;
  localparam int FREE_BITS = $clog2(FIFO_BEATS + 1);
  localparam int COMPARE_BITS = FREE_BITS > 7 ? FREE_BITS : 7;
  localparam int ENTRIES = OUTSTANDING + 1;
  localparam int INDEX_BITS = $clog2(ENTRIES);
  localparam int COUNT_BITS = $clog2(ENTRIES + 1);
  localparam int TILES_BITS = tpukit_isa::WEIGHTS_TILES_BITS;
  localparam int ENTRY_BITS = TILES_BITS + 8 + tpukit_isa::ENGINES;
  localparam int LENGTH_BITS = TILES_BITS + 1 + $clog2(TILE_BYTES);

  logic active_q, active_d;
  logic [FREE_BITS-1:0] free_q, free_d;
  logic [INDEX_BITS-1:0] head_q, head_d, tail_q, tail_d;
  logic [COUNT_BITS-1:0] in_flight_q, in_flight_d;
  logic [TILES_BITS-1:0] tiles_q, tiles_d;  // tiles of the oldest instruction that have arrived
  logic [ENTRY_BITS-1:0] entries_q[ENTRIES];

  logic issue, grant, finish, fits, tile_arrived, tile_freed, last_burst;
  logic [31:0] address;
  logic [TILES_BITS-1:0] field_tiles, head_tiles;
  logic [7:0] head_zero_point;
  logic [LENGTH_BITS-1:0] length;
  logic [7:0] unused_offset;
  logic [8:0] unused_bytes;
  logic unused_line_first, unused_line_last, unused_wrap1, unused_wrap2, unused_bits;

  assign unused_bits = &{1'b0, mem_rlast_i, instr_i};

  function automatic logic [INDEX_BITS-1:0] after(input logic [INDEX_BITS-1:0] index);
    after = index == INDEX_BITS'(ENTRIES - 1) ? '0 : index + INDEX_BITS'(1);
  endfunction

  assign field_tiles = instr_i[tpukit_isa::WEIGHTS_TILES_LSB+:TILES_BITS];
  assign address = instr_i[tpukit_isa::WEIGHTS_MEMORY_ADDRESS_LSB+:32] & ~32'(BUS_BYTES - 1);
  assign length = (LENGTH_BITS'(field_tiles) + LENGTH_BITS'(1)) << $clog2(TILE_BYTES);

  burst_cutter #(
      .BUS_BYTES  (BUS_BYTES),
      .LENGTH_BITS(LENGTH_BITS)
  ) i_burst_cutter (
      .clk_i,
      .rst_ni,
      .load_i(issue),
      .address_i(address),
      .length_i(length),
      .count1_i(12'd0),
      .count2_i(12'd0),
      .count3_i(12'd0),
      .stride1_i(32'd0),
      .stride2_i(32'd0),
      .stride3_i(32'd0),
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

  weight_fifo #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .FIFO_TILES(FIFO_TILES),
      .BUS_BYTES(BUS_BYTES)
  ) i_weight_fifo (
      .clk_i,
      .rst_ni,
      .beat_valid_i(mem_rvalid_i),
      .beat_data_i(mem_rdata_i),
      .zero_point_i(head_zero_point),
      .tile_arrived_o(tile_arrived),
      .tile_freed_o(tile_freed),
      .tile_present_o,
      .row_ren_i,
      .row_data_o
  );

  assign fits            = COMPARE_BITS'(mem_beats_o) <= COMPARE_BITS'(free_q);
  assign mem_req_o       = active_q && fits;
  assign grant           = mem_req_o && mem_grant_i;
  assign finish          = grant && last_burst;
  assign accept_o        = !active_q || finish;
  assign issue           = accept_o && instr_valid_i;
  assign idle_o          = in_flight_q == '0;
  assign quiet_o         = !issue && !grant && !mem_rvalid_i;
  assign address_error_o = 1'b0;

  assign {head_tiles, head_zero_point, retire_send_o} = entries_q[head_q];
  assign retire_o = tile_arrived && tiles_q == head_tiles;

  always_comb begin
    if (mem_rvalid_i) state_o = 4'(tpukit_isa::STATE_BUSY);
    else if (grant || issue) state_o = 4'(tpukit_isa::STATE_START);
    else if (active_q && !fits) state_o = 4'(tpukit_isa::STATE_WAIT_ROOM);
    else if (in_flight_q != '0) state_o = 4'(tpukit_isa::STATE_WAIT_MEMORY);
    else state_o = 4'(tpukit_isa::STATE_IDLE);
  end

  always_comb begin
    active_d = issue || (active_q && !finish);
    free_d = free_q - (grant ? FREE_BITS'(mem_beats_o) : '0) + (tile_freed ? FREE_BITS'(TILE_BEATS) : '0);
    head_d = retire_o ? after(head_q) : head_q;
    tail_d = issue ? after(tail_q) : tail_q;
    in_flight_d = in_flight_q + COUNT_BITS'(issue) - COUNT_BITS'(retire_o);
    tiles_d = tiles_q;
    if (retire_o) tiles_d = '0;
    else if (tile_arrived) tiles_d = tiles_q + TILES_BITS'(1);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      active_q    <= 1'b0;
      free_q      <= FREE_BITS'(FIFO_BEATS);
      head_q      <= '0;
      tail_q      <= '0;
      in_flight_q <= '0;
      tiles_q     <= '0;
    end else begin
      active_q    <= active_d;
      free_q      <= free_d;
      head_q      <= head_d;
      tail_q      <= tail_d;
      in_flight_q <= in_flight_d;
      tiles_q     <= tiles_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (issue) begin
      entries_q[tail_q] <= {
        field_tiles,
        instr_i[tpukit_isa::WEIGHTS_ZERO_POINT_LSB+:8],
        instr_i[tpukit_isa::WEIGHTS_SEND_LSB+:tpukit_isa::ENGINES]
      };
    end
  end
endmodule
