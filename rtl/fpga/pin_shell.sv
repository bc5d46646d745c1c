// The machine between two shift registers, for place and route: no package has a pin for each of its ports. Every input is
// a register that serial_i is shifted through, every output goes into a register that is shifted out, so nothing is
// optimised away and no path leaves the chip: what limits the clock lies in the machine.
module pin_shell #(
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
    parameter int FETCH_DEPTH   = 16
) (
    input  logic clk_i,     // clock
    input  logic serial_i,  // values of the inputs, one bit a cycle
    output logic serial_o   // values of the outputs, mixed
);
  // Inputs of the machine
  logic rst_ni;
  logic s_axil_awvalid_i;
  logic [11:0] s_axil_awaddr_i;
  logic s_axil_wvalid_i;
  logic [31:0] s_axil_wdata_i;
  logic [3:0] s_axil_wstrb_i;
  logic s_axil_bready_i;
  logic s_axil_arvalid_i;
  logic [11:0] s_axil_araddr_i;
  logic s_axil_rready_i;
  logic m_axi_arready_i;
  logic m_axi_rvalid_i;
  logic m_axi_rlast_i;
  logic [BUS_BYTES*8-1:0] m_axi_rdata_i;
  logic [1:0] m_axi_rresp_i;
  logic m_axi_awready_i;
  logic m_axi_wready_i;
  logic m_axi_bvalid_i;
  logic [1:0] m_axi_bresp_i;
  // Outputs of the machine
  logic s_axil_awready_o;
  logic s_axil_wready_o;
  logic s_axil_bvalid_o;
  logic [1:0] s_axil_bresp_o;
  logic s_axil_arready_o;
  logic s_axil_rvalid_o;
  logic [31:0] s_axil_rdata_o;
  logic [1:0] s_axil_rresp_o;
  logic interrupt_o;
  logic [63:12] memory_base_o;
  logic m_axi_arvalid_o;
  logic [31:0] m_axi_araddr_o;
  logic [7:0] m_axi_arlen_o;
  logic [2:0] m_axi_arsize_o;
  logic [1:0] m_axi_arburst_o;
  logic m_axi_rready_o;
  logic m_axi_awvalid_o;
  logic [31:0] m_axi_awaddr_o;
  logic [7:0] m_axi_awlen_o;
  logic [2:0] m_axi_awsize_o;
  logic [1:0] m_axi_awburst_o;
  logic m_axi_wvalid_o;
  logic m_axi_wlast_o;
  logic [BUS_BYTES-1:0] m_axi_wstrb_o;
  logic [BUS_BYTES*8-1:0] m_axi_wdata_o;
  logic m_axi_bready_o;
  logic [4:0] issue_o;
  logic [4:0] retire_o;
  logic start_o;
  logic running_o;
  logic [19:0] state_o;

  localparam int INPUT_BITS = 76 + 1 * 8 * BUS_BYTES;
  localparam int OUTPUT_BITS = 222 + 1 * 8 * BUS_BYTES + 1 * BUS_BYTES;
  logic [INPUT_BITS-1:0] inputs_q;
  logic [OUTPUT_BITS-1:0] outputs, outputs_q;

  assign {
      rst_ni, s_axil_awvalid_i, s_axil_awaddr_i, s_axil_wvalid_i, s_axil_wdata_i, s_axil_wstrb_i,
      s_axil_bready_i, s_axil_arvalid_i, s_axil_araddr_i, s_axil_rready_i, m_axi_arready_i, m_axi_rvalid_i,
      m_axi_rlast_i, m_axi_rdata_i, m_axi_rresp_i, m_axi_awready_i, m_axi_wready_i, m_axi_bvalid_i,
      m_axi_bresp_i
  } = inputs_q;
  assign outputs = {
      s_axil_awready_o, s_axil_wready_o, s_axil_bvalid_o, s_axil_bresp_o, s_axil_arready_o, s_axil_rvalid_o,
      s_axil_rdata_o, s_axil_rresp_o, interrupt_o, memory_base_o, m_axi_arvalid_o, m_axi_araddr_o,
      m_axi_arlen_o, m_axi_arsize_o, m_axi_arburst_o, m_axi_rready_o, m_axi_awvalid_o, m_axi_awaddr_o,
      m_axi_awlen_o, m_axi_awsize_o, m_axi_awburst_o, m_axi_wvalid_o, m_axi_wlast_o, m_axi_wstrb_o,
      m_axi_wdata_o, m_axi_bready_o, issue_o, retire_o, start_o, running_o, state_o
  };
  assign serial_o = outputs_q[OUTPUT_BITS-1];

  always_ff @(posedge clk_i) begin
    inputs_q  <= {inputs_q[INPUT_BITS-2:0], serial_i};
    outputs_q <= outputs ^ {outputs_q[OUTPUT_BITS-2:0], 1'b0};
  end

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
  ) u_tpu (.*);
endmodule
