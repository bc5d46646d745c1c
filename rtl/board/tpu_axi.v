// The machine as a block for a board: an AXI4-Lite slave, an AXI4 master, an interrupt, one clock and AXI's reset, under
// the names that vendors' tools know (docs/board.md). Plain Verilog, since Vivado's block designs take no SystemVerilog top.
//
// To the core (rtl/tpu) it adds: ready signals of the slave that depend on no input of the same cycle; the signals of AXI4
// that never change; MEMORY_BASE, added to every address; a reset that may be released at any time.
//
//   s_axi ──> axil_buffer (AW, W, AR) ──> tpu ──> + MEMORY_BASE ──> m_axi
module tpu_axi #(
    parameter integer ROWS          = 16,     // the machine's, as of tpu (rtl/README.md)
    parameter integer COLUMNS       = 16,
    parameter integer BANKS         = 8,
    parameter integer BANK_WORDS    = 2048,
    parameter integer ACC_ROWS      = 1024,
    parameter integer FIFO_TILES    = 16,
    parameter integer PARAM_ENTRIES = 64,
    parameter integer LOAD_BEATS    = 256,
    parameter integer BUS_BYTES     = 16,     // bytes of m_axi's data
    parameter integer OUTSTANDING   = 16,
    parameter integer QUEUE_DEPTH   = 8,
    parameter integer FETCH_DEPTH   = 16,
    parameter integer ADDRESS_BITS  = 32,     // bits of m_axi's addresses, 32 to 64
    parameter integer ID_BITS       = 1,      // bits of m_axi's IDs; all are zero
    parameter [3:0]   CACHE         = 4'b0011,  // AxCACHE: bufferable, modifiable; 4'b1111 for a coherent port
    parameter [2:0]   PROT          = 3'b000    // AxPROT: unprivileged, secure, data
) (
    (* X_INTERFACE_INFO = "xilinx.com:signal:clock:1.0 aclk CLK",
       X_INTERFACE_PARAMETER = "ASSOCIATED_BUSIF s_axi:m_axi, ASSOCIATED_RESET aresetn" *)
    input  wire                    aclk,           // clock of everything
    (* X_INTERFACE_INFO = "xilinx.com:signal:reset:1.0 aresetn RST", X_INTERFACE_PARAMETER = "POLARITY ACTIVE_LOW" *)
    input  wire                    aresetn,        // reset, active low, for at least 4 cycles
    (* X_INTERFACE_INFO = "xilinx.com:signal:interrupt:1.0 irq INTERRUPT",
       X_INTERFACE_PARAMETER = "SENSITIVITY LEVEL_HIGH" *)
    output wire                    irq,            // level: a program has ended, if INTERRUPT enables it
    // Registers: AXI4-Lite slave, 4 KiB
    input  wire                    s_axi_awvalid,
    output wire                    s_axi_awready,
    input  wire [11:0]             s_axi_awaddr,
    input  wire [2:0]              s_axi_awprot,   // ignored
    input  wire                    s_axi_wvalid,
    output wire                    s_axi_wready,
    input  wire [31:0]             s_axi_wdata,
    input  wire [3:0]              s_axi_wstrb,
    output wire                    s_axi_bvalid,
    input  wire                    s_axi_bready,
    output wire [1:0]              s_axi_bresp,    // always OKAY
    input  wire                    s_axi_arvalid,
    output wire                    s_axi_arready,
    input  wire [11:0]             s_axi_araddr,
    input  wire [2:0]              s_axi_arprot,   // ignored
    output wire                    s_axi_rvalid,
    input  wire                    s_axi_rready,
    output wire [31:0]             s_axi_rdata,
    output wire [1:0]              s_axi_rresp,    // always OKAY
    // Memory: AXI4 master, INCR bursts of whole beats, at most 256 bytes, in order
    output wire                    m_axi_awvalid,
    input  wire                    m_axi_awready,
    output wire [ID_BITS-1:0]      m_axi_awid,
    output wire [ADDRESS_BITS-1:0] m_axi_awaddr,
    output wire [7:0]              m_axi_awlen,
    output wire [2:0]              m_axi_awsize,
    output wire [1:0]              m_axi_awburst,
    output wire                    m_axi_awlock,
    output wire [3:0]              m_axi_awcache,
    output wire [2:0]              m_axi_awprot,
    output wire [3:0]              m_axi_awqos,
    output wire [3:0]              m_axi_awregion,
    output wire                    m_axi_wvalid,
    input  wire                    m_axi_wready,
    output wire [BUS_BYTES*8-1:0]  m_axi_wdata,
    output wire [BUS_BYTES-1:0]    m_axi_wstrb,
    output wire                    m_axi_wlast,
    input  wire                    m_axi_bvalid,
    output wire                    m_axi_bready,
    input  wire [ID_BITS-1:0]      m_axi_bid,      // ignored: answers come in order
    input  wire [1:0]              m_axi_bresp,    // an error ends the program with BUS_ERROR
    output wire                    m_axi_arvalid,
    input  wire                    m_axi_arready,
    output wire [ID_BITS-1:0]      m_axi_arid,
    output wire [ADDRESS_BITS-1:0] m_axi_araddr,
    output wire [7:0]              m_axi_arlen,
    output wire [2:0]              m_axi_arsize,
    output wire [1:0]              m_axi_arburst,
    output wire                    m_axi_arlock,
    output wire [3:0]              m_axi_arcache,
    output wire [2:0]              m_axi_arprot,
    output wire [3:0]              m_axi_arqos,
    output wire [3:0]              m_axi_arregion,
    input  wire                    m_axi_rvalid,
    output wire                    m_axi_rready,
    input  wire [ID_BITS-1:0]      m_axi_rid,      // ignored: answers come in order
    input  wire [BUS_BYTES*8-1:0]  m_axi_rdata,
    input  wire [1:0]              m_axi_rresp,    // an error ends the program with BUS_ERROR
    input  wire                    m_axi_rlast
);
  // The reset is released by the clock, two cycles after the board's.
  (* ASYNC_REG = "TRUE" *) reg [1:0] released_q;
  wire rst_n = aresetn && released_q[1];

  always @(posedge aclk) released_q <= {released_q[0], aresetn};

  // The slave's requests
  wire awvalid, awready, wvalid, wready, arvalid, arready;
  wire [11:0] awaddr, araddr;
  wire [31:0] wdata;
  wire [3:0] wstrb;

  axil_buffer #(
      .WIDTH(12)
  ) u_write_address (
      .clk_i      (aclk),
      .rst_ni     (rst_n),
      .in_valid_i (s_axi_awvalid),
      .in_ready_o (s_axi_awready),
      .in_data_i  (s_axi_awaddr),
      .out_valid_o(awvalid),
      .out_ready_i(awready),
      .out_data_o (awaddr)
  );

  axil_buffer #(
      .WIDTH(36)
  ) u_write_data (
      .clk_i      (aclk),
      .rst_ni     (rst_n),
      .in_valid_i (s_axi_wvalid),
      .in_ready_o (s_axi_wready),
      .in_data_i  ({s_axi_wstrb, s_axi_wdata}),
      .out_valid_o(wvalid),
      .out_ready_i(wready),
      .out_data_o ({wstrb, wdata})
  );

  axil_buffer #(
      .WIDTH(12)
  ) u_read_address (
      .clk_i      (aclk),
      .rst_ni     (rst_n),
      .in_valid_i (s_axi_arvalid),
      .in_ready_o (s_axi_arready),
      .in_data_i  (s_axi_araddr),
      .out_valid_o(arvalid),
      .out_ready_i(arready),
      .out_data_o (araddr)
  );

  // The master's addresses and constants
  wire [31:0] read_address, write_address;
  wire [63:12] memory_base;
  wire [63:0] read_place = {memory_base, 12'b0} + {32'b0, read_address};
  wire [63:0] write_place = {memory_base, 12'b0} + {32'b0, write_address};

  assign m_axi_awid     = {ID_BITS{1'b0}};
  assign m_axi_awaddr   = write_place[ADDRESS_BITS-1:0];
  assign m_axi_awlock   = 1'b0;
  assign m_axi_awcache  = CACHE;
  assign m_axi_awprot   = PROT;
  assign m_axi_awqos    = 4'b0;
  assign m_axi_awregion = 4'b0;
  assign m_axi_arid     = {ID_BITS{1'b0}};
  assign m_axi_araddr   = read_place[ADDRESS_BITS-1:0];
  assign m_axi_arlock   = 1'b0;
  assign m_axi_arcache  = CACHE;
  assign m_axi_arprot   = PROT;
  assign m_axi_arqos    = 4'b0;
  assign m_axi_arregion = 4'b0;

  // Observation, for a logic analyser
  wire [4:0] issue, retire;
  wire start, running;
  wire [19:0] state;
  wire unused = &{
    1'b0, s_axi_awprot, s_axi_arprot, m_axi_bid, m_axi_rid, read_place, write_place, issue, retire, start, running, state
  };

  tpu #(
      .ROWS         (ROWS),
      .COLUMNS      (COLUMNS),
      .BANKS        (BANKS),
      .BANK_WORDS   (BANK_WORDS),
      .ACC_ROWS     (ACC_ROWS),
      .FIFO_TILES   (FIFO_TILES),
      .PARAM_ENTRIES(PARAM_ENTRIES),
      .LOAD_BEATS   (LOAD_BEATS),
      .BUS_BYTES    (BUS_BYTES),
      .OUTSTANDING  (OUTSTANDING),
      .QUEUE_DEPTH  (QUEUE_DEPTH),
      .FETCH_DEPTH  (FETCH_DEPTH)
  ) u_tpu (
      .clk_i           (aclk),
      .rst_ni          (rst_n),
      .s_axil_awvalid_i(awvalid),
      .s_axil_awready_o(awready),
      .s_axil_awaddr_i (awaddr),
      .s_axil_wvalid_i (wvalid),
      .s_axil_wready_o (wready),
      .s_axil_wdata_i  (wdata),
      .s_axil_wstrb_i  (wstrb),
      .s_axil_bvalid_o (s_axi_bvalid),
      .s_axil_bready_i (s_axi_bready),
      .s_axil_bresp_o  (s_axi_bresp),
      .s_axil_arvalid_i(arvalid),
      .s_axil_arready_o(arready),
      .s_axil_araddr_i (araddr),
      .s_axil_rvalid_o (s_axi_rvalid),
      .s_axil_rready_i (s_axi_rready),
      .s_axil_rdata_o  (s_axi_rdata),
      .s_axil_rresp_o  (s_axi_rresp),
      .interrupt_o     (irq),
      .memory_base_o   (memory_base),
      .m_axi_arvalid_o (m_axi_arvalid),
      .m_axi_arready_i (m_axi_arready),
      .m_axi_araddr_o  (read_address),
      .m_axi_arlen_o   (m_axi_arlen),
      .m_axi_arsize_o  (m_axi_arsize),
      .m_axi_arburst_o (m_axi_arburst),
      .m_axi_rvalid_i  (m_axi_rvalid),
      .m_axi_rready_o  (m_axi_rready),
      .m_axi_rlast_i   (m_axi_rlast),
      .m_axi_rdata_i   (m_axi_rdata),
      .m_axi_rresp_i   (m_axi_rresp),
      .m_axi_awvalid_o (m_axi_awvalid),
      .m_axi_awready_i (m_axi_awready),
      .m_axi_awaddr_o  (write_address),
      .m_axi_awlen_o   (m_axi_awlen),
      .m_axi_awsize_o  (m_axi_awsize),
      .m_axi_awburst_o (m_axi_awburst),
      .m_axi_wvalid_o  (m_axi_wvalid),
      .m_axi_wready_i  (m_axi_wready),
      .m_axi_wlast_o   (m_axi_wlast),
      .m_axi_wstrb_o   (m_axi_wstrb),
      .m_axi_wdata_o   (m_axi_wdata),
      .m_axi_bvalid_i  (m_axi_bvalid),
      .m_axi_bresp_i   (m_axi_bresp),
      .m_axi_bready_o  (m_axi_bready),
      .issue_o         (issue),
      .retire_o        (retire),
      .start_o         (start),
      .running_o       (running),
      .state_o         (state)
  );
endmodule
