// The host's registers (docs/isa.md) as an AXI4-Lite slave. Write address and data are taken in the same cycle, whichever
// comes first waits for the other; that cycle is "the write of the register". One write and one read at a time.
//
//   cycle              0            1               2
//   awvalid, wvalid    1
//   awready, wready    1
//   start_o            1 (CONTROL.start)
//   bvalid                          1 until bready
//   arvalid, arready   1
//   rvalid, rdata                   1 until rready
module host_registers #(
    parameter int ROWS = 16,    // rows of the array
    parameter int COLUMNS = 16  // columns of the array
) (
    input  logic        clk_i,              // clock
    input  logic        rst_ni,             // synchronous reset, active low
    // AXI4-Lite
    input  logic        s_axil_awvalid_i,   // write address
    output logic        s_axil_awready_o,
    input  logic [11:0] s_axil_awaddr_i,
    input  logic        s_axil_wvalid_i,    // write data
    output logic        s_axil_wready_o,
    input  logic [31:0] s_axil_wdata_i,
    input  logic [ 3:0] s_axil_wstrb_i,
    output logic        s_axil_bvalid_o,    // write response, always OKAY
    input  logic        s_axil_bready_i,
    output logic [ 1:0] s_axil_bresp_o,
    input  logic        s_axil_arvalid_i,   // read address
    output logic        s_axil_arready_o,
    input  logic [11:0] s_axil_araddr_i,
    output logic        s_axil_rvalid_o,    // read data, always OKAY
    input  logic        s_axil_rready_i,
    output logic [31:0] s_axil_rdata_o,
    output logic [ 1:0] s_axil_rresp_o,
    // Machine
    output logic        start_o,            // CONTROL.start is written in this cycle
    output logic        reset_o,            // CONTROL.reset is written in this cycle
    output logic [31:8] program_address_o,  // PROGRAM_ADDRESS, in 256 bytes
    output logic [31:0] program_length_o,   // PROGRAM_LENGTH
    output logic [31:6] memory_limit_o,     // MEMORY_LIMIT, in 64 bytes
    output logic [63:12] memory_base_o,     // MEMORY_BASE, in 4096 bytes
    output logic        interrupt_o,        // INTERRUPT is enabled, and a program has ended
    input  logic [ 2:0] status_i,           // STATUS
    input  logic [63:0] cycles_i,           // CYCLES
    input  logic [31:0] read_beats_i,       // READ_BEATS
    input  logic [31:0] write_beats_i,      // WRITE_BEATS
    output logic [ 2:0] counter_engine_o,   // state counter that is read: engine
    output logic [ 3:0] counter_state_o,    // and state
    input  logic [63:0] counter_i           // its value, in the same cycle
);
  localparam logic [31:0] Shape = 32'(COLUMNS << 16 | ROWS);

  logic write, read, writable, settled;
  logic bvalid_q, rvalid_q;
  logic [31:0] rdata_d, rdata_q, mask;
  logic [31:8] program_address_q;
  logic [31:0] program_length_q;
  logic [31:6] memory_limit_q;
  logic [63:12] memory_base_q;
  logic enable_q;
  logic [9:0] write_word, read_word;
  logic [11:0] counter_offset;
  logic unused;

  assign write = s_axil_awvalid_i && s_axil_wvalid_i && (!bvalid_q || s_axil_bready_i);
  assign s_axil_awready_o = write;
  assign s_axil_wready_o = write;
  assign s_axil_bvalid_o = bvalid_q;
  assign s_axil_bresp_o = 2'b00;
  assign read = s_axil_arvalid_i && (!rvalid_q || s_axil_rready_i);
  assign s_axil_arready_o = read;
  assign s_axil_rvalid_o = rvalid_q;
  assign s_axil_rdata_o = rdata_q;
  assign s_axil_rresp_o = 2'b00;
  assign write_word = s_axil_awaddr_i[11:2];
  assign read_word = s_axil_araddr_i[11:2];
  assign unused = ^{s_axil_awaddr_i[1:0], s_axil_araddr_i[1:0], counter_offset[11:10], counter_offset[2:0]};

  assign start_o = write && write_word == 10'(tpukit_isa::REGISTER_CONTROL / 4) && s_axil_wstrb_i[0]
      && s_axil_wdata_i[0];
  assign reset_o = write && write_word == 10'(tpukit_isa::REGISTER_CONTROL / 4) && s_axil_wstrb_i[0]
      && s_axil_wdata_i[1];
  assign program_address_o = program_address_q;
  assign program_length_o = program_length_q;
  assign memory_limit_o = memory_limit_q;
  assign memory_base_o = memory_base_q;
  assign interrupt_o = enable_q && status_i != 3'(tpukit_isa::STATUS_IDLE)
      && status_i != 3'(tpukit_isa::STATUS_RUNNING);
  assign writable = write && status_i != 3'(tpukit_isa::STATUS_RUNNING);
  assign mask = {{8{s_axil_wstrb_i[3]}}, {8{s_axil_wstrb_i[2]}}, {8{s_axil_wstrb_i[1]}}, {8{s_axil_wstrb_i[0]}}};

  always_ff @(posedge clk_i) begin
    if (!rst_ni || reset_o) begin
      program_address_q <= '0;
      program_length_q  <= '0;
      memory_limit_q    <= '0;
    end else if (writable) begin
      case (write_word)
        10'(tpukit_isa::REGISTER_PROGRAM_ADDRESS / 4):
        program_address_q <= program_address_q & ~mask[31:8] | s_axil_wdata_i[31:8] & mask[31:8];
        10'(tpukit_isa::REGISTER_PROGRAM_LENGTH / 4):
        program_length_q <= program_length_q & ~mask | s_axil_wdata_i & mask;
        10'(tpukit_isa::REGISTER_MEMORY_LIMIT / 4):
        memory_limit_q <= memory_limit_q & ~mask[31:6] | s_axil_wdata_i[31:6] & mask[31:6];
        default: ;
      endcase
    end
  end

  // The memory base is added to addresses that may still wait on the bus after an error or a CONTROL.reset: it changes
  // only while nothing is outstanding.
  assign settled = status_i == 3'(tpukit_isa::STATUS_IDLE) || status_i == 3'(tpukit_isa::STATUS_DONE);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) memory_base_q <= '0;
    else if (write && settled) begin
      if (write_word == 10'(tpukit_isa::REGISTER_MEMORY_BASE_LOW / 4)) begin
        memory_base_q[31:12] <= memory_base_q[31:12] & ~mask[31:12] | s_axil_wdata_i[31:12] & mask[31:12];
      end
      if (write_word == 10'(tpukit_isa::REGISTER_MEMORY_BASE_HIGH / 4)) begin
        memory_base_q[63:32] <= memory_base_q[63:32] & ~mask | s_axil_wdata_i & mask;
      end
    end
  end

  // Unlike the others it can be written while a program runs: who handles an interrupt may have to lower it at any time.
  always_ff @(posedge clk_i) begin
    if (!rst_ni || reset_o) enable_q <= 1'b0;
    else if (write && write_word == 10'(tpukit_isa::REGISTER_INTERRUPT / 4) && s_axil_wstrb_i[0]) begin
      enable_q <= s_axil_wdata_i[0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) bvalid_q <= 1'b0;
    else if (write) bvalid_q <= 1'b1;
    else if (s_axil_bready_i) bvalid_q <= 1'b0;
  end

  assign counter_offset = s_axil_araddr_i - 12'(tpukit_isa::REGISTER_STATE_COUNTERS);
  assign counter_engine_o = counter_offset[9:7];
  assign counter_state_o = counter_offset[6:3];

  always_comb begin
    case (read_word)
      10'(tpukit_isa::REGISTER_STATUS / 4): rdata_d = {29'b0, status_i};
      10'(tpukit_isa::REGISTER_PROGRAM_ADDRESS / 4): rdata_d = {program_address_q, 8'b0};
      10'(tpukit_isa::REGISTER_PROGRAM_LENGTH / 4): rdata_d = program_length_q;
      10'(tpukit_isa::REGISTER_MEMORY_LIMIT / 4): rdata_d = {memory_limit_q, 6'b0};
      10'(tpukit_isa::REGISTER_CYCLES_LOW / 4): rdata_d = cycles_i[31:0];
      10'(tpukit_isa::REGISTER_CYCLES_HIGH / 4): rdata_d = cycles_i[63:32];
      10'(tpukit_isa::REGISTER_READ_BEATS / 4): rdata_d = read_beats_i;
      10'(tpukit_isa::REGISTER_WRITE_BEATS / 4): rdata_d = write_beats_i;
      10'(tpukit_isa::REGISTER_SHAPE / 4): rdata_d = Shape;
      10'(tpukit_isa::REGISTER_INTERRUPT / 4): rdata_d = {31'b0, enable_q};
      10'(tpukit_isa::REGISTER_MEMORY_BASE_LOW / 4): rdata_d = {memory_base_q[31:12], 12'b0};
      10'(tpukit_isa::REGISTER_MEMORY_BASE_HIGH / 4): rdata_d = memory_base_q[63:32];
      default: begin
        // counter_engine_o 5 to 7 reads as zero.
        if (read_word < 10'(tpukit_isa::REGISTER_STATE_COUNTERS / 4) || counter_offset[11:10] != 0) rdata_d = '0;
        else rdata_d = read_word[0] ? counter_i[63:32] : counter_i[31:0];
      end
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (read) rdata_q <= rdata_d;
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) rvalid_q <= 1'b0;
    else if (read) rvalid_q <= 1'b1;
    else if (s_axil_rready_i) rvalid_q <= 1'b0;
  end
endmodule
