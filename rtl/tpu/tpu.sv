// The machine: host registers, control, five engines, their memories and the two memory ports. This file only connects;
// who speaks to whom is drawn in docs/units/control.md and rtl/README.md.
//
// The clock is clk_i; everything is reset by rst_ni (synchronous, low). Engines are held in reset while no program runs;
// the memory ports until what is outstanding on them has been answered.
module tpu #(
    parameter int ROWS          = 16,    // rows of the systolic array
    parameter int COLUMNS       = 16,    // columns of the systolic array, vector lanes
    parameter int BANKS         = 8,     // scratchpad banks
    parameter int BANK_WORDS    = 2048,  // words of max(ROWS, COLUMNS) bytes in a bank
    parameter int ACC_ROWS      = 1024,  // accumulator rows, both halves together
    parameter int FIFO_TILES    = 16,    // weight tiles in the weight FIFO
    parameter int PARAM_ENTRIES = 64,    // entries of the parameter memory
    parameter int LOAD_BEATS    = 256,   // beats in the load engine's read buffer
    parameter int BUS_BYTES     = 16,    // bytes of a beat
    parameter int OUTSTANDING   = 16,    // requests outstanding on each channel
    parameter int QUEUE_DEPTH   = 8,     // instructions in each engine's queue
    parameter int FETCH_DEPTH   = 16     // instructions in the fetch buffer
) (
    input  logic                   clk_i,              // clock
    input  logic                   rst_ni,             // synchronous reset, active low
    // Host: AXI4-Lite slave
    input  logic                   s_axil_awvalid_i,
    output logic                   s_axil_awready_o,
    input  logic [11:0]            s_axil_awaddr_i,
    input  logic                   s_axil_wvalid_i,
    output logic                   s_axil_wready_o,
    input  logic [31:0]            s_axil_wdata_i,
    input  logic [3:0]             s_axil_wstrb_i,
    output logic                   s_axil_bvalid_o,
    input  logic                   s_axil_bready_i,
    output logic [1:0]             s_axil_bresp_o,
    input  logic                   s_axil_arvalid_i,
    output logic                   s_axil_arready_o,
    input  logic [11:0]            s_axil_araddr_i,
    output logic                   s_axil_rvalid_o,
    input  logic                   s_axil_rready_i,
    output logic [31:0]            s_axil_rdata_o,
    output logic [1:0]             s_axil_rresp_o,
    output logic                   interrupt_o,        // level: a program has ended, if INTERRUPT enables it
    output logic [63:12]           memory_base_o,      // MEMORY_BASE: for whoever relocates the addresses below
    // Memory: AXI4 master, one ID (not driven), INCR bursts, answers in order
    output logic                   m_axi_arvalid_o,
    input  logic                   m_axi_arready_i,
    output logic [31:0]            m_axi_araddr_o,
    output logic [7:0]             m_axi_arlen_o,
    output logic [2:0]             m_axi_arsize_o,
    output logic [1:0]             m_axi_arburst_o,
    input  logic                   m_axi_rvalid_i,
    output logic                   m_axi_rready_o,
    input  logic                   m_axi_rlast_i,
    input  logic [BUS_BYTES*8-1:0] m_axi_rdata_i,
    input  logic [1:0]             m_axi_rresp_i,
    output logic                   m_axi_awvalid_o,
    input  logic                   m_axi_awready_i,
    output logic [31:0]            m_axi_awaddr_o,
    output logic [7:0]             m_axi_awlen_o,
    output logic [2:0]             m_axi_awsize_o,
    output logic [1:0]             m_axi_awburst_o,
    output logic                   m_axi_wvalid_o,
    input  logic                   m_axi_wready_i,
    output logic                   m_axi_wlast_o,
    output logic [BUS_BYTES-1:0]   m_axi_wstrb_o,
    output logic [BUS_BYTES*8-1:0] m_axi_wdata_o,
    input  logic                   m_axi_bvalid_i,
    input  logic [1:0]             m_axi_bresp_i,
    output logic                   m_axi_bready_o,
    // Observation; bit or slice q belongs to engine q
    output logic [4:0]             issue_o,            // engines that issue in this cycle
    output logic [4:0]             retire_o,           // engines that retire an instruction in this cycle
    output logic                   start_o,            // a program starts: this is cycle 0
    output logic                   running_o,          // a program runs: this cycle counts
    output logic [19:0]            state_o             // state of each engine
);
  localparam int B = ROWS > COLUMNS ? ROWS : COLUMNS;  // bytes of a scratchpad word
  localparam int Load = tpukit_isa::ENGINE_LOAD;
  localparam int Weights = tpukit_isa::ENGINE_WEIGHTS;
  localparam int Matrix = tpukit_isa::ENGINE_MATRIX;
  localparam int Vector = tpukit_isa::ENGINE_VECTOR;
  localparam int Store = tpukit_isa::ENGINE_STORE;

  // Host and control
  logic start_write, reset_write, core_rst_n, memory_rst_n, running;
  logic [31:8] program_address;
  logic [31:0] program_length;
  logic [31:6] memory_limit;
  logic [2:0] status, counter_engine;
  logic [3:0] counter_state;
  logic [63:0] cycles, counter;
  logic [31:0] read_beats, write_beats;
  logic [38:0] program_end;
  logic [31:0] program_last;  // the program's end, at most the last address
  logic [5*512-1:0] instr;
  logic [4:0] instr_valid, accept, retire, idle, quiet, address_error;
  logic [24:0] retire_send;
  logic [19:0] engine_state;
  logic port_quiet, drained, bus_error;

  // Read port
  logic fetch_req, fetch_grant, fetch_rvalid, fetch_rlast;
  logic weights_req, weights_grant, weights_rvalid, weights_rlast;
  logic load_req, load_grant, load_rvalid, load_rlast;
  logic [31:0] fetch_addr, weights_addr, load_addr, limit;
  logic [6:0] fetch_beats, weights_beats, load_beats;
  logic [BUS_BYTES*8-1:0] rdata;
  logic read_address_error, reads_outstanding;

  // Claims
  logic store_claim_req, vector_claim_req, matrix_claim_req, load_claim_req;
  logic store_claim_grant, vector_claim_grant, matrix_claim_grant, load_claim_grant;
  logic vector_bank_denied, matrix_bank_denied;
  logic [BANKS-1:0] store_claim_read, vector_claim_read, vector_claim_write, matrix_claim_read, load_claim_write;
  logic [BANKS-1:0] store_hold_read, vector_hold_read, vector_hold_write, matrix_hold_read, load_hold_write;
  logic [1:0] vector_claim_acc, matrix_claim_acc, vector_hold_acc, matrix_hold_acc;

  // Scratchpad, accumulators, parameter memory, tables, weight FIFO
  logic matrix_ren, vector_a_ren, vector_b_ren, vector_wen, store_ren, load_wen;
  logic [17:0] matrix_addr, vector_a_addr, vector_b_addr, vector_waddr, store_addr, load_waddr;
  logic [ROWS*8-1:0] matrix_rdata;
  logic [COLUMNS*8-1:0] vector_a_rdata, vector_b_rdata, vector_wdata;
  logic [B*8-1:0] store_rdata, load_wdata, param_wdata, table_wdata;
  logic [B-1:0] load_be;
  logic acc_matrix_ren, acc_matrix_wen, acc_vector_ren;
  logic [15:0] acc_matrix_raddr, acc_matrix_waddr, acc_vector_raddr;
  logic [COLUMNS*32-1:0] acc_matrix_rdata, acc_matrix_wdata, acc_vector_rdata;
  logic param_wen, table_wen;
  logic [17:0] param_addr, table_addr;
  logic tile_present, row_ren;
  logic [COLUMNS*9-1:0] row_data;

  assign running_o = running;
  assign retire_o  = retire;
  assign limit     = {memory_limit, 6'b0};
  assign program_end = {7'b0, program_address, 8'b0} + {1'b0, program_length, 6'b0};
  assign program_last = program_end[38:32] != 0 ? '1 : program_end[31:0];

  host_registers #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS)
  ) u_host (
      .clk_i,
      .rst_ni,
      .s_axil_awvalid_i,
      .s_axil_awready_o,
      .s_axil_awaddr_i,
      .s_axil_wvalid_i,
      .s_axil_wready_o,
      .s_axil_wdata_i,
      .s_axil_wstrb_i,
      .s_axil_bvalid_o,
      .s_axil_bready_i,
      .s_axil_bresp_o,
      .s_axil_arvalid_i,
      .s_axil_arready_o,
      .s_axil_araddr_i,
      .s_axil_rvalid_o,
      .s_axil_rready_i,
      .s_axil_rdata_o,
      .s_axil_rresp_o,
      .start_o          (start_write),
      .reset_o          (reset_write),
      .program_address_o(program_address),
      .program_length_o (program_length),
      .memory_limit_o   (memory_limit),
      .memory_base_o,
      .interrupt_o,
      .status_i         (status),
      .cycles_i         (cycles),
      .read_beats_i     (read_beats),
      .write_beats_i    (write_beats),
      .counter_engine_o (counter_engine),
      .counter_state_o  (counter_state),
      .counter_i        (counter)
  );

  control #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BUS_BYTES(BUS_BYTES),
      .QUEUE_DEPTH(QUEUE_DEPTH),
      .FETCH_DEPTH(FETCH_DEPTH)
  ) u_control (
      .clk_i,
      .rst_ni,
      .start_i          (start_write),
      .reset_i          (reset_write),
      .program_address_i(program_address),
      .program_length_i (program_length),
      .start_o,
      .running_o        (running),
      .status_o         (status),
      .cycles_o         (cycles),
      .read_beats_o     (read_beats),
      .write_beats_o    (write_beats),
      .counter_engine_i (counter_engine),
      .counter_state_i  (counter_state),
      .counter_o        (counter),
      .core_rst_no      (core_rst_n),
      .memory_rst_no    (memory_rst_n),
      .instr_o          (instr),
      .instr_valid_o    (instr_valid),
      .accept_i         (accept),
      .retire_i         (retire),
      .retire_send_i    (retire_send),
      .state_i          (engine_state),
      .idle_i           (idle),
      .quiet_i          (quiet),
      .bus_error_i      (bus_error),
      .address_error_i  (address_error != '0 || read_address_error),
      .port_quiet_i     (port_quiet),
      .drained_i        (drained),
      .read_beat_i      (m_axi_rvalid_i && m_axi_rready_o),
      .write_beat_i     (m_axi_wvalid_o && m_axi_wready_i),
      .mem_req_o        (fetch_req),
      .mem_addr_o       (fetch_addr),
      .mem_beats_o      (fetch_beats),
      .mem_grant_i      (fetch_grant),
      .mem_rvalid_i     (fetch_rvalid),
      .mem_rdata_i      (rdata),
      .issue_o,
      .state_o
  );

  read_arbiter #(
      .BUS_BYTES  (BUS_BYTES),
      .OUTSTANDING(OUTSTANDING)
  ) u_read_arbiter (
      .clk_i,
      .rst_ni          (memory_rst_n),
      .limit_i         (limit),
      .fetch_req_i     (fetch_req),
      .fetch_addr_i    (fetch_addr),
      .fetch_beats_i   (fetch_beats),
      .fetch_grant_o   (fetch_grant),
      .fetch_rvalid_o  (fetch_rvalid),
      .fetch_rlast_o   (fetch_rlast),
      .weights_req_i   (weights_req),
      .weights_addr_i  (weights_addr),
      .weights_beats_i (weights_beats),
      .weights_grant_o (weights_grant),
      .weights_rvalid_o(weights_rvalid),
      .weights_rlast_o (weights_rlast),
      .load_req_i      (load_req),
      .load_addr_i     (load_addr),
      .load_beats_i    (load_beats),
      .load_grant_o    (load_grant),
      .load_rvalid_o   (load_rvalid),
      .load_rlast_o    (load_rlast),
      .rdata_o         (rdata),
      .address_error_o (read_address_error),
      .outstanding_o   (reads_outstanding),
      .m_axi_arvalid_o,
      .m_axi_araddr_o,
      .m_axi_arlen_o,
      .m_axi_arsize_o,
      .m_axi_arburst_o,
      .m_axi_arready_i,
      .m_axi_rvalid_i,
      .m_axi_rdata_i,
      .m_axi_rlast_i,
      .m_axi_rready_o
  );

  load_engine #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .PARAM_ENTRIES(PARAM_ENTRIES),
      .LOAD_BEATS(LOAD_BEATS),
      .BUS_BYTES(BUS_BYTES)
  ) u_load (
      .clk_i,
      .rst_ni         (core_rst_n),
      .instr_i        (instr[512*Load+:512]),
      .instr_valid_i  (instr_valid[Load]),
      .accept_o       (accept[Load]),
      .retire_o       (retire[Load]),
      .retire_send_o  (retire_send[5*Load+:5]),
      .state_o        (engine_state[4*Load+:4]),
      .idle_o         (idle[Load]),
      .quiet_o        (quiet[Load]),
      .address_error_o(address_error[Load]),
      .mem_req_o      (load_req),
      .mem_addr_o     (load_addr),
      .mem_beats_o    (load_beats),
      .mem_grant_i    (load_grant),
      .mem_rvalid_i   (load_rvalid),
      .mem_rlast_i    (load_rlast),
      .mem_rdata_i    (rdata),
      .claim_req_o    (load_claim_req),
      .claim_write_o  (load_claim_write),
      .claim_grant_i  (load_claim_grant),
      .hold_write_o   (load_hold_write),
      .load_wen_o     (load_wen),
      .load_addr_o    (load_waddr),
      .load_wdata_o   (load_wdata),
      .load_be_o      (load_be),
      .param_wen_o    (param_wen),
      .param_addr_o   (param_addr),
      .param_wdata_o  (param_wdata),
      .table_wen_o    (table_wen),
      .table_addr_o   (table_addr),
      .table_wdata_o  (table_wdata)
  );

  weights_engine #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .FIFO_TILES(FIFO_TILES),
      .BUS_BYTES(BUS_BYTES),
      .OUTSTANDING(OUTSTANDING)
  ) u_weights (
      .clk_i,
      .rst_ni         (core_rst_n),
      .instr_i        (instr[512*Weights+:512]),
      .instr_valid_i  (instr_valid[Weights]),
      .accept_o       (accept[Weights]),
      .retire_o       (retire[Weights]),
      .retire_send_o  (retire_send[5*Weights+:5]),
      .state_o        (engine_state[4*Weights+:4]),
      .idle_o         (idle[Weights]),
      .quiet_o        (quiet[Weights]),
      .address_error_o(address_error[Weights]),
      .mem_req_o      (weights_req),
      .mem_addr_o     (weights_addr),
      .mem_beats_o    (weights_beats),
      .mem_grant_i    (weights_grant),
      .mem_rvalid_i   (weights_rvalid),
      .mem_rlast_i    (weights_rlast),
      .mem_rdata_i    (rdata),
      .tile_present_o (tile_present),
      .row_ren_i      (row_ren),
      .row_data_o     (row_data)
  );

  matrix_engine #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .ACC_ROWS(ACC_ROWS)
  ) u_matrix (
      .clk_i,
      .rst_ni             (core_rst_n),
      .instr_i            (instr[512*Matrix+:512]),
      .instr_valid_i      (instr_valid[Matrix]),
      .accept_o           (accept[Matrix]),
      .retire_o           (retire[Matrix]),
      .retire_send_o      (retire_send[5*Matrix+:5]),
      .state_o            (engine_state[4*Matrix+:4]),
      .idle_o             (idle[Matrix]),
      .quiet_o            (quiet[Matrix]),
      .address_error_o    (address_error[Matrix]),
      .claim_req_o        (matrix_claim_req),
      .claim_read_o       (matrix_claim_read),
      .claim_acc_o        (matrix_claim_acc),
      .claim_grant_i      (matrix_claim_grant),
      .claim_bank_denied_i(matrix_bank_denied),
      .hold_read_o        (matrix_hold_read),
      .hold_acc_o         (matrix_hold_acc),
      .tile_present_i     (tile_present),
      .row_ren_o          (row_ren),
      .row_data_i         (row_data),
      .scratchpad_ren_o   (matrix_ren),
      .scratchpad_addr_o  (matrix_addr),
      .scratchpad_rdata_i (matrix_rdata),
      .acc_ren_o          (acc_matrix_ren),
      .acc_raddr_o        (acc_matrix_raddr),
      .acc_rdata_i        (acc_matrix_rdata),
      .acc_wen_o          (acc_matrix_wen),
      .acc_waddr_o        (acc_matrix_waddr),
      .acc_wdata_o        (acc_matrix_wdata)
  );

  vector_engine #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .ACC_ROWS(ACC_ROWS),
      .PARAM_ENTRIES(PARAM_ENTRIES)
  ) u_vector (
      .clk_i,
      .rst_ni             (core_rst_n),
      .instr_i            (instr[512*Vector+:512]),
      .instr_valid_i      (instr_valid[Vector]),
      .accept_o           (accept[Vector]),
      .retire_o           (retire[Vector]),
      .retire_send_o      (retire_send[5*Vector+:5]),
      .state_o            (engine_state[4*Vector+:4]),
      .idle_o             (idle[Vector]),
      .quiet_o            (quiet[Vector]),
      .address_error_o    (address_error[Vector]),
      .claim_req_o        (vector_claim_req),
      .claim_read_o       (vector_claim_read),
      .claim_write_o      (vector_claim_write),
      .claim_acc_o        (vector_claim_acc),
      .claim_grant_i      (vector_claim_grant),
      .claim_bank_denied_i(vector_bank_denied),
      .hold_read_o        (vector_hold_read),
      .hold_write_o       (vector_hold_write),
      .hold_acc_o         (vector_hold_acc),
      .a_ren_o            (vector_a_ren),
      .a_addr_o           (vector_a_addr),
      .a_rdata_i          (vector_a_rdata),
      .b_ren_o            (vector_b_ren),
      .b_addr_o           (vector_b_addr),
      .b_rdata_i          (vector_b_rdata),
      .wen_o              (vector_wen),
      .waddr_o            (vector_waddr),
      .wdata_o            (vector_wdata),
      .acc_ren_o          (acc_vector_ren),
      .acc_raddr_o        (acc_vector_raddr),
      .acc_rdata_i        (acc_vector_rdata),
      .param_wen_i        (param_wen),
      .param_addr_i       (param_addr),
      .param_wdata_i      (param_wdata),
      .table_wen_i        (table_wen),
      .table_addr_i       (table_addr),
      .table_wdata_i      (table_wdata)
  );

  store_engine #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS),
      .BUS_BYTES(BUS_BYTES),
      .OUTSTANDING(OUTSTANDING)
  ) u_store (
      .clk_i,
      .rst_ni         (memory_rst_n),
      .instr_i        (instr[512*Store+:512]),
      .instr_valid_i  (instr_valid[Store]),
      .accept_o       (accept[Store]),
      .retire_o       (retire[Store]),
      .retire_send_o  (retire_send[5*Store+:5]),
      .state_o        (engine_state[4*Store+:4]),
      .idle_o         (idle[Store]),
      .quiet_o        (quiet[Store]),
      .address_error_o(address_error[Store]),
      .limit_i        (limit),
      .program_first_i({program_address, 8'b0}),
      .program_end_i  (program_last),
      .claim_req_o    (store_claim_req),
      .claim_read_o   (store_claim_read),
      .claim_grant_i  (store_claim_grant),
      .hold_read_o    (store_hold_read),
      .store_ren_o    (store_ren),
      .store_addr_o   (store_addr),
      .store_rdata_i  (store_rdata),
      .m_axi_awvalid_o,
      .m_axi_awready_i,
      .m_axi_awaddr_o,
      .m_axi_awlen_o,
      .m_axi_awsize_o,
      .m_axi_awburst_o,
      .m_axi_wvalid_o,
      .m_axi_wready_i,
      .m_axi_wlast_o,
      .m_axi_wstrb_o,
      .m_axi_wdata_o,
      .m_axi_bvalid_i,
      .m_axi_bready_o
  );

  claim_arbiter #(
      .BANKS(BANKS)
  ) u_claims (
      .store_req_i         (store_claim_req),
      .store_read_i        (store_claim_read),
      .vector_req_i        (vector_claim_req),
      .vector_read_i       (vector_claim_read),
      .vector_write_i      (vector_claim_write),
      .vector_acc_i        (vector_claim_acc),
      .matrix_req_i        (matrix_claim_req),
      .matrix_read_i       (matrix_claim_read),
      .matrix_acc_i        (matrix_claim_acc),
      .load_req_i          (load_claim_req),
      .load_write_i        (load_claim_write),
      .store_hold_read_i   (store_hold_read),
      .vector_hold_read_i  (vector_hold_read),
      .vector_hold_write_i (vector_hold_write),
      .vector_hold_acc_i   (vector_hold_acc),
      .matrix_hold_read_i  (matrix_hold_read),
      .matrix_hold_acc_i   (matrix_hold_acc),
      .load_hold_write_i   (load_hold_write),
      .store_grant_o       (store_claim_grant),
      .vector_grant_o      (vector_claim_grant),
      .matrix_grant_o      (matrix_claim_grant),
      .load_grant_o        (load_claim_grant),
      .vector_bank_denied_o(vector_bank_denied),
      .matrix_bank_denied_o(matrix_bank_denied)
  );

  scratchpad #(
      .ROWS(ROWS),
      .COLUMNS(COLUMNS),
      .BANKS(BANKS),
      .BANK_WORDS(BANK_WORDS)
  ) u_scratchpad (
      .clk_i,
      .matrix_ren_i    (matrix_ren),
      .matrix_addr_i   (matrix_addr),
      .matrix_rdata_o  (matrix_rdata),
      .vector_a_ren_i  (vector_a_ren),
      .vector_a_addr_i (vector_a_addr),
      .vector_a_rdata_o(vector_a_rdata),
      .vector_b_ren_i  (vector_b_ren),
      .vector_b_addr_i (vector_b_addr),
      .vector_b_rdata_o(vector_b_rdata),
      .vector_wen_i    (vector_wen),
      .vector_waddr_i  (vector_waddr),
      .vector_wdata_i  (vector_wdata),
      .store_ren_i     (store_ren),
      .store_addr_i    (store_addr),
      .store_rdata_o   (store_rdata),
      .load_wen_i      (load_wen),
      .load_addr_i     (load_waddr),
      .load_wdata_i    (load_wdata),
      .load_be_i       (load_be)
  );

  accumulators #(
      .COLUMNS (COLUMNS),
      .ACC_ROWS(ACC_ROWS)
  ) u_accumulators (
      .clk_i,
      .matrix_ren_i  (acc_matrix_ren),
      .matrix_raddr_i(acc_matrix_raddr),
      .matrix_rdata_o(acc_matrix_rdata),
      .matrix_wen_i  (acc_matrix_wen),
      .matrix_waddr_i(acc_matrix_waddr),
      .matrix_wdata_i(acc_matrix_wdata),
      .vector_ren_i  (acc_vector_ren),
      .vector_raddr_i(acc_vector_raddr),
      .vector_rdata_o(acc_vector_rdata)
  );

  // What is outstanding on the memory ports.
  logic [7:0] writes_q;  // write bursts whose address is taken and which are not answered

  always_ff @(posedge clk_i) begin
    if (!memory_rst_n) writes_q <= '0;
    else begin
      writes_q <= writes_q + {7'b0, m_axi_awvalid_o && m_axi_awready_i} - {7'b0, m_axi_bvalid_i && m_axi_bready_o};
    end
  end

  // SLVERR and DECERR have the upper bit; a beat with an error is as good as any other for what counts beats.
  assign bus_error = (m_axi_rvalid_i && m_axi_rready_o && m_axi_rresp_i[1])
      || (m_axi_bvalid_i && m_axi_bready_o && m_axi_bresp_i[1]);

  assign drained = !reads_outstanding && !m_axi_arvalid_o && !m_axi_awvalid_o && !m_axi_wvalid_o && writes_q == 0;
  assign port_quiet = drained && !fetch_grant && !weights_grant && !load_grant
      && !store_claim_grant && !vector_claim_grant && !matrix_claim_grant && !load_claim_grant;

  logic unused;
  assign unused = ^{fetch_rlast, m_axi_rresp_i[0], m_axi_bresp_i[0]};
endmodule
