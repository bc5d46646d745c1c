// Who may use which port: decides the requests of one cycle, in the fixed order store, vector, matrix, load
// (docs/timing.md). Combinational; the engines keep the holds in registers.
//
//   cycle      t                            t+1
//   *_req_i    asks for masks
//   *_grant_o  same cycle: all or nothing
//   *_hold_*                                the engine's own hold is visible (or none: the last access)
//
// A request is granted if no port that it wants is held by another engine (visible) or granted earlier in the order in
// this cycle. An engine's own holds do not deny it, but vector may not read a bank that it still writes.
module claim_arbiter #(
    parameter int BANKS = 8  // scratchpad banks, each with one read and one write port
) (
    input logic             store_req_i,          // store asks
    input logic [BANKS-1:0] store_read_i,         // for these read ports
    input logic             vector_req_i,         // vector asks
    input logic [BANKS-1:0] vector_read_i,        // for these read ports (A and B)
    input logic [BANKS-1:0] vector_write_i,       // and write ports
    input logic [      1:0] vector_acc_i,         // and accumulator halves
    input logic             matrix_req_i,         // matrix asks
    input logic [BANKS-1:0] matrix_read_i,        // for these read ports
    input logic [      1:0] matrix_acc_i,         // and accumulator halves
    input logic             load_req_i,           // load asks
    input logic [BANKS-1:0] load_write_i,         // for these write ports
    input logic [BANKS-1:0] store_hold_read_i,    // read ports that store holds
    input logic [BANKS-1:0] vector_hold_read_i,   // read ports that vector holds
    input logic [BANKS-1:0] vector_hold_write_i,  // write ports that vector holds
    input logic [      1:0] vector_hold_acc_i,    // accumulator halves that vector holds
    input logic [BANKS-1:0] matrix_hold_read_i,   // read ports that matrix holds
    input logic [      1:0] matrix_hold_acc_i,    // accumulator halves that matrix holds
    input logic [BANKS-1:0] load_hold_write_i,    // write ports that load holds

    output logic store_grant_o,         // store has all that it asked for
    output logic vector_grant_o,        // vector has all that it asked for
    output logic matrix_grant_o,        // matrix has all that it asked for
    output logic load_grant_o,          // load has all that it asked for
    output logic vector_bank_denied_o,  // vector asks and some scratchpad port is not free
    output logic matrix_bank_denied_o   // matrix asks and some scratchpad port is not free
);
  // Ports not free for an engine: held by the others, or granted earlier in the order in this cycle.
  logic [BANKS-1:0] store_granted, vector_read_granted, vector_write_granted;
  logic [1:0] vector_acc_granted;
  logic store_free, vector_free, matrix_free, vector_acc_free, matrix_acc_free, load_free;

  assign store_free = (store_read_i & (vector_hold_read_i | matrix_hold_read_i)) == '0;
  assign store_grant_o = store_req_i && store_free;
  assign store_granted = store_grant_o ? store_read_i : '0;

  assign vector_free =
      (vector_read_i & (store_hold_read_i | matrix_hold_read_i | store_granted | vector_hold_write_i)) == '0 &&
      (vector_write_i & load_hold_write_i) == '0;
  assign vector_acc_free = (vector_acc_i & matrix_hold_acc_i) == '0;
  assign vector_grant_o = vector_req_i && vector_free && vector_acc_free;
  assign vector_bank_denied_o = vector_req_i && !vector_free;
  assign vector_read_granted = vector_grant_o ? vector_read_i : '0;
  assign vector_write_granted = vector_grant_o ? vector_write_i : '0;
  assign vector_acc_granted = vector_grant_o ? vector_acc_i : '0;

  assign matrix_free =
      (matrix_read_i & (store_hold_read_i | vector_hold_read_i | store_granted | vector_read_granted)) == '0;
  assign matrix_acc_free = (matrix_acc_i & (vector_hold_acc_i | vector_acc_granted)) == '0;
  assign matrix_grant_o = matrix_req_i && matrix_free && matrix_acc_free;
  assign matrix_bank_denied_o = matrix_req_i && !matrix_free;

  assign load_free = (load_write_i & (vector_hold_write_i | vector_write_granted)) == '0;
  assign load_grant_o = load_req_i && load_free;
endmodule
