// Read buffer of the load engine: a ring of beats in byte lanes. A byte at ring address x lies in lane x mod LANES, so
// that a window of WINDOW_BYTES bytes at any address is read in one cycle and then rotated.
//
//   cycle          a       a+1
//   beat_valid_i   1
//   start_i        x'      x
//   window_o               bytes x' .. x'+WINDOW_BYTES-1 (beats that arrived before a)
module load_buffer #(
    parameter int LOAD_BEATS   = 256,  // beats of the ring, a power of two
    parameter int BUS_BYTES    = 16,   // bytes of a beat
    parameter int WINDOW_BYTES = 16    // bytes of a window, a power of two
) (
    input  logic                                    clk_i,         // clock
    input  logic                                    rst_ni,        // synchronous reset, active low
    input  logic                                    beat_valid_i,  // a beat arrives and is appended
    input  logic [                 BUS_BYTES*8-1:0] beat_data_i,   // the beat
    input  logic [$clog2(LOAD_BEATS*BUS_BYTES)-1:0] start_i,       // ring address of the window's first byte
    output logic [              WINDOW_BYTES*8-1:0] window_o       // the window, one cycle later
);
  localparam int LANES = WINDOW_BYTES > BUS_BYTES ? WINDOW_BYTES : BUS_BYTES;
  localparam int DEPTH = LOAD_BEATS * BUS_BYTES / LANES;
  localparam int LANE_BITS = $clog2(LANES);
  localparam int BYTE_BITS = $clog2(LOAD_BEATS * BUS_BYTES);
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);

  logic [BYTE_BITS-1:0] write_q;  // ring address of the next beat
  logic [LANE_BITS-1:0] rotate_q;
  logic [LANES*8-1:0] lanes, rotated, unused_high;
  logic unused_bits;

  assign unused_bits = &{1'b0, rotated};

  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic write;
    logic [BYTE_BITS-1:0] reach;  // the window's only byte in this lane lies in row reach / LANES
    logic unused_reach;

    assign write = beat_valid_i && write_q[LANE_BITS-1:0] == LANE_BITS'(lane - lane % BUS_BYTES);
    assign reach = start_i + BYTE_BITS'(LANES - 1 - lane);
    assign unused_reach = &{1'b0, reach[LANE_BITS-1:0]};

    byte_ram #(
        .DEPTH(DEPTH)
    ) i_byte_ram (
        .clk_i,
        .write_i(write),
        .write_address_i(write_q[BYTE_BITS-1:LANE_BITS]),
        .write_data_i(beat_data_i[(lane%BUS_BYTES)*8+:8]),
        .read_i(1'b1),
        .read_address_i(reach[BYTE_BITS-1:LANE_BITS]),
        .data_o(lanes[lane*8+:8])
    );
  end

  assign {unused_high, rotated} = {lanes, lanes} >> {rotate_q, 3'b000};
  assign window_o = rotated[WINDOW_BYTES*8-1:0];

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q  <= '0;
      rotate_q <= '0;
    end else begin
      rotate_q <= start_i[LANE_BITS-1:0];
      if (beat_valid_i) write_q <= write_q + BYTE_BITS'(1 << BEAT_SHIFT);
    end
  end
endmodule
