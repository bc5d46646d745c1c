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
  // What is held, and which requests overlap, is worked out side by side; the chain of grants comes last and is short.
  logic store_held, vector_held, vector_acc_held, matrix_held, matrix_acc_held, load_held;
  logic store_vector, store_matrix, vector_matrix, vector_matrix_acc, vector_load;  // two requests share a port

  assign store_held = (store_read_i & (vector_hold_read_i | matrix_hold_read_i)) != '0;
  assign vector_held = (vector_read_i & (store_hold_read_i | matrix_hold_read_i | vector_hold_write_i)) != '0 ||
                       (vector_write_i & load_hold_write_i) != '0;
  assign vector_acc_held = (vector_acc_i & matrix_hold_acc_i) != '0;
  assign matrix_held = (matrix_read_i & (store_hold_read_i | vector_hold_read_i)) != '0;
  assign matrix_acc_held = (matrix_acc_i & vector_hold_acc_i) != '0;
  assign load_held = (load_write_i & vector_hold_write_i) != '0;

  assign store_vector = (store_read_i & vector_read_i) != '0;
  assign store_matrix = (store_read_i & matrix_read_i) != '0;
  assign vector_matrix = (vector_read_i & matrix_read_i) != '0;
  assign vector_matrix_acc = (vector_acc_i & matrix_acc_i) != '0;
  assign vector_load = (vector_write_i & load_write_i) != '0;

  logic vector_bank_denied, matrix_bank_denied;

  assign vector_bank_denied = vector_held || (store_grant_o && store_vector);
  assign matrix_bank_denied = matrix_held || (store_grant_o && store_matrix) || (vector_grant_o && vector_matrix);

  assign store_grant_o = store_req_i && !store_held;
  assign vector_grant_o = vector_req_i && !vector_bank_denied && !vector_acc_held;
  assign vector_bank_denied_o = vector_req_i && vector_bank_denied;
  assign matrix_grant_o = matrix_req_i && !matrix_bank_denied && !matrix_acc_held &&
                          !(vector_grant_o && vector_matrix_acc);
  assign matrix_bank_denied_o = matrix_req_i && matrix_bank_denied;
  assign load_grant_o = load_req_i && !load_held && !(vector_grant_o && vector_load);
endmodule
