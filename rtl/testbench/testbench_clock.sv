// The test bench with a clock, for simulators without a C++ main. Its parameters are the test bench's.
`timescale 1ns / 1ns
module testbench_clock #(
    parameter int ROWS             = 16,
    parameter int COLUMNS          = 16,
    parameter int BANKS            = 8,
    parameter int BANK_WORDS       = 2048,
    parameter int ACC_ROWS         = 1024,
    parameter int FIFO_TILES       = 16,
    parameter int PARAM_ENTRIES    = 64,
    parameter int LOAD_BEATS       = 256,
    parameter int BUS_BYTES        = 16,
    parameter int OUTSTANDING      = 16,
    parameter int QUEUE_DEPTH      = 8,
    parameter int FETCH_DEPTH      = 16,
    parameter int DEPTH            = 65536,  // beats of memory
    parameter int READ_LATENCY     = 100,
    parameter int WRITE_LATENCY    = 100,
    parameter int RATE_NUMERATOR   = 1,
    parameter int RATE_DENOMINATOR = 1,
    parameter int DRAM_BANKS       = 0,
    parameter int DRAM_ROW_BYTES   = 2048,
    parameter int DRAM_ACTIVATE    = 14,
    parameter int DRAM_PRECHARGE   = 14,
    parameter int DRAM_REFRESH_INTERVAL = 0,
    parameter int DRAM_REFRESH     = 0
) ();
  logic clk = 1'b0;

  always #1 clk = ~clk;

  testbench #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .ACC_ROWS(ACC_ROWS),
      .FIFO_TILES(FIFO_TILES),
      .PARAM_ENTRIES(PARAM_ENTRIES),
      .LOAD_BEATS(LOAD_BEATS),
      .BUS_BYTES(BUS_BYTES),
      .OUTSTANDING(OUTSTANDING),
      .QUEUE_DEPTH(QUEUE_DEPTH),
      .FETCH_DEPTH(FETCH_DEPTH),
      .DEPTH(DEPTH),
      .READ_LATENCY(READ_LATENCY),
      .WRITE_LATENCY(WRITE_LATENCY),
      .RATE_NUMERATOR(RATE_NUMERATOR),
      .RATE_DENOMINATOR(RATE_DENOMINATOR),
      .DRAM_BANKS(DRAM_BANKS),
      .DRAM_ROW_BYTES(DRAM_ROW_BYTES),
      .DRAM_ACTIVATE(DRAM_ACTIVATE),
      .DRAM_PRECHARGE(DRAM_PRECHARGE),
      .DRAM_REFRESH_INTERVAL(DRAM_REFRESH_INTERVAL),
      .DRAM_REFRESH(DRAM_REFRESH)
  ) u_testbench (
      .clk_i(clk)
  );
endmodule
