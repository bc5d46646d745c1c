// Read arbiter (docs/units/memory.md): fetch, weights and load share the AXI4 read channel, in this order of priority.
//
//   cycle                g       g+1     ...   t (last beat)   t+1
//   X_req_i, X_grant_o   1
//   m_axi_arvalid_o              1
//   outstanding                  +1                            -1
//   X_rvalid_o                                 1
//
// An owner FIFO remembers whose burst is answered next. R is always accepted: the requester reserved the room. While
// an address waits for ARREADY nothing is granted. An address error ends the program; the burst's grant is given as
// the law says, but the address never reaches the bus: what has been granted is taken back in the next cycle.
module read_arbiter #(
    parameter int BUS_BYTES   = 16,  // bytes of a beat
    parameter int OUTSTANDING = 16   // bursts granted and not answered
) (
    input  logic                   clk_i,            // clock
    input  logic                   rst_ni,           // synchronous reset, active low
    input  logic [           31:0] limit_i,          // MEMORY_LIMIT: bytes that may be addressed
    // Requesters: a burst is presented while X_req_i; the address is aligned to the bus.
    input  logic                   fetch_req_i,      // fetch presents a burst
    input  logic [           31:0] fetch_addr_i,     // its address
    input  logic [            6:0] fetch_beats_i,    // its beats, 1 to 64
    output logic                   fetch_grant_o,    // granted in this cycle
    output logic                   fetch_rvalid_o,   // a beat of fetch's arrives in this cycle
    output logic                   fetch_rlast_o,    // and it is its burst's last
    input  logic                   weights_req_i,    // weights presents a burst
    input  logic [           31:0] weights_addr_i,   // its address
    input  logic [            6:0] weights_beats_i,  // its beats, 1 to 64
    output logic                   weights_grant_o,  // granted in this cycle
    output logic                   weights_rvalid_o, // a beat of weights' arrives in this cycle
    output logic                   weights_rlast_o,  // and it is its burst's last
    input  logic                   load_req_i,       // load presents a burst
    input  logic [           31:0] load_addr_i,      // its address
    input  logic [            6:0] load_beats_i,     // its beats, 1 to 64
    output logic                   load_grant_o,     // granted in this cycle
    output logic                   load_rvalid_o,    // a beat of load's arrives in this cycle
    output logic                   load_rlast_o,     // and it is its burst's last
    output logic [BUS_BYTES*8-1:0] rdata_o,          // the beat, for whoever has rvalid
    output logic                   address_error_o,  // a burst beyond the limit is presented in this cycle
    output logic                   outstanding_o,    // a burst is outstanding (visible)
    // AXI4 read channels: one ID, INCR bursts of whole beats.
    output logic                   m_axi_arvalid_o,
    output logic [           31:0] m_axi_araddr_o,
    output logic [            7:0] m_axi_arlen_o,
    output logic [            2:0] m_axi_arsize_o,
    output logic [            1:0] m_axi_arburst_o,
    input  logic                   m_axi_arready_i,
    input  logic                   m_axi_rvalid_i,
    input  logic [BUS_BYTES*8-1:0] m_axi_rdata_i,
    input  logic                   m_axi_rlast_i,
    output logic                   m_axi_rready_o
);
  localparam int COUNT_BITS = $clog2(OUTSTANDING + 1);
  localparam int INDEX_BITS = OUTSTANDING > 1 ? $clog2(OUTSTANDING) : 1;
  localparam int BEAT_SHIFT = $clog2(BUS_BYTES);
  localparam logic [1:0] OWNER_FETCH = 2'd0, OWNER_WEIGHTS = 2'd1, OWNER_LOAD = 2'd2;

  logic [COUNT_BITS-1:0] outstanding_q, outstanding_d;
  logic [INDEX_BITS-1:0] head_q, head_d, tail_q, tail_d, before_q;  // before_q: tail_q before the latest grant
  logic [1:0] owner_q[OUTSTANDING];
  logic arvalid_q, arvalid_d;
  logic [31:0] araddr_q;
  logic [7:0] arlen_q;
  logic open, grant, done;
  logic granted_q, error_q, cancel;  // the cycle before: a grant, an address error; the grant is taken back
  logic [1:0] granted, answered;
  logic [31:0] granted_addr;
  logic [6:0] granted_beats;
  logic fetch_error, weights_error, load_error;

  function automatic logic beyond(input logic [31:0] addr, input logic [6:0] beats, input logic [31:0] limit);
    beyond = {1'b0, addr} + (33'(beats) << BEAT_SHIFT) > {1'b0, limit};
  endfunction

  function automatic logic [INDEX_BITS-1:0] after(input logic [INDEX_BITS-1:0] index);
    after = index == INDEX_BITS'(OUTSTANDING - 1) ? '0 : index + INDEX_BITS'(1);
  endfunction

  assign fetch_error     = fetch_req_i && beyond(fetch_addr_i, fetch_beats_i, limit_i);
  assign weights_error   = weights_req_i && beyond(weights_addr_i, weights_beats_i, limit_i);
  assign load_error      = load_req_i && beyond(load_addr_i, load_beats_i, limit_i);
  assign address_error_o = fetch_error || weights_error || load_error;

  assign open            = outstanding_q < COUNT_BITS'(OUTSTANDING) && (!arvalid_q || m_axi_arready_i);
  assign fetch_grant_o   = open && fetch_req_i;
  assign weights_grant_o = open && weights_req_i && !fetch_req_i;
  assign load_grant_o    = open && load_req_i && !weights_req_i && !fetch_req_i;
  assign grant           = fetch_grant_o || weights_grant_o || load_grant_o;
  assign cancel          = granted_q && error_q;
  assign granted         = fetch_grant_o ? OWNER_FETCH : weights_grant_o ? OWNER_WEIGHTS : OWNER_LOAD;
  assign granted_addr    = fetch_grant_o ? fetch_addr_i : weights_grant_o ? weights_addr_i : load_addr_i;
  assign granted_beats   = fetch_grant_o ? fetch_beats_i : weights_grant_o ? weights_beats_i : load_beats_i;

  assign answered         = owner_q[head_q];
  assign fetch_rvalid_o   = m_axi_rvalid_i && outstanding_o && answered == OWNER_FETCH;
  assign weights_rvalid_o = m_axi_rvalid_i && outstanding_o && answered == OWNER_WEIGHTS;
  assign load_rvalid_o    = m_axi_rvalid_i && outstanding_o && answered == OWNER_LOAD;
  assign fetch_rlast_o    = fetch_rvalid_o && m_axi_rlast_i;
  assign weights_rlast_o  = weights_rvalid_o && m_axi_rlast_i;
  assign load_rlast_o     = load_rvalid_o && m_axi_rlast_i;
  assign done             = m_axi_rvalid_i && m_axi_rlast_i && outstanding_o;
  assign rdata_o          = m_axi_rdata_i;
  assign outstanding_o    = outstanding_q != '0;

  assign m_axi_arvalid_o = arvalid_q && !cancel;
  assign m_axi_araddr_o  = araddr_q;
  assign m_axi_arlen_o   = arlen_q;
  assign m_axi_arsize_o  = 3'(BEAT_SHIFT);
  assign m_axi_arburst_o = 2'b01;
  assign m_axi_rready_o  = 1'b1;

  always_comb begin
    arvalid_d     = grant || (arvalid_q && !m_axi_arready_i && !cancel);
    tail_d        = grant ? after(tail_q) : cancel ? before_q : tail_q;
    head_d        = done ? after(head_q) : head_q;
    outstanding_d = outstanding_q + COUNT_BITS'(grant) - COUNT_BITS'(done) - COUNT_BITS'(cancel);
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      arvalid_q     <= 1'b0;
      araddr_q      <= '0;
      arlen_q       <= '0;
      outstanding_q <= '0;
      head_q        <= '0;
      tail_q        <= '0;
      granted_q     <= 1'b0;
      error_q       <= 1'b0;
    end else begin
      granted_q     <= grant;
      error_q       <= address_error_o;
      arvalid_q     <= arvalid_d;
      outstanding_q <= outstanding_d;
      head_q        <= head_d;
      tail_q        <= tail_d;
      if (grant) begin
        before_q <= tail_q;
        araddr_q <= granted_addr;
        arlen_q  <= 8'(granted_beats) - 8'd1;
      end
    end
  end

  always_ff @(posedge clk_i) if (grant) owner_q[tail_q] <= granted;

`ifdef FORMAL_READ_ARBITER
  `include "read_arbiter.svh"
`endif
endmodule
