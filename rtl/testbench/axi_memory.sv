// The memory behind the machine in simulation; it obeys the memory law of docs/units/memory.md to the cycle. Reads are
// answered in order, READ_LATENCY cycles after their address at the earliest, RATE_NUMERATOR / RATE_DENOMINATOR beats a
// cycle. Writes are taken at once, each burst's data from the cycle of its address on, and answered WRITE_LATENCY cycles
// after their last beat. With DRAM_BANKS above 0 a burst waits for its bank first (dram_banks.sv). Addresses wrap at DEPTH
// beats. Not for synthesis.
//
//   cycle     x    ...  x + READ_LATENCY          t     ...  t + WRITE_LATENCY
//   arvalid   1                         wlast     1
//   rvalid              1               bvalid                1
module axi_memory #(
    parameter int BUS_BYTES        = 16,     // bytes of a beat
    parameter int DEPTH            = 65536,  // beats, a power of two
    parameter int READ_LATENCY     = 100,    // cycles from address to first beat
    parameter int WRITE_LATENCY    = 100,    // cycles from last beat to response
    parameter int OUTSTANDING      = 16,     // requests taken and not answered, on each channel
    parameter int RATE_NUMERATOR   = 1,      // beats that are delivered ...
    parameter int RATE_DENOMINATOR = 1,      // ... in so many cycles
    parameter int DRAM_BANKS       = 0,      // 0: no DRAM
    parameter int DRAM_ROW_BYTES   = 2048,
    parameter int DRAM_ACTIVATE    = 14,     // cycles to open a row
    parameter int DRAM_PRECHARGE   = 14,     // cycles to close one
    parameter int DRAM_REFRESH_INTERVAL = 0, // cycles from refresh to refresh; 0: none
    parameter int DRAM_REFRESH     = 0       // cycles that one takes
) (
    input  logic                   clk_i,      // clock
    input  logic                   rst_ni,     // synchronous reset, active low
    input  logic                   start_i,    // this is cycle 0; nothing is outstanding
    input  logic                   arvalid_i,  // read address
    output logic                   arready_o,
    input  logic [31:0]            araddr_i,
    input  logic [7:0]             arlen_i,
    output logic                   rvalid_o,   // read data
    input  logic                   rready_i,
    output logic                   rlast_o,
    output logic [BUS_BYTES*8-1:0] rdata_o,
    input  logic                   awvalid_i,  // write address
    output logic                   awready_o,
    input  logic [31:0]            awaddr_i,
    input  logic [7:0]             awlen_i,
    input  logic                   wvalid_i,   // write data
    output logic                   wready_o,
    input  logic                   wlast_i,
    input  logic [BUS_BYTES-1:0]   wstrb_i,
    input  logic [BUS_BYTES*8-1:0] wdata_i,
    output logic                   bvalid_o,   // write response
    input  logic                   bready_i
);
  localparam int AddressBits = $clog2(DEPTH);
  localparam int ByteBits = $clog2(BUS_BYTES);
  localparam int Slots = 64;  // at least OUTSTANDING, a power of two
  localparam int Cap = RATE_NUMERATOR + RATE_DENOMINATOR - 1;

  logic [BUS_BYTES*8-1:0] memory[DEPTH];
  logic [63:0] cycle_q, read_column, write_column;
  logic unused;

  assign unused = ^{araddr_i, awaddr_i, awlen_i};

  always_ff @(posedge clk_i) begin
    if (!rst_ni) cycle_q <= '0;
    else if (start_i) cycle_q <= 64'd1;
    else cycle_q <= cycle_q + 1;
  end

  generate
    if (DRAM_BANKS > 0) begin : gen_dram
      dram_banks #(
          .BANKS(DRAM_BANKS),
          .ROW_BYTES(DRAM_ROW_BYTES),
          .ACTIVATE(DRAM_ACTIVATE),
          .PRECHARGE(DRAM_PRECHARGE),
          .REFRESH_INTERVAL(DRAM_REFRESH_INTERVAL),
          .REFRESH(DRAM_REFRESH)
      ) u_banks (
          .clk_i,
          .rst_ni        (rst_ni && !start_i),
          .cycle_i       (cycle_q),
          .read_i        (arvalid_i && arready_o),
          .read_addr_i   (araddr_i),
          .read_beats_i  ({1'b0, arlen_i} + 9'd1),
          .read_column_o (read_column),
          .write_i       (awvalid_i && awready_o),
          .write_addr_i  (awaddr_i),
          .write_beats_i ({1'b0, awlen_i} + 9'd1),
          .write_column_o(write_column)
      );
    end else begin : gen_no_dram
      assign read_column  = cycle_q;
      assign write_column = cycle_q;
    end
  endgenerate

  // Reads: a ring of accepted bursts, the oldest of which is being answered.
  logic [AddressBits-1:0] read_address_q[Slots];
  logic [7:0] read_length_q[Slots];
  logic [63:0] read_due_q[Slots];
  logic [5:0] read_head_q, read_tail_q;
  logic [6:0] reads_q;
  logic [7:0] beat_q;  // beats of the oldest burst that were delivered
  logic [31:0] credit_q, credit;
  logic read_done;

  assign arready_o = reads_q < 7'(OUTSTANDING);
  assign credit = credit_q + RATE_NUMERATOR > Cap ? Cap : credit_q + RATE_NUMERATOR;
  assign rvalid_o = reads_q != 0 && cycle_q >= read_due_q[read_head_q] && credit >= RATE_DENOMINATOR;
  assign rlast_o = beat_q == read_length_q[read_head_q];
  assign rdata_o = memory[read_address_q[read_head_q]+AddressBits'(beat_q)];
  assign read_done = rvalid_o && rready_i && rlast_o;

  always_ff @(posedge clk_i) begin
    if (arvalid_i && arready_o) begin
      read_address_q[read_tail_q] <= araddr_i[ByteBits+:AddressBits];
      read_length_q[read_tail_q] <= arlen_i;
      read_due_q[read_tail_q] <= read_column + 64'(READ_LATENCY);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      read_head_q <= '0;
      read_tail_q <= '0;
      reads_q <= '0;
      beat_q <= '0;
      credit_q <= RATE_DENOMINATOR;
    end else begin
      if (arvalid_i && arready_o) read_tail_q <= read_tail_q + 1'b1;
      if (read_done) read_head_q <= read_head_q + 1'b1;
      reads_q <= reads_q + {6'b0, arvalid_i && arready_o} - {6'b0, read_done};
      if (rvalid_o && rready_i) beat_q <= rlast_o ? '0 : beat_q + 1'b1;
      credit_q <= rvalid_o && rready_i ? credit - RATE_DENOMINATOR : credit;
    end
  end

  // Writes: the burst whose data arrives, and a ring of the responses that are due.
  logic bursting_q;
  logic [AddressBits-1:0] write_address_q, write_address;
  logic [63:0] last_column_q, last_column;  // of the burst whose data arrives: the cycle of its last column access
  logic [63:0] response_due_q[Slots];
  logic [5:0] response_head_q, response_tail_q;
  logic [6:0] responses_q;
  logic [BUS_BYTES*8-1:0] mask;
  logic write, response_done;

  assign awready_o = !bursting_q && responses_q < 7'(OUTSTANDING);
  assign wready_o = bursting_q || (awvalid_i && awready_o);
  assign write = wvalid_i && wready_o;
  assign write_address = bursting_q ? write_address_q : awaddr_i[ByteBits+:AddressBits];
  assign bvalid_o = responses_q != 0 && cycle_q >= response_due_q[response_head_q];
  assign response_done = bvalid_o && bready_i;

  // A burst's data arrives a beat a cycle from the cycle of its address on, unless the master pauses; then the pause counts.
  assign last_column = bursting_q ? last_column_q : write_column + 64'(awlen_i);

  always_ff @(posedge clk_i) last_column_q <= last_column;

  always_comb begin
    for (int b = 0; b < BUS_BYTES; b++) mask[8*b+:8] = {8{wstrb_i[b]}};
  end

  always_ff @(posedge clk_i) begin
    if (write) memory[write_address] <= (memory[write_address] & ~mask) | (wdata_i & mask);
  end

  always_ff @(posedge clk_i) begin
    if (write && wlast_i) begin
      response_due_q[response_tail_q] <= (last_column > cycle_q ? last_column : cycle_q) + 64'(WRITE_LATENCY);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      bursting_q <= 1'b0;
      response_head_q <= '0;
      response_tail_q <= '0;
      responses_q <= '0;
    end else begin
      if (write) bursting_q <= !wlast_i;
      else if (awvalid_i && awready_o) bursting_q <= 1'b1;
      if (write && wlast_i) response_tail_q <= response_tail_q + 1'b1;
      if (response_done) response_head_q <= response_head_q + 1'b1;
      responses_q <= responses_q + {6'b0, write && wlast_i} - {6'b0, response_done};
    end
  end

  always_ff @(posedge clk_i) begin
    if (write) write_address_q <= write_address + 1'b1;
    else if (awvalid_i && awready_o) write_address_q <= awaddr_i[ByteBits+:AddressBits];
  end

  // Initial image: the file holds beats, in each the byte of the highest address first (the order of $fread).
  string image;
  integer image_file, image_items;

  initial begin
    if ($value$plusargs("image=%s", image)) begin
      image_file = $fopen(image, "rb");
      if (image_file == 0) $fatal(1, "cannot read the memory image");
      image_items = $fread(memory, image_file);
      if (image_items < 0) $fatal(1, "cannot read the memory image");
      $fclose(image_file);
    end
  end

  // Final memory: the first `beats` beats, in memory's own order of bytes.
  task automatic dump(input integer file, input integer beats);
    for (integer i = 0; i < beats; i++) $fwrite(file, "%u", memory[i]);
  endtask
endmodule
