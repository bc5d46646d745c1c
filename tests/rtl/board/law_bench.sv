// The board's wrapper with the memory that obeys the law behind its AXI4 port, for a test that reads and writes the memory.
module law_bench #(
    parameter int ROWS          = 16,
    parameter int COLUMNS       = 16,
    parameter int BANKS         = 8,
    parameter int BANK_WORDS    = 2048,
    parameter int ACC_ROWS      = 1024,
    parameter int FIFO_TILES    = 16,
    parameter int PARAM_ENTRIES = 64,
    parameter int LOAD_BEATS    = 256,
    parameter int BUS_BYTES     = 16,
    parameter int OUTSTANDING   = 16,
    parameter int QUEUE_DEPTH   = 8,
    parameter int FETCH_DEPTH   = 16,
    parameter int DEPTH         = 65536,
    parameter int READ_LATENCY  = 100,
    parameter int WRITE_LATENCY = 100,
    parameter int RATE_NUMERATOR   = 1,
    parameter int RATE_DENOMINATOR = 1
) (
    input  logic        aclk,
    input  logic        aresetn,
    output logic        irq,
    input  logic        s_axi_awvalid,
    output logic        s_axi_awready,
    input  logic [11:0] s_axi_awaddr,
    input  logic [ 2:0] s_axi_awprot,
    input  logic        s_axi_wvalid,
    output logic        s_axi_wready,
    input  logic [31:0] s_axi_wdata,
    input  logic [ 3:0] s_axi_wstrb,
    output logic        s_axi_bvalid,
    input  logic        s_axi_bready,
    output logic [ 1:0] s_axi_bresp,
    input  logic        s_axi_arvalid,
    output logic        s_axi_arready,
    input  logic [11:0] s_axi_araddr,
    input  logic [ 2:0] s_axi_arprot,
    output logic        s_axi_rvalid,
    input  logic        s_axi_rready,
    output logic [31:0] s_axi_rdata,
    output logic [ 1:0] s_axi_rresp
);
  logic awvalid, awready, wvalid, wready, wlast, bvalid, bready, arvalid, arready, rvalid, rready, rlast;
  logic [31:0] awaddr, araddr;
  logic [7:0] awlen, arlen;
  logic [2:0] awsize, arsize, awprot, arprot;
  logic [1:0] awburst, arburst;
  logic awid, arid, awlock, arlock;
  logic [3:0] awcache, arcache, awqos, arqos, awregion, arregion;
  logic [BUS_BYTES-1:0] wstrb;
  logic [BUS_BYTES*8-1:0] wdata, rdata;
  logic unused;

  tpu_axi #(
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
  ) u_tpu_axi (
      .m_axi_awvalid (awvalid),
      .m_axi_awready (awready),
      .m_axi_awid    (awid),
      .m_axi_awaddr  (awaddr),
      .m_axi_awlen   (awlen),
      .m_axi_awsize  (awsize),
      .m_axi_awburst (awburst),
      .m_axi_awlock  (awlock),
      .m_axi_awcache (awcache),
      .m_axi_awprot  (awprot),
      .m_axi_awqos   (awqos),
      .m_axi_awregion(awregion),
      .m_axi_wvalid  (wvalid),
      .m_axi_wready  (wready),
      .m_axi_wdata   (wdata),
      .m_axi_wstrb   (wstrb),
      .m_axi_wlast   (wlast),
      .m_axi_bvalid  (bvalid),
      .m_axi_bready  (bready),
      .m_axi_bid     (1'b0),
      .m_axi_bresp   (2'b00),
      .m_axi_arvalid (arvalid),
      .m_axi_arready (arready),
      .m_axi_arid    (arid),
      .m_axi_araddr  (araddr),
      .m_axi_arlen   (arlen),
      .m_axi_arsize  (arsize),
      .m_axi_arburst (arburst),
      .m_axi_arlock  (arlock),
      .m_axi_arcache (arcache),
      .m_axi_arprot  (arprot),
      .m_axi_arqos   (arqos),
      .m_axi_arregion(arregion),
      .m_axi_rvalid  (rvalid),
      .m_axi_rready  (rready),
      .m_axi_rid     (1'b0),
      .m_axi_rdata   (rdata),
      .m_axi_rresp   (2'b00),
      .m_axi_rlast   (rlast),
      .*
  );

  // The law counts from the program's start only for a rate below the bus's, or for DRAM: neither is used here.
  axi_memory #(
      .BUS_BYTES       (BUS_BYTES),
      .DEPTH           (DEPTH),
      .READ_LATENCY    (READ_LATENCY),
      .WRITE_LATENCY   (WRITE_LATENCY),
      .OUTSTANDING     (OUTSTANDING),
      .RATE_NUMERATOR  (RATE_NUMERATOR),
      .RATE_DENOMINATOR(RATE_DENOMINATOR)
  ) u_memory (
      .clk_i    (aclk),
      .rst_ni   (aresetn),
      .start_i  (1'b0),
      .arvalid_i(arvalid),
      .arready_o(arready),
      .araddr_i (araddr),
      .arlen_i  (arlen),
      .rvalid_o (rvalid),
      .rready_i (rready),
      .rlast_o  (rlast),
      .rdata_o  (rdata),
      .awvalid_i(awvalid),
      .awready_o(awready),
      .awaddr_i (awaddr),
      .awlen_i  (awlen),
      .wvalid_i (wvalid),
      .wready_o (wready),
      .wlast_i  (wlast),
      .wstrb_i  (wstrb),
      .wdata_i  (wdata),
      .bvalid_o (bvalid),
      .bready_i (bready)
  );

  assign unused = ^{
    awsize, arsize, awprot, arprot, awburst, arburst, awid, arid, awlock, arlock, awcache, arcache, awqos, arqos, awregion,
    arregion
  };
endmodule
