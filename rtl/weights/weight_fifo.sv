// Weight FIFO (docs/units/weights.md): beats in, weight rows out. A tile is ROWS rows of COLUMNS bytes.
//
//   cycle             s        s+1      s+2      ...   s+ROWS-1   s+ROWS
//   tile_present_o    1        (next)
//   row_ren_i         1        1        1              1
//   row_data_o                          row 0    ...
//   tile_freed_o                                       1
//
// Memory words are max(COLUMNS, BUS_BYTES) bytes: narrow beats fill a word in turn, and narrow rows are selected from
// one. Each tile slot remembers the zero point of its instruction.
module weight_fifo #(
    parameter int ROWS       = 16,  // rows of a tile
    parameter int COLUMNS    = 16,  // bytes of a row
    parameter int FIFO_TILES = 16,  // capacity in tiles, a power of two
    parameter int BUS_BYTES  = 16   // bytes of a beat
) (
    input  logic                   clk_i,           // clock
    input  logic                   rst_ni,          // synchronous reset, active low
    // From the weights engine
    input  logic                   beat_valid_i,    // a beat arrives
    input  logic [BUS_BYTES*8-1:0] beat_data_i,     // the beat
    input  logic [            7:0] zero_point_i,    // zero point of the instruction that asked for it
    output logic                   tile_arrived_o,  // the beat is its tile's last (same cycle)
    output logic                   tile_freed_o,    // a tile's beats are freed in this cycle
    // To the matrix engine
    output logic                   tile_present_o,  // a whole tile beyond those already being shifted (visible)
    input  logic                   row_ren_i,       // next row, in each cycle of a shift
    output logic [  COLUMNS*9-1:0] row_data_o       // signed, zero point subtracted, two cycles after row_ren_i
);
  localparam int TILE_BEATS = ROWS * COLUMNS / BUS_BYTES;
  localparam int WORD_BYTES = COLUMNS > BUS_BYTES ? COLUMNS : BUS_BYTES;
  localparam int LANES = WORD_BYTES / BUS_BYTES;  // beats in a memory word
  localparam int PARTS = WORD_BYTES / COLUMNS;  // rows in a memory word
  localparam int WORDS = FIFO_TILES * ROWS * COLUMNS / WORD_BYTES;
  localparam int WORD_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam int BEATS = FIFO_TILES * TILE_BEATS;
  localparam int BEAT_BITS = $clog2(BEATS) + 1;  // one bit to spare, so that shifts below are never empty
  localparam int ROW_SLOTS = FIFO_TILES * ROWS;
  localparam int ROW_BITS = $clog2(ROW_SLOTS) + 1;
  localparam int TILE_BITS = $clog2(FIFO_TILES);

  logic [BEAT_BITS-1:0] write_beat_q, write_beat_d;
  logic [ROW_BITS-1:0] read_row_q, read_row_d;
  logic [TILE_BITS:0] tiles_q, tiles_d;
  logic [7:0] zero_points_q[FIFO_TILES];
  logic [7:0] zero_point_q;
  logic [WORD_BYTES*8-1:0] word;
  logic [WORD_BITS-1:0] write_word, read_word;
  logic [TILE_BITS-1:0] write_tile, read_tile;
  logic row_first, row_last, ren_q;
  logic [COLUMNS*8-1:0] row;
  logic [COLUMNS*9-1:0] row_data_q;

  assign write_word = WORD_BITS'(write_beat_q >> $clog2(LANES));
  assign write_tile = TILE_BITS'(write_beat_q >> $clog2(TILE_BEATS));
  assign read_word  = WORD_BITS'(read_row_q >> $clog2(PARTS));
  assign read_tile  = TILE_BITS'(read_row_q >> $clog2(ROWS));
  assign row_first  = row_ren_i && (read_row_q & ROW_BITS'(ROWS - 1)) == '0;
  assign row_last   = row_ren_i && (read_row_q & ROW_BITS'(ROWS - 1)) == ROW_BITS'(ROWS - 1);

  assign tile_arrived_o = beat_valid_i && (write_beat_q & BEAT_BITS'(TILE_BEATS - 1)) == BEAT_BITS'(TILE_BEATS - 1);
  assign tile_freed_o   = row_last;
  assign tile_present_o = tiles_q != '0;
  assign row_data_o     = row_data_q;

  for (genvar lane = 0; lane < LANES; lane++) begin : g_lane
    logic [BUS_BYTES*8-1:0] memory_q[WORDS];
    logic [BUS_BYTES*8-1:0] data_q;
    logic write;

    assign write = beat_valid_i && (write_beat_q & BEAT_BITS'(LANES - 1)) == BEAT_BITS'(lane);
    assign word[lane*BUS_BYTES*8+:BUS_BYTES*8] = data_q;

    always_ff @(posedge clk_i) begin
      if (write) memory_q[write_word] <= beat_data_i;
      if (row_ren_i) data_q <= memory_q[read_word];
    end
  end

  if (PARTS > 1) begin : g_part
    logic [$clog2(PARTS)-1:0] part_q;

    assign row = word[COLUMNS*8*part_q+:COLUMNS*8];

    always_ff @(posedge clk_i) if (row_ren_i) part_q <= read_row_q[$clog2(PARTS)-1:0];
  end else begin : g_whole
    assign row = word;
  end

  for (genvar column = 0; column < COLUMNS; column++) begin : g_column
    always_ff @(posedge clk_i) begin
      if (ren_q) begin
        row_data_q[column*9+:9] <= {row[column*8+7], row[column*8+:8]} - {zero_point_q[7], zero_point_q};
      end
    end
  end

  always_comb begin
    write_beat_d = write_beat_q;
    read_row_d   = read_row_q;
    if (beat_valid_i) write_beat_d = write_beat_q + BEAT_BITS'(1);
    if (row_ren_i) read_row_d = read_row_q + ROW_BITS'(1);
    tiles_d = tiles_q + (TILE_BITS + 1)'(tile_arrived_o) - (TILE_BITS + 1)'(row_first);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_beat_q <= '0;
      read_row_q   <= '0;
      tiles_q      <= '0;
      ren_q        <= 1'b0;
    end else begin
      write_beat_q <= write_beat_d;
      read_row_q   <= read_row_d;
      tiles_q      <= tiles_d;
      ren_q        <= row_ren_i;
    end
  end

  always_ff @(posedge clk_i) begin
    if (tile_arrived_o) zero_points_q[write_tile] <= zero_point_i;
    if (row_ren_i) zero_point_q <= zero_points_q[read_tile];
  end
endmodule
