// The whole machine with a memory that obeys the law and a host that drives the registers, for long runs without a Python
// process in the loop. A program's run: registers written, started, waited for, registers read, memory written to a file.
//
// Plusargs:
//   +program_address= +program_length= +memory_limit=   registers, decimal
//   +max_cycles=    a longer run is stopped, the result then says so; so is one whose host waits too long before or after
//   +image=         memory before the run (axi_memory.sv)
//   +result=        written: a line `offset value` for each register that is read at the end, or the line `stopped`
//   +events=        written: a line `engine kind cycle` for each issue (kind 0) and retirement (kind 1); optional
//   +memory= +memory_beats=   written: the first beats of memory after the run; optional
//   +waves=         written: VCD or FST, as it was built for; optional
module testbench #(
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
) (
    input logic clk_i  // clock
);
  localparam int BusBits = BUS_BYTES * 8;
  localparam int Counters = 5 * 16 * 2;  // words of state counters, in the order of their addresses
  // More cycles than the registers take and than all outstanding bursts take to come in after the end of a program.
  localparam logic [63:0] HostCycles = 64'd10_000 + 64'd64 * (
      64'(READ_LATENCY) + 64'(WRITE_LATENCY) + 64'(DRAM_ACTIVATE) + 64'(DRAM_PRECHARGE) + 64'(DRAM_REFRESH)
      + 64'd64 * (64'(RATE_DENOMINATOR) / 64'(RATE_NUMERATOR) + 64'd1));

  // Reset in the first cycles.
  logic [2:0] reset_q;
  logic rst_n;

  initial reset_q = '0;
  assign rst_n = reset_q[2];
  always_ff @(posedge clk_i) if (!rst_n) reset_q <= reset_q + 1'b1;

  // The machine and its memory.
  logic awvalid, awready, wvalid, wready, bvalid, bready, arvalid, arready, rvalid, rready;
  logic [11:0] awaddr, araddr;
  logic [31:0] wdata, rdata;
  logic [1:0] bresp, rresp;
  logic m_arvalid, m_arready, m_rvalid, m_rready, m_rlast, m_awvalid, m_awready, m_wvalid, m_wready, m_wlast;
  logic m_bvalid, m_bready;
  logic [31:0] m_araddr, m_awaddr;
  logic [7:0] m_arlen, m_awlen;
  logic [2:0] m_arsize, m_awsize;
  logic [1:0] m_arburst, m_awburst;
  logic [BusBits-1:0] m_rdata, m_wdata;
  logic [BUS_BYTES-1:0] m_wstrb;
  logic [4:0] issue, retire;
  logic [19:0] state;
  logic start, running, interrupt;
  logic [63:12] memory_base;

  tpu #(
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
      .FETCH_DEPTH(FETCH_DEPTH)
  ) u_tpu (
      .clk_i,
      .rst_ni           (rst_n),
      .s_axil_awvalid_i (awvalid),
      .s_axil_awready_o (awready),
      .s_axil_awaddr_i  (awaddr),
      .s_axil_wvalid_i  (wvalid),
      .s_axil_wready_o  (wready),
      .s_axil_wdata_i   (wdata),
      .s_axil_wstrb_i   (4'hf),
      .s_axil_bvalid_o  (bvalid),
      .s_axil_bready_i  (bready),
      .s_axil_bresp_o   (bresp),
      .s_axil_arvalid_i (arvalid),
      .s_axil_arready_o (arready),
      .s_axil_araddr_i  (araddr),
      .s_axil_rvalid_o  (rvalid),
      .s_axil_rready_i  (rready),
      .s_axil_rdata_o   (rdata),
      .s_axil_rresp_o   (rresp),
      .interrupt_o      (interrupt),
      .memory_base_o    (memory_base),
      .m_axi_arvalid_o  (m_arvalid),
      .m_axi_arready_i  (m_arready),
      .m_axi_araddr_o   (m_araddr),
      .m_axi_arlen_o    (m_arlen),
      .m_axi_arsize_o   (m_arsize),
      .m_axi_arburst_o  (m_arburst),
      .m_axi_rvalid_i   (m_rvalid),
      .m_axi_rready_o   (m_rready),
      .m_axi_rlast_i    (m_rlast),
      .m_axi_rdata_i    (m_rdata),
      .m_axi_rresp_i    (2'b00),
      .m_axi_awvalid_o  (m_awvalid),
      .m_axi_awready_i  (m_awready),
      .m_axi_awaddr_o   (m_awaddr),
      .m_axi_awlen_o    (m_awlen),
      .m_axi_awsize_o   (m_awsize),
      .m_axi_awburst_o  (m_awburst),
      .m_axi_wvalid_o   (m_wvalid),
      .m_axi_wready_i   (m_wready),
      .m_axi_wlast_o    (m_wlast),
      .m_axi_wstrb_o    (m_wstrb),
      .m_axi_wdata_o    (m_wdata),
      .m_axi_bvalid_i   (m_bvalid),
      .m_axi_bresp_i    (2'b00),
      .m_axi_bready_o   (m_bready),
      .issue_o          (issue),
      .retire_o         (retire),
      .start_o          (start),
      .running_o        (running),
      .state_o          (state)
  );

  axi_memory #(
      .BUS_BYTES(BUS_BYTES),
      .DEPTH(DEPTH),
      .READ_LATENCY(READ_LATENCY),
      .WRITE_LATENCY(WRITE_LATENCY),
      .OUTSTANDING(OUTSTANDING),
      .RATE_NUMERATOR(RATE_NUMERATOR),
      .RATE_DENOMINATOR(RATE_DENOMINATOR),
      .DRAM_BANKS(DRAM_BANKS),
      .DRAM_ROW_BYTES(DRAM_ROW_BYTES),
      .DRAM_ACTIVATE(DRAM_ACTIVATE),
      .DRAM_PRECHARGE(DRAM_PRECHARGE),
      .DRAM_REFRESH_INTERVAL(DRAM_REFRESH_INTERVAL),
      .DRAM_REFRESH(DRAM_REFRESH)
  ) u_memory (
      .clk_i,
      .rst_ni   (rst_n),
      .start_i  (start),
      .arvalid_i(m_arvalid),
      .arready_o(m_arready),
      .araddr_i (m_araddr),
      .arlen_i  (m_arlen),
      .rvalid_o (m_rvalid),
      .rready_i (m_rready),
      .rlast_o  (m_rlast),
      .rdata_o  (m_rdata),
      .awvalid_i(m_awvalid),
      .awready_o(m_awready),
      .awaddr_i (m_awaddr),
      .awlen_i  (m_awlen),
      .wvalid_i (m_wvalid),
      .wready_o (m_wready),
      .wlast_i  (m_wlast),
      .wstrb_i  (m_wstrb),
      .wdata_i  (m_wdata),
      .bvalid_o (m_bvalid),
      .bready_i (m_bready)
  );

  // The host: a list of steps.
  localparam logic [11:0] StepStart = 12'd3;  // writes CONTROL, after three other registers
  localparam logic [11:0] StepWait = 12'd4;  // reads STATUS until it is no longer running
  localparam logic [11:0] StepRead = 12'd5;  // reads CYCLES_LOW, CYCLES_HIGH, READ_BEATS, WRITE_BEATS
  localparam logic [11:0] StepCounters = 12'd9;
  localparam logic [11:0] StepEnd = StepCounters + 12'(Counters);

  logic [31:0] program_address, program_length, memory_limit;
  logic [11:0] step_q;
  logic sent_q;  // the step's address (and data) is taken, its response awaited
  logic writing, reading, waiting, answered, still_running;

  assign writing = rst_n && step_q <= StepStart;
  assign waiting = step_q == StepWait && running;
  assign reading = rst_n && step_q >= StepWait && step_q < StepEnd && !waiting;
  assign awvalid = writing && !sent_q;
  assign wvalid = writing && !sent_q;
  assign arvalid = reading && !sent_q;
  assign bready = 1'b1;
  assign rready = 1'b1;
  assign answered = bvalid || rvalid;
  assign still_running = step_q == StepWait && rdata == 32'(tpukit_isa::STATUS_RUNNING);

  always_comb begin
    case (step_q)
      12'd0: begin
        awaddr = 12'(tpukit_isa::REGISTER_PROGRAM_ADDRESS);
        wdata  = program_address;
      end
      12'd1: begin
        awaddr = 12'(tpukit_isa::REGISTER_PROGRAM_LENGTH);
        wdata  = program_length;
      end
      12'd2: begin
        awaddr = 12'(tpukit_isa::REGISTER_MEMORY_LIMIT);
        wdata  = memory_limit;
      end
      default: begin
        awaddr = 12'(tpukit_isa::REGISTER_CONTROL);
        wdata  = 32'd1;
      end
    endcase
    case (step_q)
      StepWait: araddr = 12'(tpukit_isa::REGISTER_STATUS);
      StepRead: araddr = 12'(tpukit_isa::REGISTER_CYCLES_LOW);
      StepRead + 12'd1: araddr = 12'(tpukit_isa::REGISTER_CYCLES_HIGH);
      StepRead + 12'd2: araddr = 12'(tpukit_isa::REGISTER_READ_BEATS);
      StepRead + 12'd3: araddr = 12'(tpukit_isa::REGISTER_WRITE_BEATS);
      default: araddr = 12'(tpukit_isa::REGISTER_STATE_COUNTERS) + (step_q - StepCounters) * 12'd4;
    endcase
  end

  always_ff @(posedge clk_i) begin
    if (!rst_n) begin
      step_q <= '0;
      sent_q <= 1'b0;
    end else if (sent_q && answered) begin
      sent_q <= 1'b0;
      if (!still_running) step_q <= step_q + 1'b1;
    end else if ((awvalid && awready && wready) || (arvalid && arready)) begin
      sent_q <= 1'b1;
    end
  end

  // Cycle numbers, events, result.
  logic [63:0] cycle_q;  // number of this cycle; 0 in that of the start
  logic [63:0] max_cycles;
  integer events_file, result_file, memory_file, memory_beats;
  string name;

  always_ff @(posedge clk_i) begin
    if (!rst_n) cycle_q <= '0;
    else if (start) cycle_q <= 64'd1;
    else cycle_q <= cycle_q + 64'd1;
  end

  initial begin
    if (!$value$plusargs("program_address=%d", program_address)) program_address = 0;
    if (!$value$plusargs("program_length=%d", program_length)) program_length = 0;
    if (!$value$plusargs("memory_limit=%d", memory_limit)) memory_limit = 0;
    if (!$value$plusargs("max_cycles=%d", max_cycles)) max_cycles = '1;
    if (!$value$plusargs("memory_beats=%d", memory_beats)) memory_beats = 0;
    result_file = 0;
    events_file = 0;
    memory_file = 0;
    if ($value$plusargs("result=%s", name)) result_file = $fopen(name, "w");
    if (result_file == 0) $fatal(1, "cannot write the result file");
    if ($value$plusargs("events=%s", name)) events_file = $fopen(name, "w");
    if ($value$plusargs("memory=%s", name)) memory_file = $fopen(name, "wb");
    if ($value$plusargs("waves=%s", name)) begin
      $dumpfile(name);
      $dumpvars(0, testbench);
    end
  end

  engine_waves engines (
      .cycle_i  (cycle_q),
      .running_i(running),
      .issue_i  (issue),
      .retire_i (retire),
      .state_i  (state)
  );

  always @(posedge clk_i) begin
    if (events_file != 0 && running && (issue | retire) != 0) begin
      for (int q = 0; q < 5; q++) begin
        if (issue[q]) $fwrite(events_file, "%0d 0 %0d\n", q, cycle_q);
        if (retire[q]) $fwrite(events_file, "%0d 1 %0d\n", q, cycle_q);
      end
    end
  end

  always @(posedge clk_i) begin
    if (rst_n && sent_q && rvalid && !still_running) begin
      $fwrite(result_file, "%0d %0d\n", araddr, rdata);
    end
    if (rst_n && (step_q == StepEnd || (running && cycle_q > max_cycles)
                  || (cycle_q > HostCycles && cycle_q - HostCycles > max_cycles))) begin
      if (step_q != StepEnd) $fwrite(result_file, "stopped\n");
      else if (memory_file != 0) begin
        u_memory.dump(memory_file, memory_beats);
        $fclose(memory_file);
      end
      if (events_file != 0) $fclose(events_file);
      $fclose(result_file);
      $finish;
    end
  end

  logic unused;
  assign unused = ^{bresp, rresp, m_arsize, m_awsize, m_arburst, m_awburst, interrupt, memory_base};
endmodule
