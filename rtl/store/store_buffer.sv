// Burst buffers of the store engine: 256 bytes each, in byte lanes, so that the bytes of a word go to any place in one
// cycle. A byte for memory address a lies at place a mod 256 of its buffer.
//
//   cycle          a         a+1
//   pack_valid_i   1
//   read_i                   1 (earliest that sees the word)
//   beat_o                             beat, one cycle after read_i; holds until the next read_i
module store_buffer #(
    parameter int B         = 16,  // bytes of a word, a power of two
    parameter int BUS_BYTES = 16   // bytes of a beat, a power of two
) (
    input  logic                                         clk_i,          // clock
    input  logic                                         pack_valid_i,   // a word's bytes are written
    input  logic [$clog2(tpukit_isa::STORE_BUFFERS)-1:0] pack_buffer_i,  // to this buffer
    input  logic [                        $clog2(B)-1:0] pack_first_i,   // first byte of the word that is written
    input  logic [                          $clog2(B):0] pack_end_i,     // byte after the last
    input  logic [                                  7:0] pack_place_i,   // place of the first byte
    input  logic [                              B*8-1:0] pack_data_i,    // the word
    input  logic                                         read_i,         // read a beat
    input  logic [$clog2(tpukit_isa::STORE_BUFFERS)-1:0] read_buffer_i,  // of this buffer
    input  logic [            7-$clog2(BUS_BYTES):0]     read_beat_i,    // this one, from place 0 on
    output logic [                      BUS_BYTES*8-1:0] beat_o          // one cycle later
);
  localparam int LANES = B > BUS_BYTES ? B : BUS_BYTES;
  localparam int LANE_BITS = $clog2(LANES);
  localparam int BYTES = tpukit_isa::STORE_BUFFERS * tpukit_isa::BURST_BYTES;
  localparam int BYTE_BITS = $clog2(BYTES);
  localparam int DEPTH = BYTES / LANES;
  localparam int GROUPS = LANES / BUS_BYTES;  // beats in a row of the lanes

  logic [BYTE_BITS-1:0] start;  // where byte 0 of the word would go
  logic [LANE_BITS-1:0] rotate;  // byte of the word that lies over lane 0
  logic [LANES-1:0] mask, lane_write, unused_mask;
  logic [LANES*8-1:0] word, lane_word, lanes, unused_word;
  logic [BYTE_BITS-1:0] read_place;
  logic unused_bits;

  assign start  = {pack_buffer_i, pack_place_i} - BYTE_BITS'(pack_first_i);
  assign rotate = -start[LANE_BITS-1:0];
  assign word   = (LANES * 8)'(pack_data_i);
  assign mask   = pack_valid_i ? ({LANES{1'b1}} << pack_first_i) & ~({LANES{1'b1}} << pack_end_i) : '0;

  assign {unused_mask, lane_write} = {mask, mask} >> rotate;
  assign {unused_word, lane_word}  = {word, word} >> {rotate, 3'b000};
  assign read_place                = {read_buffer_i, read_beat_i, {$clog2(BUS_BYTES) {1'b0}}};
  assign unused_bits               = &{1'b0, read_place, unused_mask, unused_word};

  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic [BYTE_BITS-1:0] reach;  // the word's only byte over this lane goes to row reach / LANES
    logic unused_reach;

    assign reach        = start + BYTE_BITS'(LANES - 1 - lane);
    assign unused_reach = &{1'b0, reach[LANE_BITS-1:0]};

    byte_ram #(
        .DEPTH(DEPTH)
    ) i_byte_ram (
        .clk_i,
        .write_i(lane_write[lane]),
        .write_address_i(reach[BYTE_BITS-1:LANE_BITS]),
        .write_data_i(lane_word[lane*8+:8]),
        .read_i,
        .read_address_i(read_place[BYTE_BITS-1:LANE_BITS]),
        .data_o(lanes[lane*8+:8])
    );
  end

  if (GROUPS > 1) begin : g_group
    logic [$clog2(GROUPS)-1:0] group_q;

    assign beat_o = lanes[BUS_BYTES*8*group_q+:BUS_BYTES*8];

    always_ff @(posedge clk_i) if (read_i) group_q <= read_beat_i[$clog2(GROUPS)-1:0];
  end else begin : g_whole
    assign beat_o = lanes;
  end
endmodule
