// The banks of the DRAM law of docs/units/memory.md: when the columns of a burst are accessed, in order of acceptance, a
// read before a write of the same cycle. Open rows, refresh of all banks together. Not for synthesis.
//
//   cycle           x
//   read_i          1
//   read_column_o   a + e: the cycle of the first column access, x at the earliest
module dram_banks #(
    parameter int BANKS            = 8,     // a power of two
    parameter int ROW_BYTES        = 2048,  // a power of two
    parameter int ACTIVATE         = 14,    // cycles to open a row
    parameter int PRECHARGE        = 14,    // cycles to close one
    parameter int REFRESH_INTERVAL = 0,     // cycles from refresh to refresh; 0: none
    parameter int REFRESH          = 0      // cycles that one takes
) (
    input  logic        clk_i,          // clock
    input  logic        rst_ni,         // synchronous reset, active low: all rows closed
    input  logic [63:0] cycle_i,        // number of this cycle
    input  logic        read_i,         // a read burst is accepted
    input  logic [31:0] read_addr_i,    // its byte address
    input  logic [ 8:0] read_beats_i,   // its beats
    output logic [63:0] read_column_o,  // cycle of its first column access
    input  logic        write_i,        // a write burst is accepted
    input  logic [31:0] write_addr_i,
    input  logic [ 8:0] write_beats_i,
    output logic [63:0] write_column_o
);
  localparam int BankBits = BANKS > 1 ? $clog2(BANKS) : 1;
  localparam logic [63:0] Interval = REFRESH_INTERVAL > 0 ? 64'(REFRESH_INTERVAL) : 64'd1;

  logic [63:0] free_q[BANKS];  // first cycle in which the bank can begin
  logic [63:0] period_q[BANKS];  // in which its row was opened
  logic [31:0] row_q[BANKS];
  logic [BANKS-1:0] open_q;  // a row is open

  logic [BankBits-1:0] read_bank, write_bank;
  logic [31:0] read_row, write_row;
  logic [63:0] read_begin, read_period, read_free, write_begin, write_period, write_free;
  logic [63:0] period_seen, free_seen;  // the write's bank as the read of this cycle leaves it
  logic [31:0] row_seen;
  logic open_seen, after_read;

  // The first cycle from `cycle` on in which nothing is refreshed.
  function automatic logic [63:0] awake(input logic [63:0] cycle);
    awake = cycle - cycle % Interval + 64'(REFRESH);  // after the refresh of this period
    if (REFRESH_INTERVAL == 0 || cycle < Interval || awake < cycle) awake = cycle;
  endfunction

  function automatic logic [63:0] cost(input logic open, input logic same_row);
    if (!open) cost = 64'(ACTIVATE);
    else if (!same_row) cost = 64'(PRECHARGE) + 64'(ACTIVATE);
    else cost = '0;
  endfunction

  assign read_bank = BankBits'(read_addr_i / 32'(ROW_BYTES) % 32'(BANKS));
  assign read_row = read_addr_i / 32'(ROW_BYTES) / 32'(BANKS);
  assign write_bank = BankBits'(write_addr_i / 32'(ROW_BYTES) % 32'(BANKS));
  assign write_row = write_addr_i / 32'(ROW_BYTES) / 32'(BANKS);

  assign read_begin = awake(free_q[read_bank] > cycle_i ? free_q[read_bank] : cycle_i);
  assign read_period = REFRESH_INTERVAL > 0 ? read_begin / Interval : '0;
  assign read_column_o = read_begin + cost(open_q[read_bank] && period_q[read_bank] == read_period,
                                           row_q[read_bank] == read_row);
  assign read_free = read_column_o + 64'(read_beats_i);

  assign after_read = read_i && read_bank == write_bank;
  assign free_seen = after_read ? read_free : free_q[write_bank];
  assign period_seen = after_read ? read_period : period_q[write_bank];
  assign row_seen = after_read ? read_row : row_q[write_bank];
  assign open_seen = after_read || open_q[write_bank];
  assign write_begin = awake(free_seen > cycle_i ? free_seen : cycle_i);
  assign write_period = REFRESH_INTERVAL > 0 ? write_begin / Interval : '0;
  assign write_column_o = write_begin + cost(open_seen && period_seen == write_period, row_seen == write_row);
  assign write_free = write_column_o + 64'(write_beats_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      open_q <= '0;
      for (int b = 0; b < BANKS; b++) free_q[b] <= '0;
    end else begin
      if (read_i) begin
        open_q[read_bank] <= 1'b1;
        free_q[read_bank] <= read_free;
        period_q[read_bank] <= read_period;
        row_q[read_bank] <= read_row;
      end
      if (write_i) begin
        open_q[write_bank] <= 1'b1;
        free_q[write_bank] <= write_free;
        period_q[write_bank] <= write_period;
        row_q[write_bank] <= write_row;
      end
    end
  end
endmodule
